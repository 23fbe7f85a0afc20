// Package sqlitetest holds what benchmarks of the SQLite backend are measured
// against.
package sqlitetest

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"modernc.org/sqlite"
)

// Bare is group commit and nothing else: one goroutine, one table, one insert
// a write, on the driver and with the settings of the store. It is the measure
// of what the machine allows. Safe for concurrent use.
type Bare struct {
	mu      sync.Mutex
	pending []bareWrite
	wake    chan struct{}

	commits, writes int // of the goroutine, until Close
}

type bareWrite struct {
	args []driver.NamedValue
	done chan error
}

const bareSettings = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=wal_autocheckpoint(4096)&_pragma=cache_size(-8192)"

// OpenBare opens one in a directory of the benchmark, until its end.
func OpenBare(b *testing.B) *Bare {
	b.Helper()
	c, err := (&sqlite.Driver{}).Open("file:" + filepath.Join(b.TempDir(), "bare.db") + bareSettings)
	if err != nil {
		b.Fatal(err)
	}
	prepare := func(sql string) driver.Stmt {
		s, err := c.Prepare(sql)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	if err := exec(prepare("CREATE TABLE bare (run INTEGER, path TEXT, output BLOB, PRIMARY KEY (run, path)) WITHOUT ROWID"), nil); err != nil {
		b.Fatal(err)
	}
	begin, insert, commit := prepare("BEGIN IMMEDIATE"), prepare("INSERT INTO bare VALUES (?1, ?2, ?3)"), prepare("COMMIT")
	s := &Bare{wake: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(func() { s.commitAll(begin, insert, commit) })
	b.Cleanup(func() {
		close(s.wake)
		wg.Wait()
		c.Close()
	})
	return s
}

func exec(s driver.Stmt, args []driver.NamedValue) error {
	_, err := s.(driver.StmtExecContext).ExecContext(context.Background(), args)
	return err
}

func (s *Bare) commitAll(begin, insert, commit driver.Stmt) {
	for range s.wake {
		s.mu.Lock()
		batch := s.pending
		s.pending = nil
		s.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		err := exec(begin, nil)
		for _, w := range batch {
			if err == nil {
				err = exec(insert, w.args)
			}
		}
		if err == nil {
			err = exec(commit, nil)
		}
		s.commits++
		s.writes += len(batch)
		for _, w := range batch {
			w.done <- err
		}
	}
}

// Run makes a number of writes, one after the other, each durable before the
// next.
func (s *Bare) Run(run, writes int) error {
	done := make(chan error, 1)
	for n := range writes {
		args := []driver.NamedValue{{Ordinal: 1, Value: int64(run)}, {Ordinal: 2, Value: strconv.Itoa(n)}, {Ordinal: 3, Value: []byte("1")}}
		s.mu.Lock()
		s.pending = append(s.pending, bareWrite{args, done})
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default:
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// WritesPerCommit is how many writes shared a commit so far. Call it when no
// Run is under way.
func (s *Bare) WritesPerCommit() float64 { return float64(s.writes) / float64(max(s.commits, 1)) }
