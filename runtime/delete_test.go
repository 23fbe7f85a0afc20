package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// many is a workflow of n steps, as many at once as the store commits together.
func many(n int) *runtime.Workflow[struct{}, int] {
	return once(func(ctx context.Context) (int, error) {
		_, err := runtime.Map(ctx, make([]struct{}, n), 500, func(ctx context.Context, _ struct{}) (int, error) {
			return runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil })
		})
		return n, err
	})
}

func TestDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := many(300)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Call(r.ctx, struct{}{}, runtime.ID("a")); err != nil {
			t.Fatal(err)
		}
		run, err := r.Get(r.ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := runtime.Delete(r.ctx, "a"); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"delete again": runtime.Delete(r.ctx, "a"),
			"wait":         func() error { _, err := r.Wait(r.ctx, "a"); return err }(),
			"steps":        func() error { _, err := r.Steps(r.ctx, "a"); return err }(),
		} {
			if !errors.Is(err, runtime.ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
		time.Sleep(time.Minute)
		if steps, err := s.Load(r.ctx, run.Seq); len(steps) > 0 || err != nil {
			t.Errorf("%d rows are left, %v", len(steps), err)
		}
		if n, err := w.Call(r.ctx, struct{}{}, runtime.ID("a")); n != 300 || err != nil {
			t.Errorf("a run with the same id: %d, %v", n, err)
		}
		if err := runtime.Delete(r.ctx, "no id"); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("bad id: %v", err)
		}
		if err := runtime.Delete(context.Background(), "a"); !errors.Is(err, runtime.ErrNoRuntime) {
			t.Errorf("without a runtime: %v", err)
		}
	})
}

// TestDeleteOfAChild: what a parent was told stays true when the child is gone
// and the parent is resumed; while it lives the child cannot go.
func TestDeleteOfAChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := runtime.Define("child", func(context.Context, struct{}) (int, error) { return 7, nil })
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) {
			got, err := child.Call(ctx, struct{}{}, runtime.ID("child"))
			if err != nil {
				return 0, err
			}
			return got, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, parent, child)
		h, err := parent.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := runtime.Delete(r.ctx, "child"); !errors.Is(err, runtime.ErrConflict) {
			t.Fatalf("delete the child of a run that lives: %v", err)
		}
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Fatal(err)
		}
		if err := runtime.Delete(r.ctx, "child"); err != nil {
			t.Fatal(err)
		}
		if err := runtime.Resume(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if h, err = parent.Handle(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); got != 7 || err != nil {
			t.Fatalf("got %d, %v; want what was recorded", got, err)
		}
	})
}

// TestChildrenOfADeletedRun: a run that takes over the id of a deleted one has
// children of its own, over any crash, though those of the other are still
// there under the ids that it would give.
func TestChildrenOfADeletedRun(t *testing.T) {
	for name, other := range map[string]bool{"same workflow": false, "another workflow": true} {
		t.Run(name, func(t *testing.T) {
			child := runtime.Define("child", func(_ context.Context, n int) (int, error) { return n, nil })
			before := child
			if other {
				before = runtime.Define("older", func(_ context.Context, n int) (int, error) { return n, nil })
			}
			parentOf := func(c *runtime.Workflow[int, int]) *runtime.Workflow[int, int] {
				return runtime.Define("parent", func(ctx context.Context, n int) (int, error) { return c.Call(ctx, n) })
			}
			eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
				s := openStore(t)
				old := parentOf(before)
				r := serveOn(t, s, runtime.Config{Logger: quiet}, old, before)
				if got, err := old.Call(r.ctx, 1, runtime.ID("one")); got != 1 || err != nil {
					t.Fatal(got, err)
				}
				if err := r.Delete(r.ctx, "one"); err != nil {
					t.Fatal(err)
				}
				r.stop()
				crashThenEnd(t, s, kill, parentOf(child), 2, 2, child)
				runs, err := s.List(context.Background(), store.Filter{ParentID: "one"})
				if err != nil || len(runs) != 2 || string(runs[0].Output) != "2" || string(runs[1].Output) != "1" {
					t.Errorf("children: %+v, %v; want one of each parent", runs, err)
				}
			})
		})
	}
}

// TestMessagesOfADeletedRun: what a run sends that took over the id of a
// deleted one is not taken for what that one had sent.
func TestMessagesOfADeletedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hub := once(func(ctx context.Context) (int, error) {
			sum := 0
			for range 2 {
				n, err := runtime.Receive[int](ctx, "n", time.Hour)
				if err != nil {
					return 0, err
				}
				sum += n
			}
			return sum, nil
		})
		sender := runtime.Define("sender", func(ctx context.Context, n int) (int, error) {
			return n, runtime.Send(ctx, "hub", "n", n)
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, hub, sender)
		h, err := hub.Start(r.ctx, struct{}{}, runtime.ID("hub"))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 20} {
			if _, err := sender.Call(r.ctx, n, runtime.ID("one")); err != nil {
				t.Fatal(err)
			}
			if err := r.Delete(r.ctx, "one"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := h.Result(r.ctx); got != 21 || err != nil {
			t.Errorf("got %d, %v; want both", got, err)
		}
	})
}

// TestDeleteOverACrash kills the process at each write of a deletion: the run
// is there whole or not at all, and the next process frees the rest.
func TestDeleteOverACrash(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = deleteAt(t, at, persisted) })
			})
		}
	}
}

func deleteAt(t *testing.T, at int, persisted bool) (crashed bool) {
	const n = 1500 // more than one sweep
	s, w := openStore(t), many(n)
	r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
	if _, err := w.Call(r.ctx, struct{}{}, runtime.ID("a")); err != nil {
		t.Fatal(err)
	}
	run, err := r.Get(r.ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	r.stop()

	m := newMortal(s, -1, persisted)
	r = serveOn(t, m, runtime.Config{Logger: quiet}, w)
	time.Sleep(time.Second)
	m.dieAt(at)
	deleted := r.Delete(r.ctx, "a") == nil
	time.Sleep(time.Minute)
	select {
	case <-m.died:
		crashed = true
	default:
	}
	r.stop()

	r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
	time.Sleep(time.Minute)
	steps, err := s.Load(r.ctx, run.Seq)
	if err != nil {
		t.Fatal(err)
	}
	switch _, err := r.Get(r.ctx, "a"); {
	case err == nil:
		if deleted || len(steps) != n {
			t.Errorf("the run is there: acknowledged %t, %d rows", deleted, len(steps))
		}
	case errors.Is(err, runtime.ErrNotFound):
		if len(steps) > 0 {
			t.Errorf("the run is gone, %d rows are left", len(steps))
		}
	default:
		t.Error(err)
	}
	stats, err := r.Stats(r.ctx)
	if err != nil || stats.Runs[store.Succeeded] != int64(min(len(steps), 1)) {
		t.Errorf("%d succeeded, %d rows, %v", stats.Runs[store.Succeeded], len(steps), err)
	}
	return crashed
}
