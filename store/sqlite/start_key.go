package sqlite

import (
	"errors"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	keyDedup    = 1
	keyDebounce = 2
)

// startKey returns the key of a new run with its kind; zero when it has none.
func startKey(n *store.NewRun) (key string, kind int64) {
	switch {
	case n.Dedup != "":
		return n.Dedup, keyDedup
	case n.Debounce != "":
		return n.Debounce, keyDebounce
	}
	return "", 0
}

// createKeyed creates the run unless its key leads to another, which it then
// returns. A run with the same id goes before one with the same key: a start
// that is repeated must find what it had started.
func (t *tx) createKeyed(n store.NewRun) (store.Run, bool, error) {
	if run, err := t.get(n.ID); err == nil {
		return run, false, t.sendAll(n)
	} else if !errors.Is(err, store.ErrNotFound) {
		return store.Run{}, false, err
	}
	key, kind := startKey(&n)
	var id string
	var status store.Status
	var latest time.Time
	err := t.query(selectKeyed, func(r row) error {
		id, status, latest = r.text(0), store.Status(r.int(1)), r.time(2)
		return nil
	}, n.Workflow, kind, key)
	switch {
	case err != nil:
		return store.Run{}, false, err
	case kind == keyDedup && id != "" && !status.Ended():
		if n.DedupReject {
			run, err := t.get(id)
			return run, false, err
		}
		return t.joined(n, id)
	case kind == keyDebounce && id != "" && status == store.Delayed:
		at := earliest(n.StartAt, latest)
		if _, err := t.exec(postponeRun, id, blob(n.Input), micros(at)); err != nil {
			return store.Run{}, false, err
		}
		t.publish(store.Event{Kind: store.EventDue, At: at})
		return t.joined(n, id)
	}
	run, created, err := t.insert(n)
	if err != nil || !created {
		return run, created, err
	}
	if _, err := t.exec(upsertKey, n.Workflow, kind, key, run.Seq, micros(n.DebounceUntil)); err != nil {
		return store.Run{}, false, err
	}
	_, err = t.exec(setStartKey, run.Seq, key)
	return run, true, err
}

// joined returns the run that a start was joined to, with the messages of the
// start sent to it.
func (t *tx) joined(n store.NewRun, id string) (store.Run, bool, error) {
	n.ID = id
	if err := t.sendAll(n); err != nil {
		return store.Run{}, false, err
	}
	run, err := t.get(id)
	return run, false, err
}

// freeKey lets go of the key of a run that has ended.
func (t *tx) freeKey(seq int64) error {
	_, err := t.exec(deleteKey, seq)
	return err
}
