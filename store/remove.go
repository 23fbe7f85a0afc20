package store

import "context"

// Remover takes out runs that have ended. A run goes in two steps: [Remover.Delete]
// makes it unknown at once, however much hangs on it; its history and
// whatever else it left goes in pieces, by [Remover.Sweep].
type Remover interface {
	// Delete removes an ended run. From then on it is unknown, its id is free,
	// and a span of it that was not sent yet never will be. Its children stay.
	// Errors: ErrNotFound; ErrConflict when the run has not ended, or when its
	// parent has not, which may still ask for the result.
	Delete(ctx context.Context, id string) error

	// Sweep frees the room of deleted runs, and of histories that were left
	// behind (see [Changer.Continue]): up to limit rows, or some MiB. It
	// reports whether more is left. Repeating it is harmless.
	Sweep(ctx context.Context, limit int) (more bool, err error)
}
