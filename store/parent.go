package store

// ParentPolicy says what becomes of a child that lives when its parent ends.
// The numbers are stored.
//
// A child that is to stop is stopped like with [Store.Stop] and [StopCancel],
// by the next calls of [Store.Due]: in bounded batches, none of which is lost
// in a crash.
type ParentPolicy uint8

// What becomes of a child. A run that was asked to stop counts as cancelled
// from that moment, not only from its end.
const (
	// StopOnFailure: it stops when the parent fails or is cancelled, and goes
	// on when the parent succeeds.
	StopOnFailure ParentPolicy = 0
	// StopOnEnd: it stops when the parent ends, however that is.
	StopOnEnd ParentPolicy = 1
	// Abandon: it goes on.
	Abandon ParentPolicy = 2
)
