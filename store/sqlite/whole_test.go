package sqlite

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

var testStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func testRun(id string) store.NewRun {
	n := store.NewRun{ID: id, Workflow: "w", Input: []byte("{}"), CreatedAt: testStart, ClaimFor: "e"}
	n.Trace.TraceID[0], n.Trace.Sampled = 1, true
	return n
}

func testStep(path string) store.Step {
	return store.Step{Path: path, Attempt: 1, Kind: store.KindStep, Name: "s", Status: store.StepSucceeded,
		Output: []byte("1"), StartedAt: testStart, EndedAt: testStart.Add(time.Second)}
}

// snapshot is all that can be read of a store.
type snapshot struct {
	Runs  []store.Run
	Steps map[string][]store.Step
	Stats store.Stats
	Pos   int64
}

func look(t testing.TB, s *Store) (sn snapshot) {
	t.Helper()
	ctx := context.Background()
	sn.Steps = map[string][]store.Step{}
	for before := int64(0); ; {
		runs, err := s.List(ctx, store.Filter{Before: before, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			break
		}
		sn.Runs = append(sn.Runs, runs...)
		before = runs[len(runs)-1].Seq
	}
	for _, r := range sn.Runs {
		steps, err := s.Load(ctx, r.Seq)
		if err != nil {
			t.Fatal(err)
		}
		sn.Steps[r.ID] = steps
	}
	var err error
	if sn.Stats, err = s.Stats(ctx); err != nil {
		t.Fatal(err)
	}
	sn.Pos = s.Position()
	return sn
}

// wantLook compares what can be read with an earlier look.
func wantLook(t testing.TB, what string, s *Store, want snapshot) {
	t.Helper()
	if got := look(t, s); !reflect.DeepEqual(want, got) { // cmp takes long over bytes
		t.Errorf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// wantWhole checks that the database is sound and that the counters written
// with each commit agree with the rows.
func wantWhole(t testing.TB, s *Store) {
	t.Helper()
	if err := whole(s); err != nil {
		t.Error(err)
	}
}

func whole(s *Store) error {
	return s.r.view(context.Background(), func(c *conn) error {
		err := c.query("PRAGMA integrity_check", func(r row) error {
			if v := r.text(0); v != "ok" {
				return fmt.Errorf("integrity check: %s", v)
			}
			return nil
		})
		if err != nil {
			return err
		}
		var rows state
		err = c.queryOnce("SELECT status, COUNT(*), MAX(seq), COALESCE(MAX(end_pos), 0) FROM runs GROUP BY status", func(r row) error {
			rows.runs[r.int(0)] = r.int(1)
			rows.seq, rows.pos = max(rows.seq, r.int(2)), max(rows.pos, r.int(3))
			return nil
		})
		if err != nil {
			return err
		}
		steps, err := c.count("SELECT COALESCE(MAX(pos), 0) FROM steps")
		if err != nil {
			return err
		}
		orphans, err := c.count("SELECT COUNT(*) FROM steps WHERE run NOT IN (SELECT seq FROM runs)")
		if err != nil {
			return err
		}
		kept, err := readState(c)
		if err != nil {
			return err
		}
		rows.pos = max(rows.pos, steps)
		if kept.pos < rows.pos || orphans != 0 {
			return fmt.Errorf("position %d, newest row at %d, %d rows without a run", kept.pos, rows.pos, orphans)
		}
		rows.pos = kept.pos // parking a run takes a position and leaves no row
		if rows != kept {
			return fmt.Errorf("the counters say %+v, the rows %+v", kept, rows)
		}
		return nil
	})
}

// copyStore copies the database and the first n bytes of its log; a negative n
// is all of it.
func copyStore(t testing.TB, from, to string, n int) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix != "" && n >= 0 {
			b = b[:n]
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
