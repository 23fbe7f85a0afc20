package blackbox

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store/sqlite"
)

// ledgerTable has no key: an entry that is made twice shows.
var ledgerTable = runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS app_ledger (run TEXT NOT NULL, item TEXT NOT NULL)")
	return err
})

// bookkeep makes n entries, each in a transaction with its step.
var bookkeep = runtime.Define("bookkeep", func(ctx context.Context, n int) (string, error) {
	p, _ := runtime.Current(ctx)
	for i := range n {
		item := fmt.Sprint("item-", i)
		_, err := runtime.Tx(ctx, item, func(ctx context.Context, tx *sql.Tx) (int, error) {
			_, err := tx.ExecContext(ctx, "INSERT INTO app_ledger (run, item) VALUES (?, ?)", p.RunID, item)
			return 1, err
		})
		if err != nil {
			return "", err
		}
	}
	return "kept", nil
})

// TestKillAmidTransactions kills the server at random moments. Whenever it died,
// the program's table has exactly the rows whose steps are recorded.
func TestKillAmidTransactions(t *testing.T) {
	n := min(*kills, 40)
	if testing.Short() {
		n = min(n, 8)
	}
	const items = 20
	w, acked := newWorld(t), &ids{}
	entries := 0
	for i := range n {
		c := w.start(t).ready()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					var run runReply
					if err := c.call(ctx, "POST", "/v1/workflows/bookkeep/runs", items, &run); err != nil {
						return
					}
					acked.add(run.ID)
				}
			})
		}
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(60 * time.Millisecond)))):
		case <-c.over:
			t.Fatalf("kill %d: the server ended by itself: %v\n%s", i, c.err, c.logged())
		}
		c.kill()
		stop()
		wg.Wait()
		entries = compareLedger(t, w)
	}
	c := w.start(t).ready()
	for _, id := range acked.all() {
		var run runReply
		eventually(t, 60*time.Second, "run "+id+" ends", func() bool {
			if err := c.call(t.Context(), "GET", "/v1/runs/"+id, nil, &run); err != nil {
				t.Fatalf("acknowledged run %s: %v", id, err)
			}
			return run.Status == "succeeded"
		})
	}
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
	atLastDeath := entries
	if entries = compareLedger(t, w); entries < len(acked.all())*items || atLastDeath == 0 {
		t.Errorf("%d entries for %d acknowledged runs of %d, %d of them at the last death", entries, len(acked.all()), items, atLastDeath)
	}
	checkIntegrity(t, w.database())
	t.Logf("%d kills, %d runs, %d entries", n, len(acked.all()), entries)
}

// compareLedger returns the number of entries.
func compareLedger(t *testing.T, w *world) int {
	t.Helper()
	s, err := sqlite.Open(t.Context(), w.database(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var made, recorded []string
	err = s.Do(t.Context(), 0, func(ctx context.Context, tx *sql.Tx) (err error) {
		if made, err = pairs(ctx, tx, "SELECT run, item FROM app_ledger ORDER BY run, item"); err != nil {
			return err
		}
		recorded, err = pairs(ctx, tx, "SELECT r.id, s.name FROM steps AS s JOIN runs AS r ON r.seq = s.run WHERE s.kind = 20 AND s.status = 2 ORDER BY r.id, s.name")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(recorded, made); d != "" {
		t.Fatalf("the steps recorded (-) and the rows made (+) differ:\n%s", d)
	}
	return len(made)
}

func pairs(ctx context.Context, tx *sql.Tx, query string) (all []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			return nil, err
		}
		all = append(all, a+" "+b)
	}
	return all, rows.Err()
}
