package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Claim implements [store.Store].
func (s *Store) Claim(ctx context.Context, req store.ClaimRequest) ([]store.Run, error) {
	return valued(ctx, s.w, func(tx *tx) ([]store.Run, error) { return tx.claim(req) })
}

func (t *tx) claim(req store.ClaimRequest) ([]store.Run, error) {
	if req.Clock != nil {
		req.Now = req.Clock()
	}
	if req.Limit <= 0 {
		return nil, nil
	}
	var runs []store.Run
	if err := t.claimWith(claimStarted, &runs, req.Executor, int64(req.Limit)); err != nil {
		return nil, err
	}
	for _, q := range req.Queues {
		limit := req.Limit - len(runs)
		if limit <= 0 {
			break
		}
		if err := t.claimQueue(q, limit, &req, &runs); err != nil {
			return nil, err
		}
	}
	t.moved(store.Queued, store.Running, int64(len(runs)))
	return runs, nil
}

// bound is the lower of two bounds, where zero means none.
func bound(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// claimWith appends the runs that the query claims, in the order in which they
// are due to be claimed: RETURNING promises none.
func (t *tx) claimWith(query string, runs *[]store.Run, args ...any) error {
	from := len(*runs)
	err := t.query(query, func(r row) error {
		run, err := scanRun(r)
		*runs = append(*runs, run)
		return err
	}, args...)
	slices.SortFunc((*runs)[from:], func(a, b store.Run) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.QueuedAt.Compare(b.QueuedAt), cmp.Compare(a.Seq, b.Seq))
	})
	return err
}

// Release implements [store.Store].
func (s *Store) Release(ctx context.Context, claims []store.Claim, now time.Time) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		for _, c := range claims {
			err := tx.query(releaseRun, func(r row) error {
				tx.moved(store.Running, store.Queued, 1)
				tx.publish(store.Event{Kind: store.EventQueued, ID: c.ID, Seq: c.Seq, Queue: r.text(0)})
				return nil
			}, c.Seq, c.Epoch, now.UnixMicro())
			if err != nil {
				return err
			}
		}
		return nil
	})
}
