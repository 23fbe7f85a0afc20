package sqlite

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Watch implements [store.Values].
func (s *Store) Watch(ctx context.Context, claim store.Claim, id, key string, step *store.Step) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		if err := tx.recordOrHold("watch from", claim, step); err != nil {
			return err
		}
		if _, err := tx.isWatched(0); err != nil { // has the set read
			return err
		}
		return tx.query(insertWatcher, func(r row) error {
			tx.watched[r.int(0)] = struct{}{}
			return nil
		}, id, key, claim.Seq)
	})
}

// isWatched reports whether a run may have watchers.
func (t *tx) isWatched(seq int64) (bool, error) {
	if t.watched == nil {
		watched := map[int64]struct{}{}
		err := t.query(selectWatched, func(r row) error {
			watched[r.int(0)] = struct{}{}
			return nil
		})
		if err != nil {
			return false, err
		}
		t.watched = watched
	}
	_, ok := t.watched[seq]
	return ok, nil
}

// signalWatchers signals those who watch a key of a run, once.
func (t *tx) signalWatchers(seq int64, key string, now time.Time) error {
	if watched, err := t.isWatched(seq); err != nil || !watched {
		return err
	}
	if err := t.signalEach(watchersOf, now, seq, key); err != nil {
		return err
	}
	_, err := t.exec(deleteWatchers, seq, key)
	return err
}

// signalEnd signals all who watch a run that has ended.
func (t *tx) signalEnd(seq int64, now time.Time) error {
	if watched, err := t.isWatched(seq); err != nil || !watched {
		return err
	}
	if err := t.signalEach(watchersOfRun, now, seq); err != nil {
		return err
	}
	if _, err := t.exec(deleteWatchersOfRun, seq); err != nil {
		return err
	}
	delete(t.watched, seq)
	t.unwatched = true
	return nil
}

// signalEach signals the runs that a query finds.
func (t *tx) signalEach(query string, now time.Time, args ...any) error {
	type found struct {
		seq    int64
		id     string
		status store.Status
	}
	var runs []found
	err := t.query(query, func(r row) error {
		runs = append(runs, found{r.int(0), r.text(1), store.Status(r.int(2))})
		return nil
	}, args...)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if err := t.signal(r.seq, r.id, r.status, now); err != nil {
			return err
		}
	}
	return nil
}

// together undoes all statements of fn when it fails, inside a write that was
// taken to be a single one.
func (t *tx) together(fn func() error) error {
	if _, err := t.exec(savepoint); err != nil {
		return err
	}
	err := fn()
	if err != nil {
		if _, e := t.exec(rollbackTo); e != nil {
			return e
		}
	}
	if _, e := t.exec(releaseSavepoint); e != nil {
		return e
	}
	return err
}
