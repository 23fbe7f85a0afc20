package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite/sqlitetest"
)

// BenchmarkGroupCommit measures whole runs (create, five steps, finish), each
// write acknowledged before the next, in steps a second: of the store, and of
// a bare sketch of group commit on the same driver with the same settings.
//
//	go test ./store/sqlite -run - -bench GroupCommit -benchtime 20000x -count 5
func BenchmarkGroupCommit(b *testing.B) {
	for _, writers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("store/", writers), func(b *testing.B) {
			s := openTest(b, filepath.Join(b.TempDir(), "a.db"))
			benchRuns(b, writers, func(i int) error { return storeRun(s, i) })
			h := s.Health()
			b.ReportMetric(float64(h.Writes)/float64(h.Commits), "writes/commit")
		})
		b.Run(fmt.Sprint("bare/", writers), func(b *testing.B) {
			s := sqlitetest.OpenBare(b)
			benchRuns(b, writers, func(i int) error { return s.Run(i, benchSteps+2) })
			b.ReportMetric(s.WritesPerCommit(), "writes/commit")
		})
	}
}

const benchSteps = 5

func benchRuns(b *testing.B, writers int, run func(i int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	used := processorTime()
	for range writers {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := run(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(benchSteps*b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64((processorTime()-used).Microseconds())/float64(b.N), "cpu-us/run") // steadier than time on a busy machine
}

func processorTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var benchPaths = [benchSteps]string{"0", "1", "2", "3", "4"}

func storeRun(s *Store, i int) error {
	ctx := context.Background()
	n := testRun(fmt.Sprintf("run-%012d", i))
	r, _, err := s.Create(ctx, n)
	if err != nil {
		return err
	}
	c := r.Claim()
	for _, p := range benchPaths {
		if err := s.Record(ctx, c, new(testStep(p))); err != nil {
			return err
		}
	}
	_, err = s.Finish(ctx, c, store.Outcome{Status: store.Succeeded, Output: []byte("1"), At: testStart})
	return err
}
