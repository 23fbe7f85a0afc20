package runtime_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// randomTable is what the programs write to in transactions. It has no key, so
// that what was written twice shows.
var randomTable = runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS app_random (run TEXT NOT NULL, path TEXT NOT NULL)")
	return err
})

// undo registers a compensation, which fails like a step would.
func (x *machine) undo(ctx context.Context, o *op, name string) (string, error) {
	return "registered", runtime.Compensate(ctx, "undo "+name, func(ctx context.Context) error {
		place, _ := runtime.Current(ctx)
		x.w.effect(x.in.Root, place)
		if place.Attempt <= o.fails {
			return fmt.Errorf("undo fails at attempt %d", place.Attempt)
		}
		return nil
	}, runtime.Retry{Max: o.most, Initial: o.d + time.Second})
}

// transact writes a row in each attempt, of which those that fail leave nothing.
func (x *machine) transact(ctx context.Context, o *op, name string) (string, error) {
	n, err := runtime.Tx(ctx, name, func(ctx context.Context, tx *sql.Tx) (int, error) {
		place, _ := runtime.Current(ctx)
		x.w.effect(x.in.Root, place)
		if _, err := tx.ExecContext(ctx, "INSERT INTO app_random (run, path) VALUES (?, ?)", place.RunID, place.Path); err != nil {
			return 0, err
		}
		if place.Attempt <= o.fails {
			switch o.how {
			case byPanic:
				panic("a transaction panics")
			case byTimeout:
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return 0, fmt.Errorf("fails at attempt %d", place.Attempt)
		}
		var n int
		err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM app_random WHERE run = ? AND path = ?", place.RunID, place.Path).Scan(&n)
		return n, err
	}, runtime.Retry{Max: o.most, Initial: o.d + time.Second})
	return fmt.Sprint("rows ", n), err
}

// beat is a step each of whose attempts knows how far the one before came.
func (x *machine) beat(ctx context.Context, o *op, name string) (string, error) {
	n, err := runtime.Step(ctx, name, func(ctx context.Context) (int, error) {
		place, _ := runtime.Current(ctx)
		x.w.effect(x.in.Root, place)
		last, found, err := runtime.LastHeartbeat[int](ctx)
		if err != nil {
			return 0, err
		}
		// One more when this attempt began before, in a process that died. A fork
		// amid the attempts has the rows of those before, but not their heartbeat.
		before := place.Attempt - 1
		if !found && strings.HasPrefix(place.RunID, "fork-") {
			before = 0
		}
		if found != (last > 0) || last < before || last > before+1 {
			return 0, runtime.Permanent(fmt.Errorf("attempt %d finds the heartbeat %d, %t", place.Attempt, last, found))
		}
		if err := runtime.Heartbeat(ctx, place.Attempt); err != nil {
			return 0, err
		}
		if place.Attempt <= o.fails {
			if o.how == byTimeout {
				<-ctx.Done()
				return 0, ctx.Err()
			}
			return 0, fmt.Errorf("fails at attempt %d", place.Attempt)
		}
		return place.Attempt, nil
	}, runtime.Retry{Max: o.most, Initial: o.d + time.Second}, runtime.HeartbeatTimeout(time.Minute))
	return fmt.Sprint("beat ", n), err
}

// Transact notes the row of a transaction that was committed.
func (n *noting) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	var row *store.Step
	err := n.Store.(store.Transactor).Transact(ctx, c, limit, func(ctx context.Context, tx *sql.Tx) (_ *store.Step, err error) {
		row, err = fn(ctx, tx)
		return row, err
	})
	if err == nil {
		n.note(c, row)
	}
	return err
}

// Do implements [store.Transactor].
func (n *noting) Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error {
	return n.Store.(store.Transactor).Do(ctx, limit, fn)
}

// written tells how many rows each step left in a run and its children.
func (b *batch) written(t *testing.T, root string) string {
	var l lines
	err := b.s.Do(context.Background(), 0, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT run, path, COUNT(*) FROM app_random WHERE run = ?1 OR run LIKE ?1 || ':%' GROUP BY run, path ORDER BY run, path", root)
		if err != nil {
			return err
		}
		for rows.Next() {
			var run, path string
			var n int
			if err := rows.Scan(&run, &path, &n); err != nil {
				return err
			}
			l.add(strings.TrimPrefix(run, root), path, n)
		}
		return rows.Err()
	})
	if err != nil {
		t.Error(err)
	}
	return l.text()
}
