package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// begun starts n runs on the queue and returns when all have settled that will.
func begun(t *testing.T, r *served, w *runtime.Workflow[int, int], q *runtime.Queue, n int) {
	t.Helper()
	for i := range n {
		if _, err := w.Start(r.ctx, i, runtime.OnQueue(q), runtime.ID(fmt.Sprint("run", i))); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
}

// starts returns when each run of the store began, after a moment, in order.
func starts(t *testing.T, s store.Store, since time.Time) (after []time.Duration) {
	t.Helper()
	runs, err := s.List(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		if !run.StartedAt.IsZero() {
			after = append(after, run.StartedAt.Sub(since))
		}
	}
	slices.Sort(after)
	return after
}

func (g *gauge) atWork() int { g.mu.Lock(); defer g.mu.Unlock(); return g.now }
func (g *gauge) began() int  { g.mu.Lock(); defer g.mu.Unlock(); return len(g.order) }

func seconds(n ...int) (ds []time.Duration) {
	for _, s := range n {
		ds = append(ds, time.Duration(s)*time.Second)
	}
	return ds
}

// TestQueueRate: runs begin at the very moments at which their tokens fall,
// and a restart in between makes no difference.
func TestQueueRate(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart=", restart), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, begin := openStore(t), time.Now()
				q := runtime.NewQueue("q", runtime.QueueConfig{Rate: runtime.Rate{Limit: 2, Per: 10 * time.Second, Burst: 3}})
				w := measured(&gauge{})
				r := serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
				begun(t, r, w, q, 8)
				if restart {
					time.Sleep(7 * time.Second)
					r.stop()
					r = serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
				}
				if _, err := r.Wait(r.ctx, "run7"); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(seconds(0, 0, 0, 5, 10, 15, 20, 25), starts(t, s, begin)); d != "" {
					t.Errorf("the runs began at (-want +got):\n%s", d)
				}
			})
		})
	}
}

// TestCrashAtEveryWriteOfARate: no crash gives a token twice, or loses one.
func TestCrashAtEveryWriteOfARate(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) {
					s, begin := openStore(t), time.Now()
					q := runtime.NewQueue("q", runtime.QueueConfig{Rate: runtime.Rate{Limit: 1, Per: 5 * time.Second, Burst: 2}})
					w := instant()
					m := newMortal(s, at, persisted)
					r := serveOn(t, m, runtime.Config{Logger: quiet}, w, q)
					start := func() {
						for i := range 3 {
							w.Start(r.ctx, i, runtime.OnQueue(q), runtime.ID(fmt.Sprint("run", i)))
						}
					}
					start()
					ended := make(chan struct{})
					go func(ctx context.Context) {
						defer close(ended)
						for i := range 3 {
							r.Wait(ctx, fmt.Sprint("run", i))
						}
					}(r.ctx)
					select {
					case <-ended:
					case <-m.died:
						more = true
					}
					r.stop()
					<-ended
					r = serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
					start()
					for i := range 3 {
						if run, err := r.Wait(r.ctx, fmt.Sprint("run", i)); err != nil || run.Status != store.Succeeded {
							t.Fatalf("run %d: %v, %v", i, run.Status, err)
						}
					}
					if d := cmp.Diff(seconds(0, 0, 5), starts(t, s, begin)); d != "" {
						t.Errorf("the runs began at (-want +got):\n%s", d)
					}
				})
			})
		}
	}
}

// instant defines a workflow of one step that takes no time, so that a drain
// takes none.
func instant() *runtime.Workflow[int, int] {
	return runtime.Define("instant", func(ctx context.Context, i int) (int, error) {
		return runtime.Step(ctx, "work", func(context.Context) (int, error) { return i, nil })
	})
}

// TestPauseOfAQueue: what has begun goes on, nothing else begins, and that
// holds over a restart.
func TestPauseOfAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openStore(t), &gauge{}
		w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 2})
		r := serveOn(t, s, runtime.Config{}, w, q)
		start := time.Now().UTC()
		begun(t, r, w, q, 5)
		if err := r.PauseQueue(r.ctx, "q"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if g.began() != 2 {
			t.Fatalf("%d began, want the 2 from before the pause", g.began())
		}
		r.stop()
		r = serveOn(t, s, runtime.Config{}, w, q)
		time.Sleep(time.Minute)
		if g.began() != 2 {
			t.Fatalf("%d began after a restart, want still 2", g.began())
		}
		want := []runtime.QueueInfo{{Name: "q", Config: runtime.QueueConfig{Concurrency: 2, Paused: true}, Changed: true, Defined: true, Depth: 3, Oldest: start}}
		if got, err := r.Queues(r.ctx); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("queues: %v (-want +got):\n%s", err, cmp.Diff(want, got))
		}
		if err := r.ResumeQueue(r.ctx, "q"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(r.ctx, "run4"); err != nil || g.began() != 5 {
			t.Errorf("%d began after the pause, %v, want all 5", g.began(), err)
		}
		want[0].Config.Paused, want[0].Changed, want[0].Depth, want[0].Oldest = false, false, 0, time.Time{}
		if got, err := r.Queues(r.ctx); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("queues after it: %v (-want +got):\n%s", err, cmp.Diff(want, got))
		}
	})
}

// TestPausedByDefinition: a queue may begin paused, and a resume outlives the
// process.
func TestPausedByDefinition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openStore(t), &gauge{}
		w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{Paused: true})
		r := serveOn(t, s, runtime.Config{}, w, q)
		begun(t, r, w, q, 1)
		if g.began() != 0 {
			t.Fatal("a run of a queue that is defined as paused began")
		}
		if err := r.ResumeQueue(r.ctx, "q"); err != nil {
			t.Fatal(err)
		}
		r.Wait(r.ctx, "run0")
		r.stop()
		r = serveOn(t, s, runtime.Config{}, w, q)
		begun(t, r, w, q, 2)
		if _, err := r.Wait(r.ctx, "run1"); err != nil {
			t.Fatal(err)
		}
		if err := r.ResetQueue(r.ctx, "q"); err != nil {
			t.Fatal(err)
		}
		begun(t, r, w, q, 3)
		time.Sleep(time.Hour)
		if g.began() != 2 {
			t.Errorf("%d began, want none after the queue was reset", g.began())
		}
	})
}

// TestChangeOfBounds: a wider bound is used at once, a narrower one by what
// begins later, and a queue that had none knows when a place is free.
func TestChangeOfBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := openStore(t), &gauge{}
		w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{})
		r := serveOn(t, s, runtime.Config{}, w, q)
		set := func(cfg runtime.QueueConfig) {
			t.Helper()
			if err := r.SetQueue(r.ctx, "q", cfg); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		set(runtime.QueueConfig{Concurrency: 1})
		begun(t, r, w, q, 12)
		if n := g.atWork(); n != 1 {
			t.Fatalf("%d at once, want 1", n)
		}
		time.Sleep(2500 * time.Millisecond) // the third is at work
		set(runtime.QueueConfig{Concurrency: 4})
		if n := g.atWork(); n != 4 {
			t.Errorf("%d at work after the bound was widened, want 4", n)
		}
		set(runtime.QueueConfig{Concurrency: 2})
		time.Sleep(1100 * time.Millisecond) // those at work end within a second
		if n := g.atWork(); n > 2 {
			t.Errorf("%d at work a second after the bound was narrowed, want at most 2", n)
		}
		set(runtime.QueueConfig{Rate: runtime.Rate{Limit: 1, Per: time.Hour}})
		was := time.Now()
		if _, err := r.Wait(r.ctx, "run11"); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(was); d < 3*time.Hour {
			t.Errorf("four runs took %v at one an hour", d)
		}
	})
}

// TestCrashAtAChangeOfAQueue: a pause that was not acknowledged either holds
// or does not; one that was acknowledged holds.
func TestCrashAtAChangeOfAQueue(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		t.Run(fmt.Sprint("persisted=", persisted), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, g := openStore(t), &gauge{}
				w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{})
				m := newMortal(s, -1, persisted)
				r := serveOn(t, m, runtime.Config{Logger: quiet}, w, q)
				synctest.Wait()
				m.mu.Lock()
				m.left = 1
				m.mu.Unlock()
				if err := r.PauseQueue(r.ctx, "q"); err == nil {
					t.Fatal("the pause was acknowledged by a process that died")
				}
				r.stop()
				r = serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
				begun(t, r, w, q, 1)
				if began := g.began() == 1; began == persisted {
					t.Errorf("a run began: %v", began)
				}
			})
		})
	}
}

func TestWhatQueuesRefuse(t *testing.T) {
	q := runtime.NewQueue("q", runtime.QueueConfig{})
	r := serveOn(t, openStore(t), runtime.Config{}, q)
	for _, err := range []error{r.PauseQueue(r.ctx, "z"), r.ResumeQueue(r.ctx, "z"), r.ResetQueue(r.ctx, "z"), r.SetQueue(r.ctx, "", runtime.QueueConfig{})} {
		if !errors.Is(err, runtime.ErrNotFound) || !strings.Contains(fmt.Sprint(err), "registered: q") {
			t.Errorf("a queue that is not defined: %v", err)
		}
	}
	for _, cfg := range []runtime.QueueConfig{
		{Concurrency: -1}, {PerExecutor: -1}, {Rate: runtime.Rate{Limit: 1}}, {Rate: runtime.Rate{Per: time.Second}},
		{Rate: runtime.Rate{Limit: -1, Per: time.Second}}, {Rate: runtime.Rate{Limit: 1, Per: time.Second, Burst: -1}},
	} {
		if err := r.SetQueue(r.ctx, "q", cfg); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", cfg, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: a queue was defined with it", cfg)
				}
			}()
			runtime.NewQueue("bad", cfg)
		}()
	}
}
