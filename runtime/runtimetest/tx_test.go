package runtimetest_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/runtimetest"
)

var seats = runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS app_seats (who TEXT NOT NULL)")
	return err
})

var seat = runtime.Define("seat", func(ctx context.Context, who string) (int, error) {
	if err := runtime.Compensate(ctx, "free the seat", func(context.Context) error { return nil }); err != nil {
		return 0, err
	}
	n, err := runtime.Tx(ctx, "take a seat", func(ctx context.Context, tx *sql.Tx) (n int, err error) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO app_seats (who) VALUES (?)", who); err != nil {
			return 0, err
		}
		err = tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM app_seats").Scan(&n)
		return n, err
	})
	if err != nil {
		return 0, err
	}
	_, err = runtime.Step(ctx, "board", func(context.Context) (int, error) { return 0, runtime.Permanent(errBusy) })
	return n, err
})

// TestCrashesAroundATransaction: one that died before its commit left nothing,
// so that it is the first again.
func TestCrashesAroundATransaction(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		rt.CrashBefore("take a seat")
		rt.CrashAfter("take a seat")
		rt.CrashBefore("compensate free the seat")
		runtimetest.Fake(rt, "board", func(context.Context) (int, error) { return 1, nil })
		if n, err := seat.Call(rt.Context(), "ada", runtime.ID("a")); err != nil || n != 1 {
			t.Errorf("got %d, %v", n, err)
		}
		runtimetest.Fake[int](rt, "board", nil)
		if _, err := seat.Call(rt.Context(), "bob", runtime.ID("b")); err == nil {
			t.Error("no error")
		}
		rt.WantSteps("b", "take a seat", "board", "return", "compensate free the seat")
		rt.WantReplay("a")
		rt.WantReplay("b")
	}, seats, seat)
}

func TestFakesStandInForTransactionsAndCompensations(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		runtimetest.Fake(rt, "take a seat", func(context.Context) (int, error) { return 7, nil })
		undone := false
		runtimetest.Fake(rt, "free the seat", func(context.Context) (any, error) { undone = true; return nil, nil })
		if _, err := seat.Call(rt.Context(), "ada", runtime.ID("a")); err == nil || !undone {
			t.Errorf("got %v, undone %t", err, undone)
		}
		time.Sleep(time.Second)
		rt.WantSteps("a", "take a seat", "board", "return", "compensate free the seat")
	}, seats, seat)
}
