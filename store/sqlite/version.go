package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// SetAside implements [store.Changer].
func (s *Store) SetAside(ctx context.Context, claim store.Claim) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		n, err := tx.exec(setAside, claim.Seq, claim.Epoch)
		switch {
		case err != nil:
			return err
		case n > 0:
			tx.moved(store.Running, store.Waiting, 1)
			return tx.leavePlace(claim.Seq)
		}
		_, held, err := tx.claimed(claim)
		switch {
		case err != nil:
			return err
		case !held:
			return stale("set aside", claim)
		}
		return fmt.Errorf("set run %s aside: %w: it was asked to stop", claim.ID, store.ErrConflict)
	})
}

// Admit implements [store.Changer].
func (s *Store) Admit(ctx context.Context, version string, now time.Time, limit int) (int, error) {
	return valued(ctx, s.w, func(tx *tx) (int, error) {
		var runs []int64
		err := tx.query(selectAside, func(r row) error { runs = append(runs, r.int(0)); return nil }, version, int64(limit))
		if err != nil {
			return 0, err
		}
		for _, seq := range runs {
			if err := tx.requeue(seq, store.Waiting, now); err != nil {
				return 0, err
			}
		}
		return len(runs), nil
	})
}

// SetVersion implements [store.Changer].
func (s *Store) SetVersion(ctx context.Context, id, version string, now time.Time) (store.Run, error) {
	return valued(ctx, s.w, func(tx *tx) (store.Run, error) {
		run, err := tx.get(id)
		switch {
		case err != nil:
			return store.Run{}, err
		case run.Status.Ended():
			return store.Run{}, fmt.Errorf("set version of run %s: %w: it has ended: %s", id, store.ErrConflict, run.Status)
		}
		if _, err := tx.exec(setVersion, run.Seq, version); err != nil {
			return store.Run{}, err
		}
		if run.Aside {
			if err := tx.requeue(run.Seq, store.Waiting, now); err != nil {
				return store.Run{}, err
			}
		}
		tx.publish(store.Event{Kind: store.EventChanged, ID: id, Seq: run.Seq})
		return tx.get(id)
	})
}
