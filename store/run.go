package store

import "time"

// Run is one execution of a workflow, as stored. A zero time means "not yet"
// or "none".
type Run struct {
	// Seq numbers the runs of one store in the order of their creation.
	Seq        int64
	ID         string
	Workflow   string
	Status     Status
	Queue      string // empty: no queue
	Priority   int    // higher first
	Labels     map[string]string
	Version    string // of the code it was started under
	Input      []byte
	Output     []byte
	Error      *Failure
	ParentID   string
	ForkedFrom string
	CreatedAt  time.Time
	QueuedAt   time.Time // when it last became claimable
	StartedAt  time.Time
	EndedAt    time.Time
	WakeAt     time.Time // of a delayed or waiting run
	Deadline   time.Time
	Executor   string // that holds, or last held, the run
	Epoch      int64  // raised by each claim
	// Attempt counts the executions begun, from 1: each recovery after a crash
	// and each resume adds one; waking from a wait does not.
	Attempt int
	// Resumes counts how often it was resumed after an end. A [SpanRecord] has
	// it, nothing else.
	Resumes int
	// Signals counts what reached the run from outside (a cancel, a
	// message, news of another run). See [Suspension].
	Signals int64
	// Stop is set once the run was asked to stop: [StopCancel] or [StopDeadline].
	Stop  StopCause
	Trace Trace
	// Partition is the share of its queue that the run is in; empty: none.
	Partition string
	// StartKey is the key, of [NewRun.Dedup] or [NewRun.Debounce], under which
	// it was started; it says nothing of who holds the key now.
	StartKey string
	// Pinned: only executors of its version may have it.
	Pinned bool
	// Aside: it is pinned, and waits for an executor of its version.
	Aside bool
	// Base is the index of the first call in the history: above zero for a run
	// that went on anew, see [Continuation].
	Base int
}

// Fresh reports whether the run was never executed, and so has no history.
func (r *Run) Fresh() bool { return r.Epoch <= 1 }

// StopCause says why a run was asked to stop. The numbers are stored.
type StopCause uint8

// The causes to stop a run.
const (
	StopNone     StopCause = 0
	StopCancel   StopCause = 1
	StopDeadline StopCause = 2
	// StopByCode asks for StopCancel, of a run whose code can see that; it is not
	// stored. See [Store.Stop].
	StopByCode StopCause = 255
)

// Trace is the run's place in its trace, fixed at creation.
type Trace struct {
	TraceID [16]byte
	// ParentSpan is the caller's span, zero when the run begins the trace.
	ParentSpan [8]byte
	Sampled    bool
}

// NewRun is a run to create. ID, Workflow, CreatedAt and Trace are required.
type NewRun struct {
	ID       string
	Workflow string
	Queue    string
	Priority int
	Labels   map[string]string
	Version  string
	Input    []byte
	ParentID string
	// OnParentEnd says what becomes of the run when the one of ParentID ends.
	OnParentEnd ParentPolicy
	Deadline    time.Time
	// StartAt delays the run; zero or not after CreatedAt means now.
	StartAt   time.Time
	CreatedAt time.Time
	Trace     Trace
	// Pinned has the run executed under Version only; see [Changer.SetAside].
	Pinned bool
	// ClaimFor creates the run already claimed by this executor, at epoch 1:
	// one write instead of two. Not for a delayed run or one with a Queue.
	ClaimFor string
	// Partition is the share of the Queue that the run is in. Claims take from
	// the partitions of a queue in turn; the runs without one are one of them.
	Partition string
	// Dedup, when not empty, is a key that at most one run of the workflow holds
	// at a time, from its creation to its end. While another holds it that one
	// is returned, as one with the same ID would be; with DedupReject it gets
	// no messages.
	Dedup       string
	DedupReject bool
	// Debounce, when not empty, is a key that leads to the run for as long as
	// that is delayed. Another start with the key gives that run its Input and
	// its StartAt, which goes no further than the first one's DebounceUntil
	// (zero: as far as it likes), and returns it. It needs a StartAt to come.
	Debounce      string
	DebounceUntil time.Time
	// Messages are sent to the run in the same write. When the run exists they
	// are sent to that, as by [Mailbox.Send].
	Messages []NewMessage
}

// Filter selects runs. Zero fields do not filter.
type Filter struct {
	// IDs selects from these runs only; those that do not exist are left out.
	IDs      []string
	Statuses []Status
	// IDPrefix is how the id begins.
	IDPrefix string
	Workflow string
	Version  string
	Queue    *string
	ParentID string
	Labels   map[string]string
	Since    time.Time // created at or after
	Until    time.Time // created before
	// Before lists runs with a smaller Seq: the page after one that ended there.
	Before int64
	Limit  int // at most 1000; zero means 100
	// Bare leaves Input and Output out of what is returned.
	Bare bool
}

// Outcome ends a claim for good: with [Succeeded], [Failed] or [Cancelled], or
// by parking the run as [Stuck].
type Outcome struct {
	Status Status
	Output []byte
	Error  *Failure
	At     time.Time
	// HasParent has the end signalled to the run's parent, if that waits for
	// it. Ends that the store makes itself always are.
	HasParent bool
	// HasChildren has the end passed down to the run's children; see
	// [ParentPolicy]. A failure always is.
	HasChildren bool
	// Unstopped has Finish refuse with ErrConflict, and leave the claim, when
	// the run was asked to stop: the executor has something to do before.
	Unstopped bool
	// Final has the outcome stand even when the run was asked to stop.
	Final bool
	// HasKey has the run's key freed; see [NewRun.Dedup].
	HasKey bool
	// HasPartition has the place that the run leaves in its partition given to
	// another of it; see [QueueLimit.PartitionConcurrency].
	HasPartition bool
}
