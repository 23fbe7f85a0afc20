package sqlite

import (
	"sync/atomic"
)

const (
	pageSize = 4096
	// logPages is when the log is copied into the database: large enough that
	// a page rewritten by many commits is copied once (16 MiB).
	logPages = 4096
	// logLimit is when the writer does it itself, because it outruns the
	// checkpointer: the log is never unbounded (128 MiB).
	logLimit = 32768
	// logKeep is the size to which the log file is cut back, in bytes.
	logKeep = logPages * pageSize
)

// checkpointer moves the log into the database. This is the one place where
// that is decided, so that a replica can take it over.
//
// The bulk is copied on a connection of its own while the writer goes on. What
// the writer added meanwhile is little; the writer copies that itself between
// two commits, and because nothing is then left, the next commit starts the
// log from its beginning instead of making it longer.
type checkpointer struct {
	conn *conn
	wake chan struct{}
	done chan struct{}
	log  atomic.Int64 // pages in the log, counted by the writer
	// bulk is set when the checkpointer has done its part.
	bulk atomic.Bool
}

func newCheckpointer(c *conn) *checkpointer {
	return &checkpointer{conn: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// run ends when wake is closed.
func (k *checkpointer) run() {
	defer close(k.done)
	for range k.wake {
		if k.passive(k.conn) == nil {
			k.bulk.Store(true)
		}
	}
}

// passive copies what no reader still needs and waits for nobody.
func (k *checkpointer) passive(c *conn) error {
	return c.query("PRAGMA wal_checkpoint(PASSIVE)", func(r row) error {
		if r.int(1) == r.int(2) {
			k.log.Store(0)
		} else if c != k.conn {
			k.log.Store(r.int(1) - r.int(2)) // a reader holds the rest
		}
		return nil
	})
}

// wrote is called by the writer after each commit with the pages it added.
func (k *checkpointer) wrote(pages int, writer *conn) {
	log := k.log.Add(int64(pages))
	switch {
	case k.bulk.Swap(false) || log > logLimit:
		k.passive(writer)
	case log > logPages:
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// close ends the goroutine.
func (k *checkpointer) close() {
	close(k.wake)
	<-k.done
}
