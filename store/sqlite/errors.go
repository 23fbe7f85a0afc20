package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stepwell/stepwell/store"
)

// extent tells how far an error reaches.
type extent int

const (
	// ownError concerns the one write; the transaction goes on.
	ownError extent = iota
	// batchError ends the transaction and leaves nothing of it.
	batchError
	// fatalError leaves open what is on the disk.
	fatalError
)

// classify maps a driver's error, by its code, to the store's and says how far
// it reaches. commit tells that the error came from COMMIT.
func classify(err error, commit bool) (extent, error) {
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		if commit {
			return fatalError, fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
		}
		return ownError, err
	}
	switch code := se.Code(); {
	case code&0xff == sqlite3.SQLITE_CONSTRAINT:
		return ownError, fmt.Errorf("%w: %w", store.ErrConflict, err)
	// The last frame did not reach the log whole; see voidRefused.
	case code&0xff == sqlite3.SQLITE_FULL, code == sqlite3.SQLITE_IOERR_WRITE:
		return batchError, fmt.Errorf("%w: %w", store.ErrFull, err)
	// After a failed fsync the system holds the pages for clean: what comes
	// later would rest on what is not on the disk.
	case code == sqlite3.SQLITE_IOERR_FSYNC, code == sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return fatalError, fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
	case code&0xff == sqlite3.SQLITE_CORRUPT, code&0xff == sqlite3.SQLITE_NOTADB:
		return fatalError, fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	case commit:
		return fatalError, fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err)
	case code&0xff == sqlite3.SQLITE_IOERR, code&0xff == sqlite3.SQLITE_NOMEM, code&0xff == sqlite3.SQLITE_BUSY:
		return batchError, err
	default:
		return ownError, err
	}
}

// classifyBatch is classify for a statement that serves the whole batch.
func classifyBatch(err error) (extent, error) {
	reach, err := classify(err, false)
	switch {
	case errors.Is(err, store.ErrCorrupt):
		reach = fatalError
	case reach == ownError:
		reach = batchError
	}
	return reach, err
}
