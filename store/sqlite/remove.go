package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Delete implements [store.Remover].
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.w.do(ctx, false, func(tx *tx) error { return tx.remove(selectRemoval, id) })
}

// remove deletes the run that query finds.
func (t *tx) remove(query string, key any) error {
	var seq int64
	var status, parentStatus store.Status
	var id, labels, parent string
	err := t.query(query, func(r row) error {
		seq, id, status, labels = r.int(0), r.text(1), store.Status(r.int(2)), r.text(3)
		parent, parentStatus = r.text(4), store.Status(r.int(5))
		return nil
	}, key)
	switch {
	case err != nil:
		return err
	case seq == 0:
		return notFound(fmt.Sprint(key))
	case !status.Ended():
		return fmt.Errorf("delete run %s: %w: it is %s, only a run that has ended can be deleted", id, store.ErrConflict, status)
	case parent != "" && !parentStatus.Ended():
		return fmt.Errorf("delete run %s: %w: its parent %s is %s and may want its result", id, store.ErrConflict, parent, parentStatus)
	}
	t.publish(store.Event{Kind: store.EventRemoved, ID: id, Seq: seq})
	return t.discard(seq, status, labels)
}

// discard makes an ended run unknown and leaves the rest of it to sweep.
func (t *tx) discard(seq int64, status store.Status, labels string) error {
	if labels != "" {
		var kv map[string]string
		if err := json.Unmarshal([]byte(labels), &kv); err != nil {
			return fmt.Errorf("%w: labels of run %d: %w", store.ErrCorrupt, seq, err)
		}
		for k, v := range kv {
			if _, err := t.exec(deleteLabel, k, v, seq); err != nil {
				return err
			}
		}
	}
	if _, err := t.exec(deleteRun, seq); err != nil {
		return err
	}
	if _, err := t.exec(insertTrash, seq); err != nil {
		return err
	}
	t.state.runs[status]--
	return nil
}

// Sweep implements [store.Remover].
func (s *Store) Sweep(ctx context.Context, limit int) (more bool, err error) {
	var first int64
	err = s.r.query(ctx, selectTrash, func(r row) error { first = r.int(0); return nil })
	if err == nil && first == 0 {
		err = s.r.query(ctx, selectLeftover, func(r row) error { first = r.int(1); return nil })
	}
	if err != nil || first == 0 {
		return false, err // without a write, most of the time
	}
	return valued(ctx, s.w, func(tx *tx) (bool, error) { return tx.sweep(&portion{rows: max(limit, 1), bytes: sweepBytes}) })
}

// sweepBytes bounds what one write takes out: each page of a large row has to
// be visited.
const sweepBytes = 4 << 20

// portion is how much one transaction may still take out.
type portion struct {
	rows, bytes int
	full        bool
}

// take counts a row, and reports whether the portion had room for it.
func (p *portion) take(bytes int64) bool {
	if p.rows <= 0 || p.bytes <= 0 {
		p.full = true
		return false
	}
	p.rows--
	p.bytes -= int(bytes)
	return true
}

// sweeps take out what hangs on a deleted run: each table has its line here.
var sweeps = []func(t *tx, run int64, p *portion) error{
	(*tx).sweepSteps,
	sweepTable(sweepableMessages, deleteMessage), sweepTable(sweepableEvents, deleteEvent), sweepTable(sweepableItems, deleteItem),
	(*tx).sweepWatchers,
}

func (t *tx) sweep(p *portion) (more bool, err error) {
	for {
		run, err := t.count(selectTrash)
		if err != nil {
			return false, err
		}
		if run == 0 {
			return t.sweepLeftovers(p)
		}
		for _, s := range sweeps {
			if err := s(t, run, p); err != nil || p.full {
				return p.full, err
			}
		}
		if !p.take(0) {
			return true, nil
		}
		if _, err := t.exec(deleteTrash, run); err != nil {
			return false, err
		}
	}
}

func (t *tx) sweepSteps(run int64, p *portion) error {
	return t.sweepRows(p, run, sweepableSteps, run, int64(p.rows+1))
}

// sweepRows takes rows of history out of a run, those that a query names.
func (t *tx) sweepRows(p *portion, run int64, sweepable string, args ...any) error {
	type key struct {
		path    string
		attempt int64
	}
	var keys []key
	err := t.query(sweepable, func(r row) error {
		if !p.full && p.take(r.int(2)) {
			keys = append(keys, key{r.text(0), r.int(1)})
		}
		return nil
	}, args...)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if _, err := t.exec(deleteStep, run, k.path, k.attempt); err != nil {
			return err
		}
	}
	return nil
}

// sweepTable takes rows out of a table: one statement names their sizes and the
// rest of their keys, the other deletes one by the run and that.
func sweepTable(sweepable, remove string) func(*tx, int64, *portion) error {
	return func(t *tx, run int64, p *portion) error {
		var keys [][]any
		err := t.query(sweepable, func(r row) error {
			if !p.full && p.take(r.int(0)) {
				key := []any{run}
				for _, v := range r[1:] {
					key = append(key, v)
				}
				keys = append(keys, key)
			}
			return nil
		}, run, int64(p.rows+1))
		if err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := t.exec(remove, k...); err != nil {
				return err
			}
		}
		return nil
	}
}

// sweepWatchers takes out the run's watches of others; nobody watches a run
// that has ended.
func (t *tx) sweepWatchers(run int64, _ *portion) error {
	_, err := t.exec(deleteWatchersBy, run)
	return err
}
