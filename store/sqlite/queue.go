package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// QueueSettings implements [store.Queues].
func (s *Store) QueueSettings(ctx context.Context) (all []store.QueueSettings, err error) {
	err = s.r.query(ctx, selectSettings, func(r row) error {
		q, err := scanSettings(r)
		all = append(all, q)
		return err
	})
	return all, err
}

// SetQueue implements [store.Queues].
func (s *Store) SetQueue(ctx context.Context, q store.QueueSettings) error {
	if q.Name == "" {
		return fmt.Errorf("set queue: the runs without a queue have no settings")
	}
	var paused, bounds any
	if q.Paused != nil {
		paused = bit(*q.Paused)
	}
	if q.Bounds != nil {
		b, err := json.Marshal(q.Bounds)
		if err != nil {
			return err
		}
		bounds = string(b)
	}
	return s.w.do(ctx, true, func(tx *tx) (err error) {
		if paused == nil && bounds == nil {
			_, err = tx.exec(deleteSetting, q.Name)
		} else {
			_, err = tx.exec(upsertSetting, q.Name, paused, bounds)
		}
		if err == nil {
			tx.publish(store.Event{Kind: store.EventQueued, Queue: q.Name})
		}
		return err
	})
}

// scanSettings reads name, paused, bounds.
func scanSettings(r row) (store.QueueSettings, error) {
	q := store.QueueSettings{Name: r.text(0)}
	if r[1] != nil {
		q.Paused = new(r.int(1) == 1)
	}
	if b := r.text(2); b != "" {
		q.Bounds = new(store.QueueBounds)
		if err := json.Unmarshal([]byte(b), q.Bounds); err != nil {
			return store.QueueSettings{}, fmt.Errorf("%w: bounds of queue %q: %w", store.ErrCorrupt, q.Name, err)
		}
	}
	return q, nil
}

// claimQueue claims up to limit new runs of a queue.
func (t *tx) claimQueue(q store.QueueLimit, limit int, req *store.ClaimRequest, runs *[]store.Run) error {
	if q.Name != "" {
		err := t.query(selectSetting, func(r row) error {
			s, err := scanSettings(r)
			q = q.With(s)
			return err
		}, q.Name)
		if err != nil {
			return err
		}
	}
	if q.Limit > 0 {
		limit = min(limit, q.Limit)
	}
	if places := bound(q.Concurrency, q.PerExecutor); limit > 0 && places > 0 {
		held, err := t.count(countHeld, q.Name)
		if err != nil {
			return err
		}
		limit = min(limit, places-int(held))
	}
	if limit <= 0 || q.Paused {
		return nil
	}
	if q.Rate != (store.Rate{}) {
		return t.claimAtRate(q, limit, req, runs)
	}
	return t.claimFair(q, limit, req, runs)
}

// claimAtRate claims as many runs as there are tokens, and takes those in the
// same write.
func (t *tx) claimAtRate(q store.QueueLimit, limit int, req *store.ClaimRequest, runs *[]store.Run) error {
	bucket, err := t.count(selectBucket, q.Name)
	if err != nil {
		return err
	}
	if settled := q.Rate.Settle(bucket, req.Now); settled != bucket {
		bucket = settled
		if _, err := t.exec(upsertBucket, q.Name, bucket); err != nil {
			return err
		}
	}
	tokens := q.Rate.Tokens(bucket, req.Now)
	if tokens == 0 {
		waiting, err := t.count(anyNew, q.Name)
		if err == nil && waiting == 1 {
			t.publish(store.Event{Kind: store.EventToken, Queue: q.Name, At: q.Rate.Next(bucket)})
		}
		return err
	}
	before := len(*runs)
	if err := t.claimFair(q, min(limit, tokens), req, runs); err != nil {
		return err
	}
	if n := len(*runs) - before; n > 0 {
		_, err = t.exec(upsertBucket, q.Name, q.Rate.Take(bucket, req.Now, n))
	}
	return err
}
