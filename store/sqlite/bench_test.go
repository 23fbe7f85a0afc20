package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/stepwell/stepwell/store"
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
			s := openBare(b, filepath.Join(b.TempDir(), "a.db"))
			benchRuns(b, writers, s.run)
			b.ReportMetric(float64(s.writes)/float64(s.commits), "writes/commit")
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
		if err := s.Record(ctx, c, testStep(p)); err != nil {
			return err
		}
	}
	_, err = s.Finish(ctx, c, store.Outcome{Status: store.Succeeded, Output: []byte("1"), At: testStart})
	return err
}

// bare is group commit and nothing else.
type bare struct {
	mu      sync.Mutex
	pending []bareWrite
	wake    chan struct{}

	commits, writes int
}

type bareWrite struct {
	args []driver.NamedValue
	done chan error
}

func openBare(b *testing.B, path string) *bare {
	b.Helper()
	if err := create(path, testStart); err != nil { // for the same page size, vacuum and mode
		b.Fatal(err)
	}
	c, err := (&sqlite.Driver{}).Open(dsn(path, false, 2048))
	if err != nil {
		b.Fatal(err)
	}
	exec := func(sql string) driver.Stmt {
		s, err := c.Prepare(sql)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	run := func(s driver.Stmt, args []driver.NamedValue) error {
		_, err := s.(driver.StmtExecContext).ExecContext(context.Background(), args)
		return err
	}
	for _, sql := range []string{
		"PRAGMA wal_autocheckpoint = 4096",
		"CREATE TABLE bare (run INTEGER, path TEXT, output BLOB, PRIMARY KEY (run, path)) WITHOUT ROWID",
	} {
		if err := run(exec(sql), nil); err != nil {
			b.Fatal(err)
		}
	}
	begin, insert, commit := exec("BEGIN IMMEDIATE"), exec("INSERT INTO bare VALUES (?1, ?2, ?3)"), exec("COMMIT")
	s := &bare{wake: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range s.wake {
			s.mu.Lock()
			batch := s.pending
			s.pending = nil
			s.mu.Unlock()
			if len(batch) == 0 {
				continue
			}
			err := run(begin, nil)
			for _, w := range batch {
				if err == nil {
					err = run(insert, w.args)
				}
			}
			if err == nil {
				err = run(commit, nil)
			}
			s.commits++
			s.writes += len(batch)
			for _, w := range batch {
				w.done <- err
			}
		}
	})
	b.Cleanup(func() { close(s.wake); wg.Wait(); c.Close() })
	return s
}

func (s *bare) write(w bareWrite) error {
	s.mu.Lock()
	s.pending = append(s.pending, w)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return <-w.done
}

func (s *bare) run(i int) error {
	done := make(chan error, 1)
	for n := range benchSteps + 2 {
		args := []driver.NamedValue{{Ordinal: 1, Value: int64(i)}, {Ordinal: 2, Value: fmt.Sprint(n)}, {Ordinal: 3, Value: []byte("1")}}
		if err := s.write(bareWrite{args, done}); err != nil {
			return err
		}
	}
	return nil
}
