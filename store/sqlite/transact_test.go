package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/store"
)

// lendTest is a store with a table of the program's and a run to transact for.
type lendTest struct {
	*testing.T
	s   *Store
	run store.Run
	n   int // rows of history
}

func newLendTest(t *testing.T) *lendTest {
	s := openTest(t, filepath.Join(t.TempDir(), "a.db"))
	err := s.Do(t.Context(), 0, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE ledger (id INTEGER PRIMARY KEY, who TEXT NOT NULL UNIQUE, cents INTEGER NOT NULL)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := testRun("a")
	n.ClaimFor = "exec"
	run, _, err := s.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return &lendTest{T: t, s: s, run: run}
}

func (l *lendTest) row() *store.Step {
	l.n++
	return &store.Step{Path: fmt.Sprint(l.n), Attempt: 1, Kind: store.KindStep, Name: "s", Status: store.StepSucceeded, StartedAt: time.Now(), EndedAt: time.Now()}
}

func (l *lendTest) transact(fn func(context.Context, *sql.Tx) error) error {
	return l.s.Transact(l.Context(), l.run.Claim(), 5*time.Second, func(ctx context.Context, tx *sql.Tx) (*store.Step, error) {
		return l.row(), fn(ctx, tx)
	})
}

// want checks the rows of the program's table and of the history.
func (l *lendTest) want(ledger, history int) {
	l.Helper()
	n := int64(-1)
	err := l.s.r.with(context.Background(), func(c *conn) error {
		return c.queryOnce("SELECT COUNT(*) FROM ledger", func(r row) error { n = r.int(0); return nil })
	})
	if err != nil || n != int64(ledger) {
		l.Errorf("%d rows in the program's table, want %d (%v)", n, ledger, err)
	}
	steps, err := l.s.Load(context.Background(), l.run.Seq)
	if err != nil || len(steps) != history {
		l.Errorf("%d rows of history, want %d (%v)", len(steps), history, err)
	}
	if h := l.s.Health(); h.Err != nil {
		l.Errorf("the store feels ill: %v", h.Err)
	}
	wantWhole(l.T, l.s)
}

func insert(ctx context.Context, tx *sql.Tx, who string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO ledger (who, cents) VALUES (?, ?)", who, 100)
	return err
}

func TestTransactCommitsBoth(t *testing.T) {
	l := newLendTest(t)
	err := l.transact(func(ctx context.Context, tx *sql.Tx) error {
		stmt, err := tx.PrepareContext(ctx, "INSERT INTO ledger (who, cents) VALUES (?, ?)")
		if err != nil {
			return err
		}
		for i := range 3 {
			if _, err := stmt.ExecContext(ctx, fmt.Sprint("w", i), i); err != nil {
				return err
			}
		}
		// Reads its own writes, and Stepwell's tables.
		rows, err := tx.QueryContext(ctx, "SELECT l.who, l.cents, r.id FROM ledger AS l, runs AS r ORDER BY l.who")
		if err != nil {
			return err
		}
		for i := 0; rows.Next(); i++ {
			var who, id string
			var cents int
			if err := rows.Scan(&who, &cents, &id); err != nil || who != fmt.Sprint("w", i) || cents != i || id != "a" {
				return fmt.Errorf("row %d is %s %d %s, %w", i, who, cents, id, err)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		// Left open: closed for the function.
		open, err := tx.QueryContext(ctx, "SELECT who FROM ledger")
		if err != nil || !open.Next() {
			return fmt.Errorf("no rows, %w", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.want(3, 1)
	if l.s.Position() != 1 {
		t.Errorf("position %d", l.s.Position())
	}
}

func TestTransactWritesNothingWhenTheFunctionFails(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		fn   func(context.Context, *sql.Tx) error
		want string
	}{
		"error":      {func(context.Context, *sql.Tx) error { return boom }, "boom"},
		"panic":      {func(context.Context, *sql.Tx) error { panic("boom") }, "panic: boom"},
		"Goexit":     {func(context.Context, *sql.Tx) error { goruntime.Goexit(); return nil }, "Goexit"},
		"constraint": {func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "first") }, "UNIQUE constraint failed"},
		"commit":     {func(_ context.Context, tx *sql.Tx) error { return tx.Commit() }, "ended the transaction itself"},
		"rollback":   {func(_ context.Context, tx *sql.Tx) error { return tx.Rollback() }, "ended the transaction itself"},
		"a statement that rolls back": {func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT OR ROLLBACK INTO ledger (who, cents) VALUES ('first', 1)")
			return err
		}, "UNIQUE constraint failed"},
		"a statement that rolls back, and goes on": {func(ctx context.Context, tx *sql.Tx) error {
			tx.ExecContext(ctx, "INSERT OR ROLLBACK INTO ledger (who, cents) VALUES ('first', 1)")
			insert(ctx, tx, "outside of any transaction")
			return nil
		}, "rolled the transaction back"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLendTest(t)
			err := l.transact(func(ctx context.Context, tx *sql.Tx) error {
				if err := insert(ctx, tx, "first"); err != nil {
					return err
				}
				return c.fn(ctx, tx)
			})
			if _, ok := errors.AsType[*store.TxError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a TxError with %q", err, c.want)
			}
			l.want(0, 0)
			if err := l.transact(func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "second") }); err != nil {
				t.Errorf("the next: %v", err)
			}
			l.want(1, 1)
		})
	}
}

func TestTransactGuardsWhatIsStepwells(t *testing.T) {
	for _, c := range []struct {
		sql, want string
		inDo      bool // allowed there
	}{
		{"UPDATE runs SET status = 5", "table runs is Stepwell's", false},
		{"DELETE FROM steps", "table steps is Stepwell's", false},
		{"insert into \"HEARTBEATS\" (run, path, attempt, at) VALUES (1, '', 1, 1)", "table heartbeats is Stepwell's", false},
		{"WITH x AS (SELECT 1) DELETE FROM state", "table state is Stepwell's", false},
		{"SELECT 1; DELETE FROM steps", "table steps is Stepwell's", false},
		{"DROP TABLE steps", "table", false},
		{"ALTER TABLE steps ADD COLUMN x", "table", false},
		{"CREATE INDEX mine ON steps (name)", "table", false},
		{"CREATE TRIGGER mine AFTER INSERT ON steps BEGIN DELETE FROM ledger; END", "table", false},
		{"CREATE TRIGGER mine AFTER INSERT ON ledger BEGIN DELETE FROM steps; END; INSERT INTO ledger (who, cents) VALUES ('x', 1)", "table", false},
		{"COMMIT", "the transaction is Stepwell's", false},
		{"ROLLBACK", "the transaction is Stepwell's", false},
		{"SAVEPOINT x", "the transaction is Stepwell's", false},
		{"RELEASE one", "the transaction is Stepwell's", false},
		{"ATTACH ':memory:' AS other", "only the program's own tables", false},
		{"PRAGMA synchronous = OFF", "only the program's own tables", false},
		{"PRAGMA writable_schema = 1", "only the program's own tables", false},
		{"CREATE TEMP TABLE t (x)", "only the program's own tables", false},
		{"CREATE TABLE another (x)", "tables cannot be defined in a step", true},
		{"CREATE INDEX mine ON ledger (cents)", "tables cannot be defined in a step", true},
		{"ALTER TABLE ledger RENAME TO book", "tables cannot be defined in a step", true},
		{"ALTER TABLE ledger ADD COLUMN note TEXT", "tables cannot be defined in a step", true},
		{"DROP TABLE ledger", "tables cannot be defined in a step", true},
	} {
		t.Run(c.sql, func(t *testing.T) {
			l := newLendTest(t)
			exec := func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, c.sql)
				return err
			}
			if err := l.transact(exec); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("in a step: got %v, want %q", err, c.want)
			}
			l.want(0, 0)
			// What is prepared and not executed is refused as well.
			err := l.transact(func(ctx context.Context, tx *sql.Tx) error { _, err := tx.PrepareContext(ctx, c.sql); return err })
			if !strings.Contains(c.sql, ";") && err == nil {
				t.Error("it could be prepared in a step")
			}
			switch err := l.s.Do(t.Context(), 0, exec); {
			case c.inDo && err != nil:
				t.Errorf("in Do: %v", err)
			case !c.inDo && err == nil:
				t.Error("Do allowed it")
			}
			if _, err := l.s.Load(t.Context(), l.run.Seq); err != nil {
				t.Error(err)
			}
			wantWhole(t, l.s)
		})
	}
}

func TestTransactTakesTheConnectionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLendTest(t)
		begin, others := time.Now(), make(chan time.Duration, 1)
		err := l.transact(func(ctx context.Context, tx *sql.Tx) error {
			if err := insert(ctx, tx, "a"); err != nil {
				return err
			}
			go func() {
				l.s.Probe(context.Background())
				others <- time.Since(begin)
			}()
			<-ctx.Done()
			if cause := context.Cause(ctx); cause != store.ErrTimeout {
				t.Errorf("the cause is %v", cause)
			}
			time.Sleep(time.Minute) // it does not heed its context
			if err := insert(context.Background(), tx, "b"); err == nil {
				t.Error("the connection is still its")
			}
			return nil
		})
		if _, ok := errors.AsType[*store.TxError](err); !ok || !errors.Is(err, store.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took < time.Minute {
			t.Errorf("it returned after %v, before the function", took)
		}
		if waited := <-others; waited > 6*time.Second {
			t.Errorf("another write waited %v", waited)
		}
		l.want(0, 0)
	})
}

func TestTransactEndsALongStatement(t *testing.T) {
	l := newLendTest(t)
	begin := time.Now()
	err := l.s.Transact(t.Context(), l.run.Claim(), 50*time.Millisecond, func(ctx context.Context, tx *sql.Tx) (*store.Step, error) {
		_, err := tx.ExecContext(context.Background(), "INSERT INTO ledger (who, cents) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i FROM n")
		return l.row(), err
	})
	if _, ok := errors.AsType[*store.TxError](err); !ok || time.Since(begin) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
	l.want(0, 0)
	if err := l.transact(func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, "a") }); err != nil {
		t.Error(err)
	}
	l.want(1, 1)
}

func TestTransactUnderAStaleClaimDoesNotBegin(t *testing.T) {
	l := newLendTest(t)
	if err := l.s.Release(t.Context(), []store.Claim{l.run.Claim()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	err := l.transact(func(context.Context, *sql.Tx) error { t.Error("it was called"); return nil })
	if !errors.Is(err, store.ErrStale) {
		t.Errorf("got %v", err)
	}
	l.want(0, 0)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	err = l.s.Do(cancelled, 0, func(context.Context, *sql.Tx) error { t.Error("it was called"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestTransactAmongOtherWrites: each is committed or not, whatever the others do.
func TestTransactAmongOtherWrites(t *testing.T) {
	l := newLendTest(t)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			switch i % 3 {
			case 0:
				if _, _, err := l.s.Create(context.Background(), testRun(fmt.Sprint("other-", i))); err != nil {
					t.Error(err)
				}
			case 1:
				err := l.s.Do(context.Background(), 0, func(ctx context.Context, tx *sql.Tx) error { return insert(ctx, tx, fmt.Sprint("w", i)) })
				if err != nil {
					t.Error(err)
				}
			case 2:
				err := l.s.Do(context.Background(), 0, func(ctx context.Context, tx *sql.Tx) error {
					insert(ctx, tx, fmt.Sprint("w", i))
					_, err := tx.ExecContext(ctx, "INSERT OR ROLLBACK INTO ledger (who, cents) VALUES (NULL, NULL)")
					return err
				})
				if err == nil {
					t.Error("no error")
				}
			}
		})
	}
	wg.Wait()
	l.want(20, 0)
	if runs, err := l.s.List(t.Context(), store.Filter{}); err != nil || len(runs) != 21 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
