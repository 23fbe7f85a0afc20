package store

import (
	"context"
	"time"
)

// Heartbeat is a sign of life from a step under way.
type Heartbeat struct {
	Path    string
	Attempt int
	At      time.Time
	// Details are what the next attempt gets to know, encoded.
	Details []byte
}

// Hearts keeps the last heartbeat of each step until the step has its final
// row or the run its end, whichever comes first.
type Hearts interface {
	// Beat stores a heartbeat in place of the step's last. h must not be
	// changed before the write is answered, and not at all when ctx ended the
	// wait. Errors: ErrStale when the claim was lost.
	Beat(ctx context.Context, claim Claim, h *Heartbeat) error

	// LastBeat returns the last heartbeat of a step, whichever attempt it came
	// from; false when there is none.
	LastBeat(ctx context.Context, seq int64, path string) (Heartbeat, bool, error)
}
