package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// TestCloseAmidWrites closes with many writers under way, again and again:
// each gets nil or ErrClosed, and what got nil is there afterwards.
func TestCloseAmidWrites(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	path := filepath.Join(t.TempDir(), "a.db")
	for round := range rounds {
		s := openTest(t, path)
		var acked sync.Map
		var n atomic.Int64
		var wg sync.WaitGroup
		closeAt := make(chan struct{})
		for w := range 50 {
			wg.Go(func() {
				for i := 0; ; i++ {
					id := fmt.Sprint(round, "-", w, "-", i)
					_, _, err := s.Create(context.Background(), testRun(id))
					switch {
					case err == nil:
						acked.Store(id, true)
						if n.Add(1) == int64(1+round*40) {
							close(closeAt)
						}
					case errors.Is(err, store.ErrClosed):
						return
					default:
						t.Errorf("create: %v", err)
						return
					}
				}
			})
		}
		<-closeAt
		for range 2 {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				if err := s.Probe(context.Background()); !errors.Is(err, store.ErrClosed) {
					t.Errorf("a write after Close: %v", err)
				}
			})
		}
		wg.Wait()
		s = openTest(t, path)
		wantWhole(t, s)
		acked.Range(func(id, _ any) bool {
			if _, err := s.Get(t.Context(), id.(string)); err != nil {
				t.Errorf("acknowledged and lost: %v", err)
			}
			return !t.Failed()
		})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCloseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 10 {
		s := openTest(t, path)
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
