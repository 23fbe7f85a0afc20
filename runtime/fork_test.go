package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// brittle is a workflow that fails at "c" until mended, and what its steps did.
func brittle(eff *effects, mended *atomic.Bool) *runtime.Workflow[string, string] {
	return runtime.Define("brittle", func(ctx context.Context, in string) (string, error) {
		for _, name := range []string{"a", "b", "c", "d"} {
			got, err := runtime.Step(ctx, name, func(context.Context) (string, error) {
				eff.on(name)
				if name == "c" && !mended.Load() {
					return "", errors.New("broken")
				}
				return name, nil
			})
			if err != nil {
				return "", err
			}
			in += got
		}
		return in, nil
	})
}

func TestForkAtTheFailedStep(t *testing.T) {
	eff, mended := &effects{}, &atomic.Bool{}
	w := brittle(eff, mended)
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
	<-r.Recovered()
	if _, err := w.Call(r.ctx, "x", runtime.ID("one"), runtime.Labels(map[string]string{"k": "v"}), runtime.Priority(3)); err == nil {
		t.Fatal("it did not fail")
	}
	before, err := r.Steps(r.ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	mended.Store(true)
	run, err := runtime.Fork(r.ctx, "one", "")
	if err != nil || run.ForkedFrom != "one" || run.ID == "one" || run.Labels["k"] != "v" || run.Priority != 3 || string(run.Input) != `"x"` {
		t.Fatalf("forked %+v, %v", run, err)
	}
	h, err := w.Handle(r.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Result(r.ctx); err != nil || got != "xabcd" {
		t.Fatalf("got %q, %v", got, err)
	}
	if d := cmp.Diff(map[string]int{"a": 1, "b": 1, "c": 2, "d": 1}, eff.all()); d != "" {
		t.Errorf("effects (-want +got):\n%s", d)
	}
	steps, err := r.Steps(r.ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, s := range steps {
		seen = append(seen, fmt.Sprint(s.Name, s.Copied()))
	}
	if d := cmp.Diff([]string{"atrue", "btrue", "cfalse", "dfalse"}, seen); d != "" {
		t.Errorf("steps of the fork (-want +got):\n%s", d)
	}
	after, err := r.Steps(r.ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the run that was forked changed:\n%s", d)
	}
}

// TestForkAgainstCrashes kills the process at each write of a fork and of the
// run it makes: the same fork again gives the same run, and what was copied does
// not run.
func TestForkAgainstCrashes(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashFork(t, at, persisted) })
			})
		}
	}
}

func crashFork(t *testing.T, at int, persisted bool) (crashed bool) {
	s, eff, mended := openStore(t), &effects{}, &atomic.Bool{}
	w := brittle(eff, mended)
	r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
	w.Call(r.ctx, "x", runtime.ID("one"))
	r.stop()
	mended.Store(true)

	m := newMortal(s, at, persisted)
	r = serveOn(t, m, runtime.Config{Logger: quiet}, w)
	ended := make(chan struct{})
	if run, err := r.Fork(r.ctx, "one", "2", runtime.ID("two")); err == nil {
		dying := r // r is the next one soon
		go func() { defer close(ended); dying.Wait(dying.ctx, run.ID) }()
	}
	select {
	case <-ended:
	case <-m.died:
		crashed = true
	}
	r.stop()

	r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
	if _, err := r.Fork(r.ctx, "one", "2", runtime.ID("two")); err != nil {
		t.Fatal(err)
	}
	run, err := r.Wait(r.ctx, "two")
	if err != nil || string(run.Output) != `"xabcd"` {
		t.Fatalf("got %s %s, %v", run.Status, run.Output, err)
	}
	got := eff.all()
	if got["a"] != 1 || got["b"] != 1 || got["c"]+got["d"] > 4 {
		t.Errorf("effects %v", got)
	}
	return crashed
}

func TestForkInsideBranches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eff := &effects{}
		w := once(func(ctx context.Context) (string, error) {
			got, err := runtime.Map(ctx, []int{0, 1, 2}, 0, func(ctx context.Context, i int) (int, error) {
				if err := runtime.Sleep(ctx, time.Duration(i)*time.Hour); err != nil {
					return 0, err
				}
				return runtime.Step(ctx, fmt.Sprint("item ", i), func(context.Context) (int, error) { return eff.on(fmt.Sprint(i)), nil })
			})
			return fmt.Sprint(got), err
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != "[1 1 1]" {
			t.Fatalf("got %s, %v", got, err)
		}
		// Item 0 was recorded before, item 2 after.
		run, err := r.Fork(r.ctx, "one", "0.1.1")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if run, err = r.Wait(r.ctx, run.ID); err != nil || string(run.Output) != `"[1 2 2]"` {
			t.Fatalf("got %s, %v", run.Output, err)
		}
		if d := time.Since(begin); d > time.Minute {
			t.Errorf("took %v: a copied sleep ends when it would have", d)
		}
	})
}

func TestForkAtAFailedChild(t *testing.T) {
	var mended atomic.Bool
	child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) {
		if !mended.Load() {
			return 0, errors.New("broken")
		}
		return 7, nil
	})
	good := runtime.Define("good", func(ctx context.Context, _ struct{}) (int, error) { return 1, nil })
	parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) {
		a, err := good.Call(ctx, struct{}{})
		if err != nil {
			return 0, err
		}
		b, err := child.Call(ctx, struct{}{})
		return a + b, err
	})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, child, good, parent)
	<-r.Recovered()
	if _, err := parent.Call(r.ctx, struct{}{}, runtime.ID("one")); err == nil {
		t.Fatal("it did not fail")
	}
	mended.Store(true)
	run, err := r.Fork(r.ctx, "one", "", runtime.ID("two"))
	if err != nil {
		t.Fatal(err)
	}
	if run, err = r.Wait(r.ctx, run.ID); err != nil || string(run.Output) != "8" {
		t.Fatalf("got %s %s, %v", run.Status, run.Output, err)
	}
	runs, err := r.List(r.ctx, runtime.Filter{ParentID: "two"})
	if err != nil || len(runs) != 1 || runs[0].Workflow != "child" {
		t.Errorf("children of the fork: %d, %v; want one, the other's result was copied", len(runs), err)
	}
}

func TestForkOfARunThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			if err := runtime.Sleep(ctx, 10*time.Hour); err != nil {
				return 0, err
			}
			return runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil })
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := r.Fork(r.ctx, "one", ""); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), "is waiting: name the step") {
			t.Errorf("a run that did not fail, without a step: %v", err)
		}
		// It goes on beside its fork, which sleeps anew from the start.
		run, err := r.Fork(r.ctx, "one", "0")
		if err != nil {
			t.Fatal(err)
		}
		h.Cancel(r.ctx)
		r.Wait(r.ctx, "one")
		end, err := r.Fork(r.ctx, "one", "")
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for _, c := range []struct {
			id   string
			want time.Duration
		}{{end.ID, 9 * time.Hour}, {run.ID, 10 * time.Hour}} {
			if got, err := r.Wait(r.ctx, c.id); err != nil || got.Status != store.Succeeded {
				t.Fatalf("%s, %v", got.Status, err)
			}
			if d := time.Since(begin).Round(time.Minute); d != c.want {
				t.Errorf("ended after %v, want %v", d, c.want)
			}
		}
	})
}

func TestForkRefuses(t *testing.T) {
	eff, mended := &effects{}, &atomic.Bool{}
	w := brittle(eff, mended)
	other := runtime.Define("other", func(context.Context, string) (string, error) { return "", nil })
	s := openStore(t)
	r := serveOn(t, s, runtime.Config{Logger: quiet}, w, other)
	<-r.Recovered()
	w.Call(r.ctx, "x", runtime.ID("one"))
	w.Call(r.ctx, "x", runtime.ID("two"))
	other.Call(r.ctx, "x", runtime.ID("fine"))
	if _, err := r.Fork(r.ctx, "one", "", runtime.ID("again")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, step string
		opts     []runtime.StartOption
		err      error
		text     string
	}{
		{"nope", "", nil, runtime.ErrNotFound, `run "nope"`},
		{"not allowed", "", nil, runtime.ErrInvalid, "run id"},
		{"one", "9", nil, runtime.ErrNotFound, `step 9 of run "one"`},
		{"one", "charge", nil, runtime.ErrInvalid, "such as 4 or 4.0.2"},
		{"one", "1.", nil, runtime.ErrInvalid, "such as 4 or 4.0.2"},
		{"fine", "", nil, runtime.ErrInvalid, "is succeeded: name the step"},
		{"one", "", []runtime.StartOption{runtime.ID("two")}, runtime.ErrExists, "two is not a fork of one"},
		{"two", "", []runtime.StartOption{runtime.ID("again")}, runtime.ErrExists, "again is not a fork of two"},
		{"one", "", []runtime.StartOption{runtime.OnQueueNamed("nope")}, runtime.ErrNotFound, `queue "nope"`},
		{"one", "", []runtime.StartOption{runtime.Delay(-1)}, runtime.ErrInvalid, "delay"},
	} {
		if _, err := r.Fork(r.ctx, c.id, c.step, c.opts...); !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("fork %s at %q: %v, want %v with %q", c.id, c.step, err, c.err, c.text)
		}
	}
	if _, err := runtime.Fork(context.Background(), "one", ""); !errors.Is(err, runtime.ErrNoRuntime) {
		t.Errorf("without a runtime: %v", err)
	}
	r.Wait(r.ctx, "again")
	r.stop()
	if _, err := r.Fork(r.ctx, "one", ""); !errors.Is(err, runtime.ErrDraining) {
		t.Errorf("after the end: %v", err)
	}
	// A workflow that is gone.
	r = serveOn(t, s, runtime.Config{Logger: quiet}, other)
	if _, err := r.Fork(r.ctx, "one", ""); !errors.Is(err, runtime.ErrNotFound) || !strings.Contains(err.Error(), `workflow "brittle"`) {
		t.Errorf("without the workflow: %v", err)
	}
}

// TestForkOfACompensatedRun: what the steps before the one that failed did is
// undone, so which are to be done again is not to be guessed.
func TestForkOfACompensatedRun(t *testing.T) {
	for name, undo := range map[string]error{"compensated": nil, "not quite": errors.New("cannot undo")} {
		for how, cancel := range map[string]bool{"failed": false, "cancelled": true} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { forkCompensated(t, undo, cancel) })
			})
		}
	}
}

func forkCompensated(t *testing.T, undo error, cancel bool) {
	var mended atomic.Bool
	eff := &effects{}
	w := once(func(ctx context.Context) (int, error) {
		err := runtime.Compensate(ctx, "undo", func(context.Context) error { return undo }, runtime.Retry{Max: 1})
		if err != nil {
			return 0, err
		}
		for _, name := range []string{"a", "b", "c"} {
			_, err := runtime.Step(ctx, name, func(context.Context) (int, error) {
				if eff.on(name); name == "c" && !mended.Load() {
					return 0, errors.New("broken")
				}
				return 1, nil
			}, runtime.Retry{Max: 2, Initial: time.Hour})
			if err != nil {
				return 0, err
			}
		}
		return 7, nil
	})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
	h, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	if cancel {
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Result(r.ctx); err == nil {
		t.Fatal("it has not failed")
	}
	mended.Store(true)
	before := eff.all()
	if _, err := r.Fork(r.ctx, "one", ""); !errors.Is(err, runtime.ErrConflict) || !strings.Contains(err.Error(), "was compensated") || !strings.Contains(err.Error(), "the first is 0") {
		t.Fatalf("without a step: %v", err)
	}
	for step, again := range map[string]int{"0": 1, "1": 0} {
		run, err := r.Fork(r.ctx, "one", step)
		if err != nil {
			t.Fatal(err)
		}
		was := eff.all()
		if run, err = r.Wait(r.ctx, run.ID); err != nil || string(run.Output) != "7" {
			t.Fatalf("got %s %s %+v, %v", run.Status, run.Output, run.Error, err)
		}
		is := eff.all()
		if is["a"]-was["a"] != again || is["b"] == was["b"] || is["c"] == before["c"] {
			t.Errorf("from step %s: effects %v, then %v", step, was, is)
		}
	}
}

// TestForkIsNotDebounced: a refused fork changes no other run, and no start
// changes the input of a fork.
func TestForkIsNotDebounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := runtime.Define("w", func(ctx context.Context, n int) (int, error) {
			return runtime.Step(ctx, "n", func(context.Context) (int, error) { return n, nil })
		})
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Call(r.ctx, 7, runtime.ID("seven")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Start(r.ctx, 1, runtime.ID("waits"), runtime.Debounce("k", time.Minute, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Fork(r.ctx, "seven", "0", runtime.Debounce("k", time.Minute, 0)); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("a debounced fork: %v", err)
		}
		if run, err := r.Get(r.ctx, "waits"); err != nil || string(run.Input) != "1" {
			t.Errorf("the run that waits has the input %s, %v; want its own", run.Input, err)
		}
		if _, err := r.Fork(r.ctx, "seven", "0", runtime.Dedup("k"), runtime.Message("topic", "hi")); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("a fork with a key and a message: %v", err)
		}
	})
}
