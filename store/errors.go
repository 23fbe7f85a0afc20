package store

import "errors"

var (
	// ErrNotFound: no such run.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the operation does not fit the state of the run.
	ErrConflict = errors.New("conflict")
	// ErrStale: the claim was lost; somebody else has the run, or it ended.
	// Whoever gets it must stop working on the run.
	ErrStale = errors.New("claim is stale")
	// ErrTimeout: the time allowed for it is over.
	ErrTimeout = errors.New("timed out")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store is closed")
	// ErrOverloaded: too many writes are waiting. Nothing was written; try later.
	ErrOverloaded = errors.New("store is overloaded")
	// ErrFull: no room on the disk, or it refused the write. Nothing was
	// written; the same write succeeds once there is room.
	ErrFull = errors.New("store has no room")
	// ErrUnknownOutcome: a commit failed in a way that leaves open whether it
	// is durable. The store refuses all further writes; the process must end,
	// and recovery at the next start decides.
	ErrUnknownOutcome = errors.New("outcome of the commit is unknown")
	// ErrCorrupt: the database contradicts itself.
	ErrCorrupt = errors.New("store is corrupt")
	// ErrInUse: another process holds the database.
	ErrInUse = errors.New("store is in use")
	// ErrForeign: the file is not a Stepwell database.
	ErrForeign = errors.New("not a stepwell database")
	// ErrNewer: the database was written by a newer version of Stepwell.
	ErrNewer = errors.New("database is from a newer version")
)
