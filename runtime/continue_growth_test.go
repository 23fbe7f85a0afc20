package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// TestTenThousandContinuationsGrowNothing: neither the database nor memory.
func TestTenThousandContinuationsGrowNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		sampled bool
		rounds  int
	}{{"without spans", false, 10_000}, {"with spans that are sent", true, 1000}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(inMemory(t), "stepwell.db")
			s, err := sqlite.Open(t.Context(), path, sqlite.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			empty := size(t, path)
			var heap []int64
			var sent int64
			w := runtime.Define("long", func(ctx context.Context, n int) (int, error) {
				if _, err := runtime.Step(ctx, "s", func(context.Context) (string, error) { return fmt.Sprint(n), nil }); err != nil {
					return 0, err
				}
				if n++; n%(c.rounds/10) == 0 {
					heap = append(heap, liveHeap())
				}
				if c.sampled && n%10 == 0 { // as a shipper does
					page, err := s.Spans(context.Background(), sent, 1000)
					if err == nil {
						sent = page.Next
						err = s.SetCursor(context.Background(), store.SpanCursor, sent)
					}
					if err != nil {
						return 0, err
					}
				}
				if n == c.rounds {
					return n, nil
				}
				return 0, runtime.ContinueAs(ctx, n)
			})
			cfg := runtime.Config{Logger: quiet, Sample: func([16]byte, *bool) bool { return c.sampled }}
			r := serveOn(t, s, cfg, w)
			if n, err := w.Call(r.ctx, 0, runtime.ID("one")); err != nil || n != c.rounds {
				t.Fatalf("got %d, %v", n, err)
			}
			run, err := r.Get(r.ctx, "one")
			if err != nil || run.Base != c.rounds-1 {
				t.Fatalf("base %d, %v", run.Base, err)
			}
			r.stop()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			full := size(t, path)
			t.Logf("database: %d KiB before, %d KiB after; heap, KiB: %v", empty, full, heap)
			if full > empty+64 {
				t.Errorf("the database grew from %d KiB to %d KiB", empty, full)
			}
			if first, last := heap[0], heap[len(heap)-1]; last > first+2048 {
				t.Errorf("memory grew from %d KiB to %d KiB", first, last)
			}
		})
	}
}

// inMemory is a directory on a file system without a disk, where there is one:
// many thousand commits wait for it elsewhere.
func inMemory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "stepwell")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// size is that of the database without its log, in KiB.
func size(t *testing.T, path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() >> 10
}

func liveHeap() int64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return int64(m.HeapAlloc >> 10)
}
