package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// versioned is a workflow that sleeps and then says which code ended it.
func versioned(code string, opts ...runtime.DefineOption) *runtime.Workflow[struct{}, string] {
	return runtime.Define("versioned", func(ctx context.Context, _ struct{}) (string, error) {
		if _, err := say(ctx, "first"); err != nil {
			return "", err
		}
		return code, runtime.Sleep(ctx, time.Hour)
	}, opts...)
}

// process runs the code of a version for a while.
func process(t *testing.T, s store.Store, version string, d time.Duration, fn func(*served, *runtime.Workflow[struct{}, string]), opts ...runtime.DefineOption) {
	t.Helper()
	w := versioned(version, opts...)
	r := serveOn(t, s, runtime.Config{Logger: quiet, Version: version, Executor: "e"}, w)
	if fn != nil {
		<-r.Recovered()
		fn(r, w)
	}
	time.Sleep(d)
	r.stop()
}

func TestPinnedRunsWaitForTheirVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		start := func(id string, opts ...runtime.StartOption) func(*served, *runtime.Workflow[struct{}, string]) {
			return func(r *served, w *runtime.Workflow[struct{}, string]) {
				if _, err := w.Start(r.ctx, struct{}{}, append(opts, runtime.ID(id))...); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func(id string, status store.Status, aside bool, output string) {
			t.Helper()
			run, err := s.Get(t.Context(), id)
			if err != nil || run.Status != status || run.Aside != aside || strings.Trim(string(run.Output), `"`) != output {
				t.Errorf("run %s is %s (aside: %t) with output %s, %v; want %s (%t) with %q", id, run.Status, run.Aside, run.Output, err, status, aside, output)
			}
		}
		process(t, s, "v1", time.Minute, func(r *served, w *runtime.Workflow[struct{}, string]) {
			start("old")(r, w)
			start("delayed", runtime.Delay(2*time.Hour))(r, w)
			start("dead", runtime.Deadline(time.Now().Add(4*time.Hour)))(r, w)
			start("stopped")(r, w)
		}, runtime.Pinned())
		process(t, s, "v2", 6*time.Hour, func(r *served, w *runtime.Workflow[struct{}, string]) {
			start("young")(r, w)
			time.Sleep(3 * time.Hour)
			check("dead", store.Waiting, true, "")
			if stats, err := r.Stats(r.ctx); err != nil || cmp.Diff(map[string]int64{"v1": 4}, stats.Aside) != "" {
				t.Errorf("set aside: %v, %v", stats.Aside, err)
			}
			if n := r.Health().Loaded; n != 0 {
				t.Errorf("%d runs in memory", n)
			}
			if _, err := r.Cancel(r.ctx, "stopped"); !errors.Is(err, runtime.ErrConflict) || !strings.Contains(err.Error(), "pinned to version v1, which is not this one") {
				t.Errorf("cancelled where its code is not: %v", err)
			}
			if _, err := r.Cancel(r.ctx, "stopped", runtime.WithoutCompensations()); err != nil {
				t.Error(err)
			}
		}, runtime.Pinned())
		check("old", store.Waiting, true, "")
		check("delayed", store.Waiting, true, "")
		check("dead", store.Failed, false, "")
		check("stopped", store.Cancelled, false, "")
		check("young", store.Succeeded, false, "v2")
		process(t, s, "v1", 2*time.Hour, nil, runtime.Pinned())
		check("old", store.Succeeded, false, "v1")
		check("delayed", store.Succeeded, false, "v1")
	})
}

// TestUnpinnedRunsGoOnUnderAnyVersion, whatever the present code says of
// pinning: what counts is how a run was started.
func TestUnpinnedRunsGoOnUnderAnyVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		process(t, s, "v1", time.Minute, func(r *served, w *runtime.Workflow[struct{}, string]) { w.Start(r.ctx, struct{}{}, runtime.ID("one")) })
		process(t, s, "v2", 2*time.Hour, nil, runtime.Pinned())
		if run, err := s.Get(t.Context(), "one"); err != nil || string(run.Output) != `"v2"` || run.Version != "v1" {
			t.Errorf("%+v, %v", run, err)
		}
	})
}

func TestSetVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		process(t, s, "v1", time.Minute, func(r *served, w *runtime.Workflow[struct{}, string]) {
			w.Start(r.ctx, struct{}{}, runtime.ID("one"))
		}, runtime.Pinned())
		process(t, s, "v2", time.Hour, func(r *served, w *runtime.Workflow[struct{}, string]) {
			time.Sleep(2 * time.Hour)
			if run, err := r.Get(r.ctx, "one"); err != nil || !run.Aside {
				t.Fatalf("%+v, %v", run, err)
			}
			for _, c := range []struct {
				id, version string
				err         error
			}{{"nope", "v2", runtime.ErrNotFound}, {"one", "", runtime.ErrInvalid}, {"one", strings.Repeat("v", 201), runtime.ErrInvalid}, {"-", "v2", runtime.ErrInvalid}} {
				if _, err := runtime.SetVersion(r.ctx, c.id, c.version); !errors.Is(err, c.err) {
					t.Errorf("set version %q of %s: %v, want %v", c.version, c.id, err, c.err)
				}
			}
			if run, err := runtime.SetVersion(r.ctx, "one", "v2"); err != nil || run.Aside || run.Version != "v2" {
				t.Errorf("%+v, %v", run, err)
			}
			if run, err := r.Wait(r.ctx, "one"); err != nil || string(run.Output) != `"v2"` {
				t.Errorf("%+v, %v", run, err)
			}
			if _, err := r.SetVersion(r.ctx, "one", "v3"); !errors.Is(err, runtime.ErrConflict) {
				t.Errorf("an ended run: %v", err)
			}
			if runs, err := r.List(r.ctx, runtime.Filter{Version: "v2"}); err != nil || len(runs) != 1 {
				t.Errorf("%d runs of v2, %v", len(runs), err)
			}
		}, runtime.Pinned())
	})
}

// TestSettingAsideAgainstCrashes kills the process of another version at each
// of its writes, and that of the run's version too.
func TestSettingAsideAgainstCrashes(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) {
					s := openStore(t)
					process(t, s, "v1", time.Minute, func(r *served, w *runtime.Workflow[struct{}, string]) {
						w.Start(r.ctx, struct{}{}, runtime.ID("one"))
						w.Start(r.ctx, struct{}{}, runtime.ID("two"), runtime.Delay(time.Hour))
					}, runtime.Pinned())
					m := newMortal(s, at, persisted)
					process(t, m, "v2", 3*time.Hour, nil, runtime.Pinned())
					process(t, m, "v1", time.Minute, nil, runtime.Pinned())
					select {
					case <-m.died:
						more = true
					default:
					}
					process(t, s, "v1", 2*time.Hour, nil, runtime.Pinned())
					for _, id := range []string{"one", "two"} {
						if run, err := s.Get(t.Context(), id); err != nil || string(run.Output) != `"v1"` {
							t.Errorf("run %s is %s with output %s, %v", id, run.Status, run.Output, err)
						}
					}
				})
			})
		}
	}
}

func TestPinningNeedsAVersion(t *testing.T) {
	w := versioned("", runtime.Pinned())
	if _, err := runtime.New(openStore(t), runtime.Config{}, w); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), `workflow "versioned" is pinned`) {
		t.Errorf("a pinned workflow: %v", err)
	}
	if _, err := runtime.New(openStore(t), runtime.Config{PinVersion: true}); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), "PinVersion") {
		t.Errorf("PinVersion: %v", err)
	}
	r := serveOn(t, openStore(t), runtime.Config{Version: "v1", PinVersion: true, Logger: quiet}, versioned("v1"))
	run, _, err := r.Start(r.ctx, "versioned", []byte("{}"))
	if err != nil || !run.Pinned {
		t.Errorf("PinVersion pins %+v, %v", run, err)
	}
}

// TestTheGatePassesOverRunsOfOtherVersions: their code is not here, and need not
// fit.
func TestTheGatePassesOverRunsOfOtherVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		process(t, s, "v1", time.Minute, func(r *served, w *runtime.Workflow[struct{}, string]) {
			w.Start(r.ctx, struct{}{}, runtime.ID("one"))
		}, runtime.Pinned())
		other := runtime.Define("versioned", func(ctx context.Context, _ struct{}) (string, error) { return say(ctx, "another") })
		for version, want := range map[string]int{"v1": 1, "v2": 0} {
			rt, err := runtime.New(s, runtime.Config{Logger: quiet, Version: version}, other)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := rt.ReplayUnderWay(t.Context(), 10); n != want || errors.Is(err, runtime.ErrNondeterministic) != (want > 0) {
				t.Errorf("%s: %d runs replayed, %v; want %d", version, n, err, want)
			}
		}
	})
}

// TestARunCancelledAsideLeavesItsPartition: a pinned run that was set aside and is
// then cancelled gives its place back, so that those behind it begin.
func TestARunCancelledAsideLeavesItsPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		q := runtime.NewQueue("q", runtime.QueueConfig{PartitionConcurrency: 1})
		define := func() *runtime.Workflow[struct{}, string] {
			return runtime.Define("w", func(ctx context.Context, _ struct{}) (string, error) {
				if _, err := say(ctx, "first"); err != nil {
					return "", err
				}
				return "done", runtime.Sleep(ctx, time.Hour)
			}, runtime.Pinned())
		}
		w := define()
		r := serveOn(t, s, runtime.Config{Logger: quiet, Version: "v1", Executor: "e"}, w, q)
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("old"), runtime.OnQueue(q), runtime.Partition("p")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()

		w = define()
		r = serveOn(t, s, runtime.Config{Logger: quiet, Version: "v2", Executor: "e"}, w, q)
		time.Sleep(2 * time.Hour) // "old" is set aside
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("young"), runtime.OnQueue(q), runtime.Partition("p")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := r.Cancel(r.ctx, "old", runtime.WithoutCompensations()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		old, _ := s.Get(t.Context(), "old")
		young, _ := s.Get(t.Context(), "young")
		if old.Status != store.Cancelled || young.Status != store.Succeeded {
			t.Errorf("old is %s, young is %s a day later: want cancelled, succeeded", old.Status, young.Status)
		}
		r.stop()
		serveOn(t, s, runtime.Config{Logger: quiet, Version: "v2", Executor: "e"}, w, q)
		time.Sleep(24 * time.Hour)
		young, _ = s.Get(t.Context(), "young")
		if young.Status != store.Succeeded {
			t.Errorf("young is %s after a restart and another day", young.Status)
		}
	})
}
