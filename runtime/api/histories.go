package api

import (
	"context"
	"sync"
)

const (
	// maxHistories bounds the histories, or pieces of them, that are read at a
	// time, and the large ones that are in memory until they were sent.
	maxHistories = 4
	// largeHistory is what may be in memory besides, for each client.
	largeHistory = 256 << 10
)

// histories gives out the places of those who read a history.
type histories chan struct{}

// take waits for a place. free gives it back, and may be called again.
func (h histories) take(ctx context.Context) (free func(), err error) {
	select {
	case h <- struct{}{}:
		return sync.OnceFunc(func() { <-h }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
