package telemetry

import (
	"context"
	"fmt"
	"sync"

	"github.com/stepwell/stepwell/store"
)

// fakeStore is the part of a store that the shipper sees, for tests in fake
// time.
type fakeStore struct {
	store.Store

	mu       sync.Mutex
	rows     []store.SpanRecord // row i is at position i+1
	cursor   int64
	found    bool
	saves    int
	refusals int // so many times SetCursor says that there is no room
}

// write commits n rows, each a span of a sampled run or of none.
func (s *fakeStore) write(n int, sampled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		pos := len(s.rows) + 1
		id := fmt.Sprint("run", pos)
		s.rows = append(s.rows, store.SpanRecord{Pos: int64(pos), Run: store.Run{
			ID: id, Workflow: "w", Status: store.Succeeded, CreatedAt: epoch, Trace: traceOf(id, sampled),
		}})
	}
}

func (s *fakeStore) refuse(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = times
}

// kept is where the cursor is, zero when it was never set, and how often it
// was moved.
func (s *fakeStore) kept() (pos int64, saves int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, s.saves
}

func (s *fakeStore) Position() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.rows))
}

func (s *fakeStore) Spans(_ context.Context, after int64, limit int) (store.SpanPage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := store.SpanPage{Next: int64(len(s.rows))}
	for _, r := range s.rows[after:] {
		if len(page.Records) == limit {
			page.Next, page.More = page.Records[limit-1].Pos, true
			break
		}
		if r.Run.Trace.Sampled {
			page.Records = append(page.Records, r)
		}
	}
	return page, nil
}

func (s *fakeStore) Cursor(context.Context, string) (int64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursor, s.found, nil
}

func (s *fakeStore) SetCursor(_ context.Context, _ string, pos int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusals > 0 {
		s.refusals--
		return store.ErrFull
	}
	s.cursor, s.found = pos, true
	s.saves++
	return nil
}
