package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// gauge measures how many were at work at once, and in which order they began.
type gauge struct {
	mu        sync.Mutex
	now, most int
	order     []int
}

func (g *gauge) work(i int) {
	g.mu.Lock()
	g.now++
	g.most = max(g.most, g.now)
	g.order = append(g.order, i)
	g.mu.Unlock()
	time.Sleep(time.Second)
	g.mu.Lock()
	g.now--
	g.mu.Unlock()
}

// measured defines a workflow of one step that the gauge watches.
func measured(g *gauge) *runtime.Workflow[int, int] {
	return runtime.Define("measured", func(ctx context.Context, i int) (int, error) {
		return runtime.Step(ctx, "work", func(context.Context) (int, error) { g.work(i); return i, nil })
	})
}

func TestQueueBounds(t *testing.T) {
	for name, cfg := range map[string]runtime.QueueConfig{
		"on all executors": {Concurrency: 3},
		"per executor":     {PerExecutor: 3},
		"the lower of two": {Concurrency: 3, PerExecutor: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gauge{}
				w, q := measured(g), runtime.NewQueue("q", cfg)
				r := serveOn(t, openStore(t), runtime.Config{}, w, q)
				begin := time.Now()
				startAndWait(t, r, w, 12, func(int) []runtime.StartOption { return []runtime.StartOption{runtime.OnQueue(q)} })
				if g.most != 3 {
					t.Errorf("%d at once, want 3", g.most)
				}
				if d := time.Since(begin).Round(time.Second); d != 4*time.Second {
					t.Errorf("took %v, want 4s: a free place must be taken at once", d)
				}
			})
		})
	}
}

func startAndWait(t *testing.T, r *served, w *runtime.Workflow[int, int], n int, opts func(int) []runtime.StartOption) {
	t.Helper()
	var hs []*runtime.Handle[int]
	for i := range n {
		h, err := w.Start(r.ctx, i, opts(i)...)
		if err != nil {
			t.Fatal(err)
		}
		hs = append(hs, h)
		synctest.Wait() // so that they begin in order where there is room
	}
	for i, h := range hs {
		if got, err := h.Result(r.ctx); err != nil || got != i {
			t.Fatalf("run %d: %d, %v", i, got, err)
		}
	}
}

func TestPriorityAndDelayInAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1})
		r := serveOn(t, openStore(t), runtime.Config{}, w, q)
		startAndWait(t, r, w, 5, func(i int) []runtime.StartOption {
			o := []runtime.StartOption{runtime.OnQueue(q), runtime.Priority([]int{0, 1, 5, 1, 9}[i])}
			if i == 4 {
				o = append(o, runtime.Delay(1500*time.Millisecond))
			}
			return o
		})
		// 0 is alone at first; 4 comes at 1.5 s and overtakes 1 and 3.
		if want := []int{0, 2, 4, 1, 3}; !slices.Equal(g.order, want) {
			t.Errorf("order %v, want %v", g.order, want)
		}
	})
}

func TestAWaitingRunKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		q := runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1})
		w := runtime.Define("w", func(ctx context.Context, name string) (int, error) {
			runtime.Step(ctx, "a", func(context.Context) (int, error) { order = append(order, name+" begins"); return 0, nil })
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return 0, err
			}
			return runtime.Step(ctx, "b", func(context.Context) (int, error) { order = append(order, name+" ends"); return 0, nil })
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w, q)
		a, err := w.Start(r.ctx, "a", runtime.OnQueue(q))
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.Start(r.ctx, "b", runtime.OnQueue(q))
		if err != nil {
			t.Fatal(err)
		}
		a.Result(r.ctx)
		b.Result(r.ctx)
		if got, want := strings.Join(order, ", "), "a begins, a ends, b begins, b ends"; got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{}
		w := measured(g)
		r := serveOn(t, openStore(t), runtime.Config{MaxLoaded: 4}, w)
		startAndWait(t, r, w, 20, func(int) []runtime.StartOption { return nil })
		if g.most > 4 {
			t.Errorf("%d runs at once, want at most 4", g.most)
		}
		if g.most < 4 {
			t.Errorf("%d runs at once, want 4", g.most)
		}
	})
}

func TestStartingTwiceIsStartingOnce(t *testing.T) {
	n := 0
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(context.Context) (int, error) { n++; return n, nil })
	})
	other := runtime.Define("other", func(ctx context.Context, _ int) (int, error) { return 0, nil })
	ctx := serve(t, runtime.Config{}, w, other)
	for range 3 {
		if got, err := w.Call(ctx, struct{}{}, runtime.ID("same")); err != nil || got != 1 {
			t.Fatalf("got %d, %v", got, err)
		}
	}
	if _, err := other.Start(ctx, 1, runtime.ID("same")); !errors.Is(err, runtime.ErrExists) {
		t.Errorf("another workflow's start under the id: %v", err)
	}
}

func TestWhatStartRefuses(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) { return 0, nil })
	ctx := serve(t, runtime.Config{}, w)
	for want, opt := range map[string]runtime.StartOption{
		"run id":     runtime.ID("no/slash"),
		"delay -1s":  runtime.Delay(-time.Second),
		"at most 32": runtime.Labels(manyLabels(33)),
		"label \"\"": runtime.Labels(map[string]string{"": "x"}),
		"300 bytes":  runtime.Labels(map[string]string{"k": strings.Repeat("v", 300)}),
		"priority":   runtime.Priority(1 << 40),
	} {
		if _, err := w.Start(ctx, struct{}{}, opt); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one that says %q", err, want)
		}
	}
	if _, err := w.Start(ctx, struct{}{}, runtime.OnQueueNamed("nowhere")); !errors.Is(err, runtime.ErrNotFound) {
		t.Errorf("unknown queue: %v", err)
	}
}

func manyLabels(n int) map[string]string {
	l := map[string]string{}
	for i := range n {
		l[fmt.Sprint("k", i)] = "v"
	}
	return l
}

// TestDrain stops a runtime with runs in every state; nothing is lost, and a
// step under way that heeds no context but ends in time is kept.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, eff := openStore(t), &effects{}
		w := runtime.Define("w", func(ctx context.Context, d time.Duration) (int, error) {
			if d < 0 {
				return 1, runtime.Sleep(ctx, -d)
			}
			_, err := runtime.Step(ctx, "step", func(ctx context.Context) (int, error) {
				eff.on(d.String())
				select {
				case <-time.After(d):
					return 0, nil
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			})
			return 1, err
		})
		r := serveOn(t, s, runtime.Config{Drain: 10 * time.Second, Logger: quiet}, w)
		var ids []string
		for _, d := range []time.Duration{5 * time.Second, time.Minute, -time.Minute, -time.Millisecond * 500} {
			h, err := w.Start(r.ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, h.ID())
		}
		time.Sleep(100 * time.Millisecond)
		begin := time.Now()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begin).Round(time.Second); d != 10*time.Second {
			t.Errorf("drained for %v, want 10s", d)
		}
		if _, err := w.Start(r.ctx, time.Second); !errors.Is(err, runtime.ErrDraining) {
			t.Errorf("start after the drain: %v", err)
		}
		for i, id := range ids {
			run, err := s.Get(t.Context(), id)
			if err != nil || run.Status == store.Running || run.Attempt != 1 {
				t.Errorf("run %d is %s at attempt %d, %v; want it given back", i, run.Status, run.Attempt, err)
			}
		}
		r = serveOn(t, s, runtime.Config{}, w)
		for i, id := range ids {
			if run, err := r.Wait(r.ctx, id); err != nil || run.Status != store.Succeeded {
				t.Errorf("run %d: %s %+v, %v", i, run.Status, run.Error, err)
			}
		}
		if got := eff.all(); got["5s"] != 1 || got["1m0s"] != 2 {
			t.Errorf("effects %v; want the step that ended in time once, the one cut short twice", got)
		}
	})
}
