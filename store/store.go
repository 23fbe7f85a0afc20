package store

import (
	"context"
	"time"
)

// Store keeps runs and their histories. All methods may be called from any
// number of goroutines. Unless said otherwise a write is durable when it
// returns nil, and has left nothing behind when it returns an error (see
// [ErrUnknownOutcome] for the one exception). A cancelled ctx ends the wait,
// not the write: what was handed in may still be committed.
type Store interface {
	Mailbox
	Values
	Streams
	Remover
	Hearts
	Schedules
	Marks

	// Create stores a new run. When the id exists it returns that run and
	// false and writes nothing, so a repeated call is harmless; but see
	// [NewRun.Messages].
	// Errors: ErrOverloaded, ErrFull, ErrClosed; ErrConflict when there are
	// messages for a run that has ended.
	Create(ctx context.Context, run NewRun) (Run, bool, error)

	// Claim hands queued runs to an executor: each becomes running under a
	// higher epoch. No two calls get the same run.
	Claim(ctx context.Context, req ClaimRequest) ([]Run, error)

	// Load returns the whole history of a run in commit order, in one read.
	// A run without history, or no run, gives an empty one.
	Load(ctx context.Context, seq int64) ([]Step, error)

	// LoadSince returns what changed in a run's history after a position, in one
	// read: of each step with a row after it, all rows, in commit order. It looks
	// no further than the first limit of those new rows, nor much further than those
	// that hold some hundred kilobytes; to is the position of the last it has looked at, or after when there are none. Positions are those
	// of [Step.Pos].
	LoadSince(ctx context.Context, seq, after int64, limit int) (rows []Step, to int64, err error)

	// Outline is Load for people: the rows of one path, or of all when that is
	// empty, without the outputs of more than most bytes, which may be more than
	// fits into memory. A row has the size of what was left out.
	Outline(ctx context.Context, seq int64, path string, most int) ([]Step, error)

	// Record appends a row to the history. Not idempotent: the same path and
	// attempt twice is ErrConflict. step must not be changed before the write
	// is answered, and not at all when ctx ended the wait.
	// Errors: ErrStale when the claim was lost.
	Record(ctx context.Context, claim Claim, step *Step) error

	// Suspend makes a running run waiting and gives up the claim.
	// Errors: ErrStale; ErrConflict when signals came that the executor has
	// not seen, in which case it keeps the claim.
	Suspend(ctx context.Context, claim Claim, s Suspension) error

	// Finish ends a running run and gives up the claim. A run that was asked
	// to stop ends cancelled (or failed, at its deadline) whatever the
	// outcome says, unless that is Stuck; the status it ended with is
	// returned. The outcome may say otherwise. Errors: ErrStale; ErrConflict
	// for an outcome that is [Outcome.Unstopped].
	Finish(ctx context.Context, claim Claim, o Outcome) (Status, error)

	// Release gives claims back: the runs are queued again, at once claimable
	// by anybody, without counting as a recovery. Stale claims are passed over.
	Release(ctx context.Context, claims []Claim, now time.Time) error

	// Stop asks a run to stop. A run that never started ends at once; a
	// waiting one is queued so that its code can see it; a running one is
	// signalled; a stuck one, whose code cannot see it, ends at once; one that was
	// resumed into its queue passes the line. Stopping a run that was already
	// asked changes nothing, unless it got stuck since.
	// Errors: ErrNotFound; ErrConflict when it has ended, and with StopByCode when
	// it is stuck.
	Stop(ctx context.Context, id string, cause StopCause, now time.Time) (Run, error)

	// Resume queues a stuck or cancelled run again, from its history.
	// Errors: ErrNotFound; ErrConflict in any other state, and for a cancelled
	// run with a row of [KindReturn]: what it did was undone.
	Resume(ctx context.Context, id string, now time.Time) (Run, error)

	// Due moves what is due at now: delayed and waiting runs are queued, runs
	// at their deadline are stopped, and so are the children of ended runs (see
	// [ParentPolicy]). It moves at most limit runs, and returns how many, with
	// the moment the next is due (zero: none).
	Due(ctx context.Context, now time.Time, limit int) (moved int, next time.Time, err error)

	// Recover queues the runs that dead executors left running. On a store
	// for one process those are all running ones. A run recovered more than
	// maxRecoveries times in a row without a new row of history is parked as
	// stuck instead.
	Recover(ctx context.Context, now time.Time, maxRecoveries int) (Recovery, error)

	Queues

	// Get returns one run. Errors: ErrNotFound.
	Get(ctx context.Context, id string) (Run, error)

	// List returns runs, newest first.
	List(ctx context.Context, f Filter) ([]Run, error)

	// Stats counts. The numbers are of one moment, but may be a commit old.
	Stats(ctx context.Context) (Stats, error)

	// Spans returns the committed rows of sampled runs after a position.
	// Positions grow in commit order; what is at or before a returned one
	// never changes.
	Spans(ctx context.Context, after int64, limit int) (SpanPage, error)

	// Cursor returns a stored position by name; false when it was never set.
	Cursor(ctx context.Context, name string) (int64, bool, error)
	// SetCursor stores a position. Idempotent.
	SetCursor(ctx context.Context, name string, pos int64) error
	// Position is that of the newest commit.
	Position() int64

	// Subscribe has fn called with the news of each commit, after it is
	// durable, in commit order. fn must not block, nor call the store. One subscriber;
	// subscribe before anything else runs.
	Subscribe(fn func([]Event))

	// Probe commits a write of no meaning: proof that the store can.
	Probe(ctx context.Context) error
	// Health reads what the store knows of itself, without waiting.
	Health() Health

	// Close ends the store: writes handed in before are committed, later ones
	// get ErrClosed, and when it returns nothing of the store runs any more.
	// Closing twice is harmless.
	Close() error

	Changer
}
