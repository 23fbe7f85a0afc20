package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Expire implements [store.Remover]. Runs are looked for beside the writer,
// which has to check only those that were found.
func (s *Store) Expire(ctx context.Context, e store.Expiry) (store.Expired, error) {
	if !e.Status.Ended() {
		return store.Expired{}, fmt.Errorf("expire runs: %v is no end", e.Status)
	}
	if e.Limit < 1 {
		e.Limit = 1
	}
	if err := s.indexEnds(ctx); err != nil {
		return store.Expired{}, err
	}
	seqs, res, err := s.expired(ctx, e)
	if err != nil || len(seqs) == 0 {
		return res, err
	}
	res.Deleted, err = valued(ctx, s.w, func(tx *tx) (n int, err error) {
		for _, seq := range seqs {
			switch err := tx.remove(selectRemovalSeq, seq); {
			case err == nil:
				n++
			case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNotFound): // since we looked
			default:
				return 0, err
			}
		}
		return n, nil
	})
	return res, err
}

// indexEnds makes the index by which expired runs are found. It comes with the
// first call and not with a migration, because it costs every run some 4 % of
// the writer's time, which those who keep their runs need not pay. Over a
// database that is large already it takes about a second per million runs.
func (s *Store) indexEnds(ctx context.Context) error {
	if s.endsIndexed.Load() {
		return nil
	}
	err := s.w.do(ctx, true, func(tx *tx) error { _, err := tx.exec(createEnds); return err })
	if err == nil {
		s.endsIndexed.Store(true)
	}
	return err
}

// expired finds a portion of the runs to delete, or when there are none, what
// comes next.
func (s *Store) expired(ctx context.Context, e store.Expiry) (seqs []int64, res store.Expired, err error) {
	status, from, before := int64(e.Status), e.From.UnixMicro(), e.Before.UnixMicro()
	if e.From.IsZero() {
		from = 0
	}
	err = s.r.view(ctx, func(c *conn) error {
		p := &portion{rows: e.Limit, bytes: sweepBytes}
		err := c.query(selectExpired, func(r row) error {
			if !p.full && p.take(r.int(2)) {
				seqs, res.Last = append(seqs, r.int(0)), r.time(1)
			}
			return nil
		}, status, from, before, bit(e.Sent), int64(e.Limit)+1)
		if err != nil || p.full {
			res.More = p.full
			return err
		}
		next, err := c.count(nextEnd, status, before)
		if err != nil {
			return err
		}
		res.Next = fromMicros(next)
		left, err := c.count(countEnded, status, before, int64(len(seqs))+1)
		res.Held = left > int64(len(seqs))
		return err
	})
	return seqs, res, err
}

const (
	// keepPages is how many free pages are always kept (4 MiB), keepShare the
	// part of the file that may be free: what is written next needs them.
	keepPages = 1024
	keepShare = 8
)

// Shrink implements [store.Remover]. It moves pages from the end of the file
// to free places; the file is cut when the log is copied into it.
func (s *Store) Shrink(ctx context.Context) (bool, error) {
	spare, err := s.sparePages(ctx)
	if err != nil || spare <= 0 {
		return false, err
	}
	err = s.w.do(ctx, false, func(tx *tx) error {
		return tx.query(freeSomePages, func(row) error { return nil })
	})
	if err != nil {
		return false, err
	}
	spare, err = s.sparePages(ctx)
	if err == nil && spare <= 0 {
		err = s.w.do(ctx, true, func(*tx) error { s.k.hurry = true; return nil })
	}
	return spare > 0, err
}

// sparePages is how many pages can be given back; none in a file that was made
// elsewhere without the bookkeeping for it.
func (s *Store) sparePages(ctx context.Context) (n int64, err error) {
	err = s.r.view(ctx, func(c *conn) error {
		mode, err := c.count(vacuumMode)
		if err != nil || mode == 0 {
			return err
		}
		free, err := c.count(freePages)
		if err != nil {
			return err
		}
		all, err := c.count(allPages)
		n = free - max(keepPages, all/keepShare)
		return err
	})
	return n, err
}
