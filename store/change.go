package store

import "context"

// Changer is the part of a [Store] for code that changes while its runs live.
type Changer interface {
	// Fork creates a run that begins with a part of another's history, the
	// beginning of it in commit order. When the id exists it returns that run
	// and false and writes nothing. The run that is forked is not touched.
	// Errors: ErrNotFound when there is no such run, or the step is not in its
	// history; ErrOverloaded, ErrFull, ErrClosed.
	Fork(ctx context.Context, f Fork) (Run, bool, error)
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
