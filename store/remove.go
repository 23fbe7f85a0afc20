package store

import (
	"context"
	"time"
)

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

	// Expire deletes runs of one status that ended long enough ago, earliest
	// first, as Delete does; a run that is to stay does not stop those after it.
	Expire(ctx context.Context, e Expiry) (Expired, error)

	// Shrink gives room that is free back to the file system, up to some MiB
	// at a time, but keeps a part of it for what is written next. It reports
	// whether there is more to give back. It does nothing where the database
	// cannot.
	Shrink(ctx context.Context) (more bool, err error)
}

// Expiry says which runs are to go.
type Expiry struct {
	// Status is one of the ends.
	Status Status
	// From and Before bound the moment at which they ended.
	From, Before time.Time
	// Sent keeps sampled runs until their spans were sent; see [Store.SetCursor]
	// with the name "spans".
	Sent bool
	// Limit bounds the runs deleted by this call. It may end earlier.
	Limit int
}

// Expired is what an [Expiry] did.
type Expired struct {
	// Deleted runs are gone.
	Deleted int
	// More: there may be more to delete now, from Last on.
	More bool
	// Last is when the last of the runs looked at had ended.
	Last time.Time
	// Held: some runs that ended before Before stay for now. Only without More.
	Held bool
	// Next is the earliest end of a run at or after Before; zero when there is
	// none. Only without More.
	Next time.Time
}
