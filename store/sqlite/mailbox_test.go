package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// TestSweepTakesTheMailbox: nothing of a deleted run stays, taken or not.
func TestSweepTakesTheMailbox(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "a.db"))
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	create := func(id string) store.Claim {
		r, _, err := s.Create(ctx, store.NewRun{ID: id, Workflow: "w", CreatedAt: now, ClaimFor: "e", Trace: store.Trace{TraceID: [16]byte{1}}})
		must(err)
		return r.Claim()
	}
	a, other := create("a"), create("other")
	aStep := func(i int) *store.Step {
		return &store.Step{Path: fmt.Sprint(i), Attempt: 1, Kind: store.KindReceive, Status: store.StepSucceeded, StartedAt: now, EndedAt: now}
	}
	for i := range 20 {
		_, err := s.Send(ctx, store.Message{RunID: "a", Topic: "t", Key: []string{"", fmt.Sprint(i)}[i%2], Payload: []byte("1"), SentAt: now})
		must(err)
		must(s.SetEvent(ctx, a, fmt.Sprint(i), nil, aStep(i)))
		must(s.Append(ctx, a, store.Item{Stream: fmt.Sprint(i % 3), WrittenAt: now}, nil))
	}
	for i := range 5 {
		_, _, err := s.Take(ctx, a, "t", aStep(100+i))
		must(err)
	}
	must(s.Watch(ctx, a, "other", "e", nil))
	must(s.Watch(ctx, other, "a", "e", nil))
	_, err := s.Finish(ctx, a, store.Outcome{Status: store.Succeeded, At: now})
	must(err)
	must(s.Delete(ctx, "a"))
	for more := true; more; {
		more, err = s.Sweep(ctx, 7)
		must(err)
	}
	for _, table := range []string{"messages", "events", "items", "watchers", "steps", "trash"} {
		must(s.r.with(ctx, func(c *conn) error {
			return c.queryOnce("SELECT COUNT(*) FROM "+table, func(r row) error {
				if n := r.int(0); n != 0 {
					t.Errorf("%d rows left in %s", n, table)
				}
				return nil
			})
		}))
	}
}
