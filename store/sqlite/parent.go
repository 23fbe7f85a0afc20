package sqlite

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

// signalParent tells the parent of a run, if that waits for it, that the run
// has ended.
func (t *tx) signalParent(child int64, now time.Time) error {
	var parent int64
	var id string
	var status store.Status
	err := t.query(selectWaitingParent, func(r row) error {
		parent, id, status = r.int(0), r.text(1), store.Status(r.int(2))
		return nil
	}, child)
	if err != nil || parent == 0 {
		return err
	}
	return t.signal(parent, id, status, now)
}

// part notes that the children of a run that live are to be told of its end;
// moveOrphans does it.
func (t *tx) part(seq int64, id string, end store.Status, now time.Time) error {
	least := store.StopOnFailure
	if end == store.Succeeded {
		least = store.StopOnEnd
	}
	n, err := t.exec(insertParting, id, int64(least), seq)
	if err == nil && n > 0 {
		t.publish(store.Event{Kind: store.EventDue, At: now})
	}
	return err
}

// moveOrphans stops children whose parent has ended, at most limit, and
// returns how many it looked at. Less than limit means that there are no more.
func (t *tx) moveOrphans(now time.Time, limit int) (int, error) {
	moved := 0
	for moved < limit {
		n, more, err := t.partOne(now, limit-moved)
		if err != nil || !more {
			return moved, err
		}
		moved += n
	}
	return moved, nil
}

type orphan struct {
	seq       int64
	id        string
	status    store.Status
	unstarted bool
	stop      store.StopCause
}

// partOne goes on with one parting; more is false when there is none.
func (t *tx) partOne(now time.Time, limit int) (n int, more bool, err error) {
	var parent string
	var least, last int64
	err = t.query(selectParting, func(r row) error {
		parent, least, last, more = r.text(0), r.int(1), r.int(2), true
		return nil
	})
	if err != nil || !more {
		return 0, false, err
	}
	var children []orphan
	err = t.query(selectOrphans, func(r row) error {
		children = append(children, orphan{r.int(0), r.text(1), store.Status(r.int(2)), r.int(3) == 0, store.StopCause(r.int(4))})
		return nil
	}, parent, last, least, int64(limit))
	if err != nil {
		return 0, false, err
	}
	for _, c := range children {
		last = c.seq
		if c.stop != store.StopNone && c.status != store.Stuck {
			continue
		}
		if err := t.stop(c.seq, c.id, c.status, c.unstarted, store.StopCancel, now); err != nil {
			return 0, false, err
		}
	}
	if len(children) < limit {
		_, err = t.exec(deleteParting, parent)
	} else {
		_, err = t.exec(updateParting, parent, last)
	}
	return max(1, len(children)), true, err
}
