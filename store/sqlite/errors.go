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
func classify(err error, commit bool) (error, extent) {
	se, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		if commit {
			return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err), fatalError
		}
		return err, ownError
	}
	switch code := se.Code(); {
	case code&0xff == sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%w: %w", store.ErrConflict, err), ownError
	// The last frame did not reach the log whole; see voidRefused.
	case code&0xff == sqlite3.SQLITE_FULL, code == sqlite3.SQLITE_IOERR_WRITE:
		return fmt.Errorf("%w: %w", store.ErrFull, err), batchError
	// After a failed fsync the system holds the pages for clean: what comes
	// later would rest on what is not on the disk.
	case code == sqlite3.SQLITE_IOERR_FSYNC, code == sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err), fatalError
	case code&0xff == sqlite3.SQLITE_CORRUPT, code&0xff == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err), fatalError
	case commit:
		return fmt.Errorf("%w: %w", store.ErrUnknownOutcome, err), fatalError
	case code&0xff == sqlite3.SQLITE_IOERR, code&0xff == sqlite3.SQLITE_NOMEM, code&0xff == sqlite3.SQLITE_BUSY:
		return err, batchError
	default:
		return err, ownError
	}
}

// classifyBatch is classify for a statement that serves the whole batch.
func classifyBatch(err error) (error, extent) {
	err, reach := classify(err, false)
	switch {
	case errors.Is(err, store.ErrCorrupt):
		reach = fatalError
	case reach == ownError:
		reach = batchError
	}
	return err, reach
}
