package runtime_test

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Beat(ctx context.Context, c store.Claim, h *store.Heartbeat) error {
	return m.write(func() error { return m.Store.Beat(ctx, c, h) })
}
