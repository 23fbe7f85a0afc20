package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var goldenTable = runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS golden_bookings (what TEXT NOT NULL)")
	return err
})

// goldenBooking uses transactions, heartbeats and compensations. It is never
// changed.
func goldenBooking() *runtime.Workflow[string, string] {
	book := func(ctx context.Context, what string) error {
		err := runtime.Compensate(ctx, "give back "+what, func(ctx context.Context) error {
			if place, _ := runtime.Current(ctx); what == "room" && place.Attempt < 2 {
				return errors.New("nobody answers")
			}
			return nil
		}, runtime.Retry{Max: 3, Initial: time.Minute})
		if err != nil {
			return err
		}
		_, err = runtime.Tx(ctx, "book "+what, func(ctx context.Context, tx *sql.Tx) (string, error) {
			_, err := tx.ExecContext(ctx, "INSERT INTO golden_bookings (what) VALUES (?)", what)
			return what, err
		})
		return err
	}
	return runtime.Define("golden-booking", func(ctx context.Context, in string) (string, error) {
		if err := book(ctx, "flight"); err != nil {
			return "", err
		}
		stay := runtime.Go(ctx, func(ctx context.Context) (string, error) {
			if err := book(ctx, "room"); err != nil {
				return "", err
			}
			return runtime.Step(ctx, "confirm", func(ctx context.Context) (string, error) {
				return "confirmed", runtime.Heartbeat(ctx, in)
			}, runtime.HeartbeatTimeout(time.Minute))
		})
		got, err := stay.Wait(ctx)
		if err != nil {
			return "", err
		}
		if in == "no car" {
			return "", errors.New("no car")
		}
		return got, runtime.Sleep(ctx, time.Hour)
	})
}
