package store

import (
	"context"
	"time"
)

// Changer is the part of a [Store] for code that changes while its runs live.
type Changer interface {
	// Fork creates a run that begins with a part of another's history, the
	// beginning of it in commit order. When the id exists it returns that run
	// and false and writes nothing. The run that is forked is not touched.
	// Errors: ErrNotFound when there is no such run, or the step is not in its
	// history; ErrOverloaded, ErrFull, ErrClosed.
	Fork(ctx context.Context, f Fork) (Run, bool, error)

	// Continue ends this history of a running run and queues the run again, in
	// its place, with a new input and a fresh history; everything else stays.
	// A run that was asked to stop is not touched: it has to be finished.
	// Errors: ErrStale.
	//
	// The old history is unknown at once. Its rows are taken out in pieces: by
	// this call, by [Remover.Sweep], and, those whose spans are still to be
	// sent, by [Store.SetCursor] of [SpanCursor].
	Continue(ctx context.Context, claim Claim, c Continuation) (Continued, error)

	// SetAside gives up the claim of a pinned run whose version the executor
	// does not have. The run waits for [Changer.Admit]; when nothing of it was
	// recorded yet, it gives up its place in its queue.
	// Errors: ErrStale; ErrConflict when the run was asked to stop, in which
	// case the executor keeps the claim.
	SetAside(ctx context.Context, claim Claim) error

	// Admit queues runs of a version that were set aside, at most limit, the
	// oldest first, and returns how many.
	Admit(ctx context.Context, version string, now time.Time, limit int) (int, error)

	// SetVersion gives a run another version, queues it when it was set aside,
	// and publishes [EventChanged]. Errors: ErrNotFound; ErrConflict when the
	// run has ended.
	SetVersion(ctx context.Context, id, version string, now time.Time) (Run, error)
}

// Continuation is how a run goes on.
type Continuation struct {
	Input []byte
	// Base is the index of the first call in the new history: the one after
	// the last in the old, so that no path comes twice in the life of a run.
	Base int
	At   time.Time
	// Events are set with it, by their keys; see [Values.SetEvent].
	Events map[string][]byte
}

// Continued says what became of a run that was to go on.
type Continued struct {
	// Stopped: it does not, it was asked to stop.
	Stopped bool
	// Left: there are rows for [Remover.Sweep] to take out.
	Left bool
}

// Fork is a run to create from another's history.
type Fork struct {
	// From is the id of the run whose history is copied, in whatever state it is.
	From string
	// Step is the path of a step, or of a branch: rows committed before the
	// first of it are copied. Empty: all are.
	//
	// Of waits that were not over only sleeps are copied, which end when they
	// would have; other waits begin anew. Copied rows are [Step.Copied], belong
	// to no claim, and are no spans. The events and the items of streams that they
	// made are copied with them; messages that were not taken are not.
	Step string
	// Run is the run to create. It has the workflow and the input of the other,
	// whatever is set here. ClaimFor is not allowed.
	Run NewRun
}
