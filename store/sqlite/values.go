package sqlite

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

// SetEvent implements [store.Values].
func (s *Store) SetEvent(ctx context.Context, claim store.Claim, key string, value []byte, step *store.Step) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		if err := tx.record(claim, step, step.Output); err != nil {
			return err
		}
		return tx.setEvent(claim, key, value, step.EndedAt)
	})
}

func (t *tx) setEvent(claim store.Claim, key string, value []byte, now time.Time) error {
	if _, err := t.exec(upsertEvent, claim.Seq, key, now.UnixMicro(), blob(value)); err != nil {
		return err
	}
	return t.changed(claim, key, now)
}

// changed tells of a new value of a run, inside and outside of the store.
func (t *tx) changed(claim store.Claim, key string, now time.Time) error {
	t.publish(store.Event{Kind: store.EventChanged, ID: claim.ID, Seq: claim.Seq})
	return t.signalWatchers(claim.Seq, key, now)
}

// EventValue implements [store.Values].
func (s *Store) EventValue(ctx context.Context, id, key string) (v store.EventValue, found bool, err error) {
	err = s.r.query(ctx, selectEvent, func(r row) error {
		v, found = store.EventValue{Value: r.blob(0), SetAt: r.time(1)}, true
		return nil
	}, id, key)
	return v, found, err
}
