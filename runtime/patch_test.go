package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// say is a step that gives its own name.
func say(ctx context.Context, name string) (string, error) {
	return runtime.Step(ctx, name, func(context.Context) (string, error) { return name, nil })
}

// deploy runs a workflow under old code until now and then under new, and
// returns what the runs gave: one that began under the old, one that began
// under the new. The process is restarted every hour from then on, so that what
// was decided must be decided again.
func deploy(t *testing.T, began time.Duration, before, after func(context.Context) (string, error)) (old, young string) {
	t.Helper()
	s := openStore(t)
	r := serveOn(t, s, runtime.Config{Logger: quiet}, once(before))
	if _, err := once(before).Start(r.ctx, struct{}{}, runtime.ID("old")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(began)
	r.stop()
	w := once(after)
	r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
	if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("young")); err != nil {
		t.Fatal(err)
	}
	for range 48 {
		time.Sleep(time.Hour)
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
	}
	result := func(id string) string {
		ctx, cancel := context.WithTimeout(r.ctx, 48*time.Hour)
		defer cancel()
		run, err := r.Wait(ctx, id)
		if err != nil || run.Status != store.Succeeded {
			t.Fatalf("%s run is %s: %+v, %v", id, run.Status, run.Error, err)
		}
		// What was recorded fits the code in a replay, too.
		h, err := r.Export(r.ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := runtime.Replay(r.ctx, h, w); err != nil {
			t.Error(err)
		}
		return strings.Trim(string(run.Output), `"`)
	}
	return result("old"), result("young")
}

// sayAll joins what steps and sleeps of an hour give.
func sayAll(ctx context.Context, names ...string) (string, error) {
	var all []string
	for _, name := range names {
		if name == "zzz" {
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			continue
		}
		got, err := say(ctx, name)
		if err != nil {
			return "", err
		}
		all = append(all, got)
	}
	return strings.Join(all, " "), nil
}

func TestPatched(t *testing.T) {
	type code = func(context.Context) (string, error)
	plain := func(names ...string) code {
		return func(ctx context.Context) (string, error) { return sayAll(ctx, names...) }
	}
	choice := func(id string, yes, no []string, rest ...string) code {
		return func(ctx context.Context) (string, error) {
			names := no
			if runtime.Patched(ctx, id) {
				names = yes
			}
			return sayAll(ctx, append(names, rest...)...)
		}
	}
	for _, c := range []struct {
		name          string
		before, after code
		old, young    string
	}{
		{"the place is behind the old run", plain("a", "zzz", "b"),
			choice("p", []string{"new", "a"}, []string{"a"}, "zzz", "b"), "a b", "new a b"},
		{"a step becomes another", plain("a", "zzz", "b"),
			choice("p", []string{"A"}, []string{"a"}, "zzz", "b"), "a b", "A b"},
		{"the old run sleeps right there", plain("zzz", "b"),
			choice("p", []string{"zzz", "zzz", "new"}, []string{"zzz"}, "b"), "b", "new b"},
		{"the old run has yet to come there", plain("a", "zzz", "b"),
			func(ctx context.Context) (string, error) {
				first, err := sayAll(ctx, "a", "zzz")
				if err != nil {
					return "", err
				}
				rest, err := choice("p", []string{"new"}, nil, "zzz", "b")(ctx)
				return first + " " + rest, err
			}, "a new b", "a new b"},
		{"two patches, one behind and one before", plain("a", "zzz", "b"),
			func(ctx context.Context) (string, error) {
				first, err := choice("p", []string{"A"}, []string{"a"}, "zzz")(ctx)
				if err != nil {
					return "", err
				}
				rest, err := choice("q", []string{"B"}, []string{"b"}, "zzz", "zzz")(ctx)
				return first + " " + rest, err
			}, "a B", "A B"},
		{"a loop stays with its way", func(ctx context.Context) (string, error) {
			return sayAll(ctx, "0", "zzz", "1", "zzz", "2", "zzz")
		}, func(ctx context.Context) (string, error) {
			var all []string
			for i := range 3 {
				name := fmt.Sprint(i)
				if runtime.Patched(ctx, "p") {
					name = fmt.Sprint("new", i)
				}
				got, err := sayAll(ctx, name, "zzz")
				if err != nil {
					return "", err
				}
				all = append(all, got)
			}
			return strings.Join(all, " "), nil
		}, "0 1 2", "new0 new1 new2"},
		{"each branch decides by its own history", func(ctx context.Context) (string, error) {
			got, err := runtime.Map(ctx, []string{"a", "b", "c"}, 1, func(ctx context.Context, name string) (string, error) {
				return sayAll(ctx, name, "zzz", "zzz")
			})
			return strings.Join(got, " "), err
		}, func(ctx context.Context) (string, error) {
			got, err := runtime.Map(ctx, []string{"a", "b", "c"}, 1, func(ctx context.Context, name string) (string, error) {
				if runtime.Patched(ctx, "p") {
					return sayAll(ctx, "new", name, "zzz", "zzz")
				}
				return sayAll(ctx, name, "zzz", "zzz")
			})
			return strings.Join(got, " "), err
		}, "a new b new c", "new a new b new c"},
		{"a branch has the decision of the one in which it begins", func(ctx context.Context) (string, error) {
			first, err := sayAll(ctx, "a", "zzz")
			if err != nil {
				return "", err
			}
			rest, err := runtime.Go(ctx, func(ctx context.Context) (string, error) { return sayAll(ctx, "b", "zzz") }).Wait(ctx)
			return first + " " + rest, err
		}, func(ctx context.Context) (string, error) {
			first, err := choice("p", []string{"A"}, []string{"a"}, "zzz")(ctx)
			if err != nil {
				return "", err
			}
			rest, err := runtime.Go(ctx, choice("p", []string{"B"}, []string{"b"}, "zzz")).Wait(ctx)
			return first + " " + rest, err
		}, "a b", "A B"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old, young := deploy(t, 30*time.Minute, c.before, c.after)
				if old != c.old || young != c.young {
					t.Errorf("the old run gave %q, the young one %q; want %q and %q", old, young, c.old, c.young)
				}
			})
		})
	}
}

// TestPatchedShiftsNoPath: code without the patch, later, fits as well.
func TestPatchedShiftsNoPath(t *testing.T) {
	with := once(func(ctx context.Context) (string, error) {
		if !runtime.Patched(ctx, "p") {
			return "", errors.New("not patched")
		}
		return sayAll(ctx, "a", "b")
	})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, with)
	if _, err := with.Call(r.ctx, struct{}{}, runtime.ID("one")); err != nil {
		t.Fatal(err)
	}
	h, err := r.Export(r.ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range h.Steps {
		got = append(got, fmt.Sprint(s.Kind, " ", s.Path, " ", s.Name))
	}
	if d := cmp.Diff([]string{"patch patch:p p", "step 0 a", "step 1 b"}, got); d != "" {
		t.Errorf("history (-want +got):\n%s", d)
	}
	without := once(func(ctx context.Context) (string, error) { return sayAll(ctx, "a", "b") })
	if err := runtime.Replay(r.ctx, h, without); err != nil {
		t.Error(err)
	}
	// The first row is what tells the new way: a history without it is old.
	h.Steps = h.Steps[1:]
	old := once(func(ctx context.Context) (string, error) {
		if runtime.Patched(ctx, "p") {
			return "", errors.New("patched")
		}
		return sayAll(ctx, "a", "b")
	})
	if err := runtime.Replay(r.ctx, h, old); err != nil {
		t.Error(err)
	}
}

// TestPatchedAgainstCrashes kills the process at each write: the way is the
// same after it.
func TestPatchedAgainstCrashes(t *testing.T) {
	var mu sync.Mutex
	ways := map[string]bool{}
	w := once(func(ctx context.Context) (string, error) {
		var all []string
		for _, id := range []string{"p", "q", "p"} {
			on := runtime.Patched(ctx, id)
			mu.Lock()
			ways[fmt.Sprint(id, on)] = true
			mu.Unlock()
			got, err := sayAll(ctx, fmt.Sprint(id, on), "zzz")
			if err != nil {
				return "", err
			}
			all = append(all, got)
		}
		return strings.Join(all, " "), nil
	})
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashOnce(t, w, at, persisted, `"ptrue qtrue ptrue"`) })
			})
		}
	}
	if d := cmp.Diff(map[string]bool{"ptrue": true, "qtrue": true}, ways); d != "" {
		t.Errorf("ways (-want +got):\n%s", d)
	}
}

// crashOnce kills the process at a write of the run and has another end it. It
// reports whether the crash came before the run had ended.
func crashOnce[In, Out any](t *testing.T, w *runtime.Workflow[In, Out], at int, persisted bool, want string, more ...runtime.Definition) (crashed bool) {
	s := openStore(t)
	defs := append(more, w)
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, defs...)
	ended := make(chan struct{})
	var in In
	if _, err := w.Start(r.ctx, in, runtime.ID("one")); err == nil {
		dying := r
		go func() { defer close(ended); dying.Wait(dying.ctx, "one") }()
	}
	select {
	case <-ended:
	case <-m.died:
		crashed = true
	}
	r.stop()
	r = serveOn(t, s, runtime.Config{Logger: quiet}, defs...)
	if _, err := w.Start(r.ctx, in, runtime.ID("one")); err != nil {
		t.Fatal(err)
	}
	run, err := r.Wait(r.ctx, "one")
	if err != nil || string(run.Output) != want {
		t.Fatalf("got %s %s %+v, %v; want %s", run.Status, run.Output, run.Error, err, want)
	}
	return crashed
}

func TestPatchedOutsideARun(t *testing.T) {
	if !runtime.Patched(context.Background(), "p") {
		t.Error("false outside a run")
	}
	w := once(func(ctx context.Context) (bool, error) {
		return runtime.Step(ctx, "s", func(ctx context.Context) (bool, error) { return runtime.Patched(ctx, "p"), nil })
	})
	if on, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err != nil || !on {
		t.Errorf("inside a step: %t, %v", on, err)
	}
	for _, id := range []string{"", "a b", ".x", "a/b"} {
		func() {
			defer func() {
				if p := recover(); !strings.Contains(fmt.Sprint(p), "patch name") {
					t.Errorf("patch %q: %v", id, p)
				}
			}()
			runtime.Patched(context.Background(), id)
		}()
	}
}

func TestPatchedOnABusyBranchParksTheRun(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(context.Context) (int, error) {
			done := make(chan struct{})
			go func() { defer close(done); runtime.Patched(ctx, "p") }()
			<-done
			return 1, nil
		})
	})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
	h, err := w.Start(r.ctx, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.Wait(r.ctx, h.ID())
	if err != nil || run.Status != store.Stuck || !strings.Contains(run.Error.Message, "another goroutine is using this branch") {
		t.Errorf("run is %s: %+v, %v", run.Status, run.Error, err)
	}
}
