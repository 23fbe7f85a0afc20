package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

var ledger = runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS app_ledger (who TEXT NOT NULL, cents INTEGER NOT NULL)")
	return err
})

func enter(ctx context.Context, tx *sql.Tx, who string) (int64, error) {
	if _, err := tx.ExecContext(ctx, "INSERT INTO app_ledger (who, cents) VALUES (?, 100)", who); err != nil {
		return 0, err
	}
	var n int64
	err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM app_ledger WHERE who = ?", who).Scan(&n)
	return n, err
}

// entries tells how often each was entered.
func entries(t *testing.T, s store.Store) string {
	t.Helper()
	var l lines
	err := s.(store.Transactor).Do(context.Background(), 0, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT who, COUNT(*) FROM app_ledger GROUP BY who ORDER BY who")
		if err != nil {
			return err
		}
		for rows.Next() {
			var who string
			var n int
			if err := rows.Scan(&who, &n); err != nil {
				return err
			}
			l.add(who, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.text()
}

func TestTxCommitsWithItsStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		w := once(func(ctx context.Context) (int64, error) {
			n, err := runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) {
				calls++
				if p, ok := runtime.Current(ctx); !ok || p.Step != "enter" || p.Attempt != 1 {
					return 0, fmt.Errorf("it is at %+v", p)
				}
				return enter(ctx, tx, "ada")
			})
			if err != nil {
				return 0, err
			}
			if err := runtime.Sleep(ctx, time.Hour); err != nil { // and is replayed
				return 0, err
			}
			return n, nil
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w, ledger)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := h.Result(r.ctx); err != nil || n != 1 || calls != 1 {
			t.Errorf("got %d, %v in %d calls", n, err, calls)
		}
		if got := entries(t, s); got != "ada 1" {
			t.Errorf("the ledger has %s", got)
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil || steps[0].Kind != store.KindTx || steps[0].Name != "enter" || string(steps[0].Output) != "1" {
			t.Errorf("the row is %+v, %v", steps[0], err)
		}
		history, err := r.Export(r.ctx, h.ID())
		if err != nil {
			t.Fatal(err)
		}
		if err := runtime.Replay(r.ctx, history, w); err != nil || calls != 1 {
			t.Errorf("replay: %v, %d calls", err, calls)
		}
	})
}

func TestTxThatFailsLeavesNothing(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		fail func(context.Context, *sql.Tx) error
		want string
	}{
		"error":  {func(context.Context, *sql.Tx) error { return boom }, "boom"},
		"panic":  {func(context.Context, *sql.Tx) error { panic("boom") }, "panic: boom"},
		"Goexit": {func(context.Context, *sql.Tx) error { exit(); return nil }, "Goexit"},
		"SQL": {func(ctx context.Context, tx *sql.Tx) error {
			_, err := enter(ctx, tx, "")
			tx.Exec("INSERT INTO app_ledger VALUES (NULL, 1)")
			return errors.Join(err, boom)
		}, "boom"},
		"forbidden":                       {func(_ context.Context, tx *sql.Tx) error { _, err := tx.Exec("DELETE FROM steps"); return err }, "table steps is Stepwell's"},
		"rollback":                        {func(_ context.Context, tx *sql.Tx) error { return tx.Rollback() }, "ended the transaction itself"},
		"timeout":                         {func(ctx context.Context, _ *sql.Tx) error { <-ctx.Done(); return ctx.Err() }, "timed out after 4s"},
		"a timeout that it does not heed": {func(context.Context, *sql.Tx) error { time.Sleep(time.Minute); return nil }, "timed out after 4s"},
		"too large":                       {nil, "output is too large"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				w := once(func(ctx context.Context) (string, error) {
					return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (string, error) {
						calls++
						n, err := enter(ctx, tx, "ada")
						if calls == 1 && err == nil && c.fail != nil {
							err = c.fail(ctx, tx)
						} else if calls == 1 {
							return strings.Repeat("x", 100), nil
						}
						return fmt.Sprint("entry ", n), err
					}, runtime.Retry{Max: 2})
				})
				s := openStore(t)
				r := serveOn(t, s, runtime.Config{Logger: quiet, MaxPayload: 90}, w, ledger)
				h, err := w.Start(r.ctx, struct{}{})
				if err != nil {
					t.Fatal(err)
				}
				got, err := h.Result(r.ctx)
				steps, _ := r.Steps(r.ctx, h.ID())
				if len(steps) == 0 || steps[0].Error == nil || !strings.Contains(steps[0].Error.Message, c.want) {
					t.Fatalf("history %+v, want %q", steps, c.want)
				}
				if c.fail == nil { // is not worth another attempt
					if err == nil || entries(t, s) != "" {
						t.Errorf("got %v, the ledger has %s", err, entries(t, s))
					}
					return
				}
				if err != nil || got != "entry 1" || steps[0].Status != store.StepRetrying || steps[1].Status != store.StepSucceeded {
					t.Errorf("got %q, %v; history %+v", got, err, steps)
				}
				if got := entries(t, s); got != "ada 1" {
					t.Errorf("the ledger has %s", got)
				}
			})
		})
	}
}

func TestTxIsRolledBackWhenTheRunIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		amid := make(chan struct{})
		w := once(func(ctx context.Context) (int64, error) {
			return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) {
				n, err := enter(ctx, tx, "ada")
				close(amid)
				<-ctx.Done()
				return n, errors.Join(err, context.Cause(ctx))
			}, runtime.Timeout(time.Minute))
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w, ledger)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		<-amid
		begin := time.Now()
		// The cancel is a write, and waits like all others for the transaction.
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("it took %v", took)
		}
		if got := entries(t, s); got != "" {
			t.Errorf("the ledger has %s", got)
		}
	})
}

// TestTxIsCutByTheEndOfTheProcess: it is rolled back, and happens in the next.
func TestTxIsCutByTheEndOfTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		amid, calls := make(chan struct{}), 0
		w := once(func(ctx context.Context) (int64, error) {
			return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) {
				n, err := enter(ctx, tx, "ada")
				if calls++; calls == 1 {
					close(amid)
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return n, err
			}, runtime.Timeout(time.Hour))
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet, Drain: time.Second}, w, ledger)
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		<-amid
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if got := entries(t, s); got != "" {
			t.Errorf("the ledger has %s", got)
		}
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w, ledger)
		run, err := r.Wait(r.ctx, "one")
		if err != nil || run.Status != store.Succeeded || string(run.Output) != "1" {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

// fullTx has no room for some transactions.
type fullTx struct {
	store.Store
	store.Transactor
	refuse int
}

func (f *fullTx) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	if f.refuse > 0 {
		f.refuse--
		return store.ErrFull
	}
	return f.Transactor.Transact(ctx, c, limit, fn)
}

func TestTxWaitsForRoomInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int64, error) {
			return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) { return enter(ctx, tx, "ada") })
		})
		s := openStore(t)
		r := serveOn(t, &fullTx{s, s, 3}, runtime.Config{Logger: quiet}, w, ledger)
		if n, err := w.Call(r.ctx, struct{}{}); err != nil || n != 1 {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestTxGoesThroughMiddleware(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, boom := 0, errors.New("audit is down")
		audit := runtime.Middleware{Step: func(ctx context.Context, next func(context.Context) error) error {
			if err := next(ctx); err != nil {
				return err
			}
			if n++; n == 1 {
				return boom
			}
			return nil
		}}
		w := once(func(ctx context.Context) (int64, error) {
			return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) { return enter(ctx, tx, "ada") }, runtime.Retry{Max: 2})
		})
		s := openStore(t)
		got, err := w.Call(serveOn(t, s, runtime.Config{Logger: quiet}, w, ledger, audit).ctx, struct{}{})
		if err != nil || got != 1 || n != 2 || entries(t, s) != "ada 1" {
			t.Errorf("got %d, %v after %d attempts; the ledger has %s", got, err, n, entries(t, s))
		}
	})
}

func TestMistakenTx(t *testing.T) {
	none := func(context.Context, *sql.Tx) (int, error) { return 1, nil }
	if _, err := runtime.Tx(context.Background(), "t", none); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("outside a run: %v", err)
	}
	w := once(func(ctx context.Context) (int, error) {
		if _, err := runtime.Step(ctx, "s", func(ctx context.Context) (int, error) { return runtime.Tx(ctx, "t", none) }); err == nil || !strings.Contains(err.Error(), runtime.ErrNotInRun.Error()) {
			t.Errorf("in a step: %v", err)
		}
		if _, err := runtime.Tx(ctx, "t", none, runtime.HeartbeatTimeout(time.Second)); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("with a heartbeat: %v", err)
		}
		return runtime.Tx(ctx, "t", func(ctx context.Context, _ *sql.Tx) (int, error) {
			if err := runtime.Heartbeat(ctx, 1); !errors.Is(err, runtime.ErrInvalid) {
				t.Errorf("a heartbeat: %v", err)
			}
			return 1, nil
		})
	})
	if _, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w), struct{}{}); err != nil {
		t.Error(err)
	}
	// A store that has no transactions to share.
	plain := &late{Store: openStore(t)}
	if _, err := w.Call(serveOn(t, plain, runtime.Config{Logger: quiet}, w).ctx, struct{}{}); err == nil || !strings.Contains(err.Error(), "no tables of the program's own") {
		t.Errorf("got %v", err)
	}
	rt, err := runtime.New(plain, runtime.Config{Logger: quiet}, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.Run(context.Background()); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("Setup: %v", err)
	}
}

func TestSetupRunsInOrderAndBeforeAnythingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, boom := openStore(t), errors.New("boom")
		more := runtime.Setup(func(ctx context.Context, tx *sql.Tx) error { _, err := enter(ctx, tx, "setup"); return err })
		w := once(func(ctx context.Context) (int64, error) {
			return runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (int64, error) { return enter(ctx, tx, "setup") })
		})
		failing := runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
			_, err := enter(ctx, tx, "failing")
			return errors.Join(err, boom)
		})
		rt, err := runtime.New(s, runtime.Config{Logger: quiet}, w, ledger, more, failing)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Start(rt.Context(context.Background()), struct{}{}, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		if err := rt.Run(context.Background()); !errors.Is(err, boom) {
			t.Errorf("got %v", err)
		}
		if got := entries(t, s); got != "setup 1" {
			t.Errorf("the ledger has %s", got)
		}
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w, ledger, more)
		if run, err := r.Wait(r.ctx, "one"); err != nil || string(run.Output) != "3" {
			t.Errorf("got %s, %v: it ran before the setup", run.Output, err)
		}
	})
}

// TestTxOverACrash kills the process at each of its writes: every transaction
// happened exactly once.
func TestTxOverACrash(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		s := openStore(t)
		w := once(func(ctx context.Context) (string, error) {
			var l lines
			for _, who := range []string{"ada", "bob"} {
				n, err := runtime.Tx(ctx, "enter "+who, func(ctx context.Context, tx *sql.Tx) (int64, error) { return enter(ctx, tx, who) })
				if err != nil {
					return "", err
				}
				l.add(who, n)
			}
			more, err := runtime.Map(ctx, []string{"x", "y"}, 0, func(ctx context.Context, who string) (int64, error) {
				return runtime.Tx(ctx, "enter "+who, func(ctx context.Context, tx *sql.Tx) (int64, error) { return enter(ctx, tx, who) })
			})
			return fmt.Sprint(l.text(), more), err
		})
		crashThenEnd(t, s, kill, w, struct{}{}, "ada 1; bob 1[1 1]", ledger)
		if got := entries(t, s); got != "ada 1; bob 1; x 1; y 1" {
			t.Errorf("the ledger has %s", got)
		}
	})
}
