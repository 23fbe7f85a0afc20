package sqlite

import (
	"sync"
	"sync/atomic"
)

const (
	pageSize = 4096
	// logPages is when the log is copied into the database: large enough that
	// a page rewritten by many commits is copied once (16 MiB).
	logPages = 4096
	// logLimit is when the writer waits for the readers that hold the log, or
	// for a checkpointer that it outruns: the log is never unbounded (128 MiB).
	logLimit = 32768
	// logKeep is the size to which the log file is cut back, in bytes.
	logKeep = logPages * pageSize
)

// checkpointer moves the log into the database. This is the one place where
// that is decided, so that a replica can take it over.
//
// The bulk is copied on a connection of its own while the writer goes on. What
// the writer added meanwhile is little; the writer copies that itself between
// two commits. When nothing is left and no reader is in the log at that moment,
// the next commit starts the log from its beginning instead of making it
// longer. Readers may follow one another so closely that this never comes;
// at the limit the writer waits for those that were there before.
type checkpointer struct {
	conn *conn
	wake chan struct{}
	done chan struct{}
	// bulk is set when the checkpointer has done its part.
	bulk atomic.Bool
	// copying is held by who copies: while another does, SQLite refuses a
	// checkpoint at once, whatever the busy timeout.
	copying sync.Mutex

	// Of the writer's goroutine. log is an upper bound of the pages in the
	// log, copied says how many of them need no copying any more.
	log, copied  int64
	begin, limit int64
	wait         int64 // no restart below, because one was in vain
	hurry        bool  // copy the log now, however short: the file can be cut
}

func newCheckpointer(c *conn) *checkpointer {
	return &checkpointer{conn: c, wake: make(chan struct{}, 1), done: make(chan struct{}), begin: logPages, limit: logLimit}
}

// run ends when wake is closed.
func (k *checkpointer) run() {
	defer close(k.done)
	for range k.wake {
		// An error shows in a log that grows; the next round tries again, and
		// copies from where the last one was safe.
		k.copying.Lock()
		k.conn.query(copyLog, func(row) error { return nil })
		k.copying.Unlock()
		k.bulk.Store(true)
	}
}

// wrote is called by the writer after each commit with the pages it added.
func (k *checkpointer) wrote(pages int, writer *conn) {
	k.log += int64(pages)
	switch {
	case k.log > max(k.limit, k.wait):
		k.copyRest(writer, restartLog)
	case k.bulk.Swap(false):
		k.copyRest(writer, copyLog)
	case k.log-k.copied > k.begin, k.hurry:
		k.hurry = false
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// copyRest has the writer copy what is left, which it can do without anybody
// adding to it, and learns how long the log really is.
func (k *checkpointer) copyRest(writer *conn, how string) {
	if how == restartLog {
		k.copying.Lock()
		defer k.copying.Unlock()
	}
	busy := true
	err := writer.query(how, func(r row) error {
		busy, k.log, k.copied = r.int(0) != 0, r.int(1), r.int(2)
		return nil
	})
	switch {
	case how != restartLog:
	case err != nil || busy:
		k.wait = k.log + k.begin // not again after every commit
	default:
		k.log, k.copied, k.wait = 0, 0, 0
	}
}

// close ends the goroutine.
func (k *checkpointer) close() {
	close(k.wake)
	<-k.done
}
