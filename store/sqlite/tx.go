package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/stepwell/stepwell/store"
)

// tx is the transaction of one batch: the connection, the running state that is
// written with it, and the events to publish after it.
type tx struct {
	*conn
	state  state
	events []store.Event
	errs   []error
	saved  state // as committed
	log    string
	hearts *hearts
	guard  *guard // once the connection was lent
	// stilled is what to take out of hearts after the commit.
	stilled []stilled
	// watched holds at least the runs that have rows in the table watchers, so
	// that the end of any other run need not look there. nil: to be read.
	watched map[int64]struct{}
	// unwatched: the write under way has taken some out of it.
	unwatched bool
}

// state is the one row of the table of that name, kept in memory.
type state struct {
	pos  int64 // of the newest row of history or end of a run
	seq  int64 // of the newest run
	runs [9]int64
}

// moved counts n runs from one status to another; zero is "did not exist".
func (t *tx) moved(from, to store.Status, n int64) {
	if from != 0 {
		t.state.runs[from] -= n
	}
	t.state.runs[to] += n
}

func (t *tx) publish(e store.Event) { t.events = append(t.events, e) }

// runBatch runs the writes and commits. It returns the error of each write; a
// second error means that none was committed or, when it is fatal, that nobody
// knows.
func (t *tx) runBatch(batch []*write, commit func() error) (errs []error, err error, fatal bool) {
	t.events, t.errs, t.stilled = t.events[:0], t.errs[:0], t.stilled[:0]
	refused := false
	reach, err := t.runAll(batch)
	if err == nil {
		if err = commit(); err == nil {
			t.saved = t.state
			t.hearts.still(t.stilled)
			return t.errs, nil, false
		}
		reach, err = classify(err, true)
		refused = reach != fatalError
	}
	t.script("ROLLBACK") // an error: SQLite has rolled back by itself
	t.state, t.watched = t.saved, nil
	if refused {
		if e := t.voidRefused(); e != nil {
			err, reach = fmt.Errorf("%w: %w; %w", store.ErrUnknownOutcome, err, e), fatalError
		}
	}
	return nil, err, reach == fatalError
}

// runAll runs the writes up to the commit. An error of it sinks them all.
func (t *tx) runAll(batch []*write) (extent, error) {
	if err := t.begin(); err != nil {
		return classifyBatch(err)
	}
	for _, w := range batch {
		reach, err := t.runOne(w)
		if reach != ownError {
			return reach, err
		}
		t.errs = append(t.errs, err)
	}
	if t.state != t.saved {
		if err := t.writeState(); err != nil {
			return classifyBatch(err)
		}
	}
	return ownError, nil
}

func (t *tx) begin() error { _, err := t.exec(begin); return err }

// runOne runs one write. When its error reaches no further than itself, its
// traces are undone and the others can go on.
func (t *tx) runOne(w *write) (extent, error) {
	state, events, stilled := t.state, len(t.events), len(t.stilled)
	t.unwatched = false
	if w.alone {
		return t.runAlone(w)
	}
	if !w.single {
		if _, err := t.exec(savepoint); err != nil {
			return classifyBatch(err)
		}
	}
	reach, err := ownError, w.fn(t)
	if err != nil {
		if reach, err = classify(err, false); reach != ownError {
			return reach, err
		}
		t.state, t.events, t.stilled = state, t.events[:events], t.stilled[:stilled]
		if t.unwatched {
			t.watched = nil
		}
		if !w.single {
			if _, err := t.exec(rollbackTo); err != nil {
				return classifyBatch(err)
			}
		}
	}
	if !w.single {
		if _, err := t.exec(releaseSavepoint); err != nil {
			return classifyBatch(err)
		}
	}
	return ownError, err
}

// runAlone runs a write whose error undoes the whole transaction, which is its
// own.
func (t *tx) runAlone(w *write) (extent, error) {
	err := w.fn(t)
	if err == nil {
		return ownError, nil
	}
	reach := batchError
	if _, theirs := errors.AsType[*store.TxError](err); !theirs {
		reach, err = classify(err, false)
	}
	if reach == ownError || reach == batchError && !errors.Is(err, store.ErrFull) {
		return batchError, &refusal{err}
	}
	return reach, err
}

// refusal is why a write that is alone was not committed, when the reason is the
// write itself.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }

func (t *tx) writeState() error {
	s := &t.state
	n, err := t.exec(updateState, s.pos, s.seq, s.runs[1], s.runs[2], s.runs[3], s.runs[4], s.runs[5], s.runs[6], s.runs[7], s.runs[8])
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: no state", store.ErrCorrupt)
	}
	return err
}

func readState(c *conn) (s state, err error) {
	found := false
	err = c.query(selectState, func(r row) error {
		found = true
		s.pos, s.seq = r.int(0), r.int(1)
		for i := 1; i <= 8; i++ {
			s.runs[i] = r.int(i + 1)
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: no state", store.ErrCorrupt)
	}
	return s, err
}

// pagesWritten is the number of pages the connection wrote since it was asked.
func (t *tx) pagesWritten() int {
	n, _, _ := t.c.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true)
	return n
}
