package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// quick gives 1, many times.
func quick(context.Context) (int, error) { return 1, nil }

// stepper is a workflow of n steps, each after a sleep.
var stepper = runtime.Define("stepper", func(ctx context.Context, n int) (int, error) {
	for range n {
		if err := runtime.Sleep(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
		if _, err := runtime.Step(ctx, "quick", quick); err != nil {
			return 0, err
		}
	}
	return n, nil
})

// gets counts the reads of single runs.
type gets struct {
	store.Store
	n atomic.Int64
}

func (g *gets) Get(ctx context.Context, id string) (store.Run, error) {
	g.n.Add(1)
	return g.Store.Get(ctx, id)
}

func TestWatchRunTellsOfEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		w := once(func(ctx context.Context) (int, error) {
			for range 3 {
				if _, err := runtime.Step(ctx, "gated", func(context.Context) (int, error) { <-gate; return 1, nil }); err != nil {
					return 0, err
				}
			}
			return 3, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		next, stop := iter.Pull2(r.WatchRun(t.Context(), h.ID(), 0))
		defer stop()
		// rows is how many the run has at a yield: the next change is not made before.
		rows := func() int {
			steps, err := r.Steps(r.ctx, h.ID())
			if err != nil {
				t.Fatal(err)
			}
			return len(steps)
		}
		for want := range 3 {
			for {
				run, err, ok := next()
				if !ok || err != nil || run.Status.Ended() {
					t.Fatalf("with %d rows, before row %d: %+v, %v, %v", rows(), want, run, err, ok)
				}
				if rows() == want {
					break
				}
			}
			gate <- struct{}{}
		}
		var statuses []store.Status
		for {
			run, err, ok := next()
			if !ok {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(statuses) == 0 || statuses[len(statuses)-1] != run.Status {
				statuses = append(statuses, run.Status)
			}
		}
		if want := []store.Status{store.Running, store.Waiting, store.Queued, store.Running, store.Succeeded}; !slices.Equal(statuses, want) &&
			!slices.Equal(statuses, []store.Status{store.Running, store.Waiting, store.Running, store.Succeeded}) {
			t.Errorf("statuses: %v, want %v", statuses, want)
		}
	})
}

func TestWatchRunIsNoFasterThanAskedAndKeepsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveOn(t, openStore(t), runtime.Config{}, stepper)
		h, err := stepper.Start(r.ctx, 250) // 2.5 s
		if err != nil {
			t.Fatal(err)
		}
		var at []time.Duration
		var last runtime.Run
		begin := time.Now()
		for run, err := range r.WatchRun(t.Context(), h.ID(), time.Second) {
			if err != nil {
				t.Fatal(err)
			}
			at, last = append(at, time.Since(begin)), run
		}
		if last.Status != store.Succeeded || len(at) != 4 {
			t.Errorf("yields at %v, the last with %v: want 4, with the end", at, last.Status)
		}
		for i := 1; i < len(at); i++ {
			if d := at[i] - at[i-1]; d < time.Second {
				t.Errorf("two yields within %v", d)
			}
		}
	})
}

func TestWatchRunErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveOn(t, openStore(t), runtime.Config{}, stepper)
		last := func(seq iter.Seq2[runtime.Run, error]) (n int, err error) {
			for _, err = range seq {
				n++
			}
			return n, err
		}
		if n, err := last(r.WatchRun(t.Context(), "nope", 0)); n != 1 || !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("no such run: %d, %v", n, err)
		}
		if n, err := last(r.WatchRun(t.Context(), "a b\n", 0)); n != 1 || !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("no id: %d, %v", n, err)
		}
		if _, err := stepper.Start(r.ctx, 1, runtime.ID("later"), runtime.Delay(time.Hour)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		time.AfterFunc(time.Minute, func() { cancel(why) })
		if n, err := last(r.WatchRun(ctx, "later", 0)); n != 2 || !errors.Is(err, why) {
			t.Errorf("its context ended: %d, %v", n, err)
		}
		result := make(chan error)
		go func() {
			_, err := last(r.WatchRun(t.Context(), "later", 0))
			result <- err
		}()
		synctest.Wait()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if err := <-result; !errors.Is(err, runtime.ErrDraining) {
			t.Errorf("after a drain: %v", err)
		}
	})
}

// TestWatchersOfARunShareItsReads: the store is asked once for each change.
func TestWatchersOfARunShareItsReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &gets{Store: openStore(t)}
		r := serveOn(t, s, runtime.Config{}, stepper)
		if _, err := stepper.Start(r.ctx, 20, runtime.ID("a"), runtime.Delay(time.Hour)); err != nil {
			t.Fatal(err)
		}
		before := s.n.Load()
		var wg sync.WaitGroup
		var yields atomic.Int64
		for range 100 {
			wg.Go(func() {
				for _, err := range r.WatchRun(t.Context(), "a", 0) {
					if err != nil {
						t.Error(err)
					}
					yields.Add(1)
				}
			})
		}
		wg.Wait()
		rows, err := r.Steps(r.ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		most := int64(2*len(rows) + 20)
		if n := s.n.Load() - before; n > most || yields.Load() < 20*100 {
			t.Errorf("%d reads for %d yields of %d rows, want at most %d", n, yields.Load(), len(rows), most)
		}
	})
}

// pull returns the next changes.
func pull(t *testing.T, next func() (runtime.Changes, error, bool)) runtime.Changes {
	t.Helper()
	c, err, ok := next()
	if err != nil || !ok {
		t.Fatalf("changes: %v, %v", err, ok)
	}
	return c
}

func TestWatchRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveOn(t, openStore(t), runtime.Config{}, stepper)
		position := r.Position()
		for _, id := range []string{"a", "b"} {
			if err := func() error { _, err := stepper.Call(r.ctx, 3, runtime.ID(id)); return err }(); err != nil {
				t.Fatal(err)
			}
		}
		next, stop := iter.Pull2(r.WatchRuns(t.Context(), position, time.Second))
		defer stop()
		begin := time.Now()
		c := pull(t, next)
		if slices.Sort(c.Runs); !slices.Equal(c.Runs, []string{"a", "b"}) || c.Lost || time.Since(begin) > 0 {
			t.Errorf("what changed before the watch: %+v after %v, want each run once, at once", c, time.Since(begin))
		}
		time.AfterFunc(time.Minute, func() {
			if err := r.Delete(r.ctx, "a"); err != nil {
				t.Error(err)
			}
		})
		if c = pull(t, next); !slices.Equal(c.Runs, []string{"a"}) || time.Since(begin) != time.Minute {
			t.Errorf("a deletion: %+v after %v", c, time.Since(begin))
		}
		// From the position of the first answer the deletion is told again, even
		// though the watcher had left in between.
		stop()
		time.Sleep(50 * time.Second)
		again, stop := iter.Pull2(r.WatchRuns(t.Context(), c.Position, 0))
		defer stop()
		if _, err := stepper.Start(r.ctx, 0, runtime.ID("c"), runtime.Delay(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if c = pull(t, again); !slices.Equal(c.Runs, []string{"c"}) || c.Lost {
			t.Errorf("after a while without a watcher: %+v", c)
		}
		for _, position := range []string{"nonsense", "other." + c.Position, c.Position + "zzz"} {
			lost, stop := iter.Pull2(r.WatchRuns(t.Context(), position, 0))
			if c := pull(t, lost); !c.Lost || len(c.Runs) > 0 || c.Position == "" {
				t.Errorf("position %q: %+v, want it lost", position, c)
			}
			stop()
		}
		fresh, stop := iter.Pull2(r.WatchRuns(t.Context(), "", 0))
		defer stop()
		if c := pull(t, fresh); c.Lost || len(c.Runs) > 0 || c.Position == "" {
			t.Errorf("from now: %+v", c)
		}
	})
}

// TestAPositionIsLostWhenNobodyWatches: then changes cost nothing, and are not
// remembered.
func TestAPositionIsLostWhenNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveOn(t, openStore(t), runtime.Config{}, stepper)
		position := r.Position()
		time.Sleep(2 * time.Minute)
		if _, err := stepper.Call(r.ctx, 3); err != nil {
			t.Fatal(err)
		}
		next, stop := iter.Pull2(r.WatchRuns(t.Context(), position, 0))
		defer stop()
		if c := pull(t, next); !c.Lost {
			t.Errorf("an old position: %+v", c)
		}
	})
}

// TestMoreChangesThanAreKept: who is too slow is told so.
func TestMoreChangesThanAreKept(t *testing.T) {
	s := openStore(t)
	r := serveOn(t, s, runtime.Config{}, stepper)
	position := r.Position()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 300 {
				if _, err := stepper.Start(r.ctx, 0, runtime.ID(fmt.Sprint(i, "-", j)), runtime.Delay(time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next, stop := iter.Pull2(r.WatchRuns(t.Context(), position, 0))
	defer stop()
	if c := pull(t, next); !c.Lost {
		t.Errorf("%d changes were kept", len(c.Runs))
	}
}
