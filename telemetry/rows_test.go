package telemetry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

var epoch = time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)

func openStore(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	st, err := sqlite.Open(context.Background(), path, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func traceOf(id string, sampled bool) store.Trace {
	sum := sha256.Sum256([]byte(id))
	return store.Trace{TraceID: [16]byte(sum[:16]), Sampled: sampled}
}

func newRun(id string, sampled bool) store.NewRun {
	return store.NewRun{
		ID: id, Workflow: "checkout", Version: "v1", ClaimFor: "executor-1",
		CreatedAt: epoch, Trace: traceOf(id, sampled),
	}
}

// writeRun takes a run through its life: a step that fails once, a step, the
// end. It makes four spans.
func writeRun(ctx context.Context, st store.Store, n store.NewRun) error {
	run, _, err := st.Create(ctx, n)
	if err != nil {
		return err
	}
	at := func(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }
	boom := &store.Failure{Code: "declined", Message: "card declined"}
	for _, s := range []store.Step{
		{Path: "0", Attempt: 1, Kind: store.KindStep, Name: "charge", Status: store.StepRetrying, Error: boom, StartedAt: at(1), EndedAt: at(3)},
		{Path: "0", Attempt: 2, Kind: store.KindStep, Name: "charge", Status: store.StepSucceeded, StartedAt: at(5), EndedAt: at(8)},
		{Path: "1", Attempt: 0, Kind: store.KindSleep, Name: "sleep", Status: store.StepWaiting, StartedAt: at(8), WakeAt: at(10)},
		{Path: "1", Attempt: 1, Kind: store.KindSleep, Name: "sleep", Status: store.StepSucceeded, StartedAt: at(8), EndedAt: at(10)},
	} {
		if err := st.Record(ctx, run.Claim(), &s); err != nil {
			return err
		}
	}
	_, err = st.Finish(ctx, run.Claim(), store.Outcome{Status: store.Succeeded, At: at(12)})
	return err
}

const spansOfRun = 4

func writeRuns(t testing.TB, st store.Store, prefix string, n int, sampled bool) {
	t.Helper()
	errs := make(chan error, 16)
	for w := range cap(errs) {
		go func() {
			var err error
			for i := w; i < n && err == nil; i += cap(errs) {
				err = writeRun(context.Background(), st, newRun(fmt.Sprintf("%s-%d", prefix, i), sampled))
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// expected reads from the histories, not from what feeds the shipper, which
// spans a store owes, and the parent of each.
func expected(t testing.TB, st store.Store) (parents map[spanKey][8]byte) {
	t.Helper()
	parents = map[spanKey][8]byte{}
	f := store.Filter{Limit: 1000}
	for {
		runs, err := st.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(runs) == 0 {
			return parents
		}
		for _, r := range runs {
			f.Before = r.Seq
			if !r.Trace.Sampled {
				continue
			}
			root := store.RunSpanID(r.Trace, r.ID)
			if r.Status.Ended() {
				parents[spanKey{r.Trace.TraceID, root}] = r.Trace.ParentSpan
			}
			steps, err := st.Load(t.Context(), r.Seq)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				if s.Attempt > 0 {
					parents[spanKey{r.Trace.TraceID, store.StepSpanID(r.Trace, r.ID, s.Path, s.Attempt)}] = root
				}
			}
		}
	}
}

// checkSpans compares what came with what the store owes: all of it, nothing
// else, right parents, and no id with two contents.
func checkSpans(t *testing.T, r *receiver, want map[spanKey][8]byte) {
	t.Helper()
	r.checkClashes(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	missing, alien, orphans := 0, 0, 0
	for key, parent := range want {
		got, ok := r.spans[key]
		switch {
		case !ok:
			missing++
		case string(got.ParentSpanId) != string(parent[:]) && !(parent == [8]byte{} && len(got.ParentSpanId) == 0):
			orphans++
		}
	}
	for key := range r.spans {
		if _, ok := want[key]; !ok {
			alien++
		}
	}
	if missing+alien+orphans > 0 {
		t.Errorf("of %d spans %d are missing, %d have the wrong parent; %d came that nobody wrote", len(want), missing, orphans, alien)
	}
}
