package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// TestLogStaysBounded writes several times what the log may hold, while
// readers come and go.
func TestLogStaysBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 20 MB")
	}
	path := filepath.Join(t.TempDir(), "a.db")
	s := openTest(t, path)
	const begin, limit = 500, 1500 // pages
	onWriter(t, s, func() { s.k.begin, s.k.limit = begin, limit })
	var largest, written atomic.Int64
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 6 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := s.List(context.Background(), store.Filter{Limit: 5}); err != nil {
					t.Error(err)
				}
				if fi, err := os.Stat(path + "-wal"); err == nil && fi.Size() > largest.Load() {
					largest.Store(fi.Size())
				}
			}
		})
	}
	for w := range 16 {
		writers.Go(func() {
			r, _, err := s.Create(t.Context(), testRun(fmt.Sprint(w)))
			if err != nil {
				t.Error(err)
				return
			}
			st := testStep("")
			st.Output = make([]byte, 20_000)
			for i := range 70 {
				st.Path = fmt.Sprint(i)
				if err := s.Record(t.Context(), r.Claim(), &st); err != nil {
					t.Error(err)
					return
				}
				written.Add(int64(len(st.Output)))
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	t.Logf("%d MB were written, the log was never larger than %d MB", written.Load()>>20, largest.Load()>>20)
	// One commit may carry the log beyond: 16 writes of some 6 pages and what of the indexes they touch.
	if most := int64(limit+16*12) * frameSize; largest.Load() > most {
		t.Errorf("the log grew to %d bytes, want at most %d", largest.Load(), most)
	}
	if h := s.Health(); h.LogBytes < 0 || h.LogBytes > largest.Load() {
		t.Errorf("health says that the log has %d bytes", h.LogBytes)
	}
	wantWhole(t, s)
}
