package store

import "time"

// Event is news of a committed change, so that nobody has to poll.
type Event struct {
	Kind EventKind
	// ID and Seq name the run, where one is meant.
	ID  string
	Seq int64
	// Queue is the queue of a run that became claimable.
	Queue string
	// At is when the store next has something due.
	At time.Time
}

// EventKind tells what happened.
type EventKind uint8

// The kinds of events.
const (
	// EventQueued: a run became claimable; without an ID and a Queue, many did.
	EventQueued EventKind = 1
	// EventEnded: a run has its outcome, or is stuck.
	EventEnded EventKind = 2
	// EventSignalled: something reached a run from outside.
	EventSignalled EventKind = 3
	// EventDue: something is due at At.
	EventDue EventKind = 4
	// EventChanged: a run set an event or wrote to a stream, or was given
	// another version.
	EventChanged EventKind = 5
	// EventRemoved: a run was deleted.
	EventRemoved EventKind = 6
	// EventToken: a Claim left runs of Queue behind because its [Rate] has no
	// token before At. Whoever claims has to ask again then.
	EventToken EventKind = 20
)
