package sqlite

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

// Spans implements [store.Store]: it merges the rows of history and the ends
// of runs, which share one numbering.
func (s *Store) Spans(ctx context.Context, after int64, limit int) (store.SpanPage, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	// Both reads end here: the second sees more commits than the first, and
	// what it found beyond would skip what the first had not yet seen.
	end := s.w.position.Load()
	steps, err := s.spanSteps(ctx, after, end, limit)
	if err != nil {
		return store.SpanPage{}, err
	}
	ends, err := s.spanRuns(ctx, after, end, limit)
	if err != nil {
		return store.SpanPage{}, err
	}
	page := store.SpanPage{Next: max(after, end)}
	for len(page.Records) < limit && (len(steps) > 0 || len(ends) > 0) {
		from := &steps
		if len(steps) == 0 || (len(ends) > 0 && ends[0].Pos < steps[0].Pos) {
			from = &ends
		}
		page.Records = append(page.Records, (*from)[0])
		*from = (*from)[1:]
	}
	if n := len(page.Records); n == limit {
		page.Next, page.More = page.Records[n-1].Pos, true
	}
	return page, nil
}

func (s *Store) spanSteps(ctx context.Context, after, end int64, limit int) (recs []store.SpanRecord, err error) {
	err = s.r.query(ctx, spanSteps, func(r row) error {
		why, err := r.failure(11)
		recs = append(recs, store.SpanRecord{
			Pos: r.int(2),
			Run: store.Run{Seq: r.int(12), ID: r.text(13), Workflow: r.text(14), Trace: spanTrace(r, 15, 16)},
			Step: &store.Step{
				Path: r.text(0), Attempt: int(r.int(1)), Pos: r.int(2), Epoch: r.int(3), Kind: store.Kind(r.int(4)),
				Status: store.StepStatus(r.int(5)), Name: r.text(6), StartedAt: r.time(7), EndedAt: r.time(8),
				WakeAt: r.time(9), ChildID: r.text(10), Error: why,
			},
		})
		return err
	}, after, end, int64(limit))
	return recs, err
}

func (s *Store) spanRuns(ctx context.Context, after, end int64, limit int) (recs []store.SpanRecord, err error) {
	err = s.r.query(ctx, spanRuns, func(r row) error {
		why, err := r.failure(12)
		recs = append(recs, store.SpanRecord{
			Pos: r.int(0),
			Run: store.Run{
				Seq: r.int(1), ID: r.text(2), Workflow: r.text(3), Status: store.Status(r.int(4)), Queue: r.text(5),
				Version: r.text(6), Executor: r.text(7), Attempt: int(r.int(8)), CreatedAt: r.time(9),
				StartedAt: r.time(10), EndedAt: r.time(11), Error: why, Trace: spanTrace(r, 13, 14), Resumes: int(r.int(15)),
			},
		})
		return err
	}, after, end, int64(limit))
	return recs, err
}

func spanTrace(r row, id, parent int) store.Trace {
	t := scanTrace(r, id, parent)
	t.Sampled = true
	return t
}

// Cursor implements [store.Store].
func (s *Store) Cursor(ctx context.Context, name string) (pos int64, found bool, err error) {
	err = s.r.query(ctx, selectCursor, func(r row) error {
		pos, found = r.int(0), true
		return nil
	}, name)
	return pos, found, err
}

// SetCursor implements [store.Store].
func (s *Store) SetCursor(ctx context.Context, name string, pos int64) error {
	return s.w.do(ctx, true, func(tx *tx) error {
		if name == store.SpanCursor {
			n, err := tx.count(countLeftovers, pos)
			if err != nil {
				return err
			}
			if n > 0 {
				return tx.together(func() error { return tx.moveCursor(name, pos) })
			}
		}
		_, err := tx.exec(upsertCursor, name, pos)
		return err
	})
}

// Position implements [store.Store].
func (s *Store) Position() int64 { return s.w.position.Load() }
