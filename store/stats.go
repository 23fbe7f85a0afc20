package store

import "time"

// Stats counts what is in the store.
type Stats struct {
	Runs map[Status]int64
	// Queues holds the queues with live runs.
	Queues []QueueStats
	// OldestQueued is when the longest-waiting claimable run was queued; zero
	// when none waits.
	OldestQueued time.Time
	// Aside counts the runs that wait for an executor of their version.
	Aside map[string]int64
	// NextDue is when the next timer or deadline falls due; zero when none.
	NextDue time.Time
}

// QueueStats describes one queue.
type QueueStats struct {
	Name string
	// Depth is the number of claimable runs, Held that of runs which started
	// and have not ended.
	Depth, Held int64
	// Oldest is when the longest-waiting claimable run was queued; zero when
	// none waits.
	Oldest time.Time
}

// Health is what a store knows of itself. Reading it waits for nothing.
type Health struct {
	// Err is why the store cannot write, nil when it can.
	Err error
	// Fatal: only a new process can mend Err.
	Fatal bool
	// LastCommit is when the last commit became durable, by the wall clock.
	LastCommit time.Time
	// OldestWrite is when the longest-waiting write was handed in; zero when
	// none waits.
	OldestWrite time.Time
	// Commits and Writes count since the store was opened.
	Commits, Writes uint64
	// Pending is the number of writes that wait.
	Pending int
	// LogBytes is the size of the write-ahead log, FreeBytes the room left on
	// the disk; negative when unknown.
	LogBytes, FreeBytes int64
	// Runs counts runs by status; index with a Status.
	Runs [9]int64
}
