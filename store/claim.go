package store

import "time"

// Claim is the right to write to a run: the epoch at which it was claimed.
type Claim struct {
	Seq   int64
	ID    string
	Epoch int64
}

// Claim returns the claim under which r was handed out.
func (r *Run) Claim() Claim { return Claim{Seq: r.Seq, ID: r.ID, Epoch: r.Epoch} }

// ClaimRequest asks for runs to execute.
type ClaimRequest struct {
	Executor string
	Now      time.Time
	// Clock, where there is one, is asked in place of Now when the write is
	// made: what it waited for does not count as time in which a [Rate] rests.
	Clock func() time.Time
	// Limit bounds the runs handed out by this call.
	Limit int
	// Queues lists the queues to take new runs from; the empty name is the
	// runs without a queue. Runs that had started before (woken, recovered,
	// resumed) are handed out first and whatever their queue: they still hold
	// their place in it. Among each, higher priority goes first, then who has
	// been claimable longest. Where a queue has partitions that holds in each;
	// among them each gets its turn.
	Queues []QueueLimit
}

// QueueLimit says how many new runs may be claimed from one queue, unless
// [Queues] has settings of it: those go before.
type QueueLimit struct {
	Name string
	// Concurrency bounds the runs of the queue that have started and not
	// ended, on all executors together; zero means no bound.
	Concurrency int
	// PerExecutor bounds them on the executor that claims; zero means no bound.
	// A store for one process has one executor, whatever it was called before.
	PerExecutor int
	// Limit bounds the runs taken by this call; zero means no bound.
	Limit int
	// Rate bounds how often a new run is claimed. What is left of it is written
	// with the claim, so it holds over a crash. A Claim that leaves runs behind
	// for want of a token publishes [EventToken].
	Rate Rate
	// Paused: no new run is claimed.
	Paused bool
	// PartitionConcurrency and PartitionRate are Concurrency and Rate of each
	// partition of the queue. They do not bound the runs without a partition.
	PartitionConcurrency int
	PartitionRate        Rate
}

// Suspension lets go of a run that waits.
type Suspension struct {
	// WakeAt is the earliest moment at which the run has to go on; zero when
	// it waits for an event only.
	WakeAt time.Time
	// Signals is the [Run.Signals] the executor has seen. When more has come
	// the suspension is refused with [ErrConflict]: the run has news to read.
	Signals int64
}

// Recovery reports what [Store.Recover] found.
type Recovery struct {
	// Recovered runs are queued again.
	Recovered int
	// Parked runs had been recovered too often without progress; they are stuck.
	Parked int
}
