package runtimetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/runtimetest"
	"github.com/stepwell/stepwell/store"
)

var errBusy = errors.New("busy")

func init() { runtime.RegisterError("runtimetest_busy", errBusy) }

var nested = runtime.Define("nested", func(ctx context.Context, n int) (int, error) {
	return runtime.Step(ctx, "double", func(context.Context) (int, error) { return 2 * n, nil })
})

var trip = runtime.Define("trip", func(ctx context.Context, n int) (string, error) {
	a, err := runtime.Step(ctx, "book", func(context.Context) (int, error) { return n, nil }, runtime.Retry{Max: 3, Initial: time.Hour})
	if err != nil {
		return "", err
	}
	if err := runtime.Sleep(ctx, 30*24*time.Hour); err != nil {
		return "", err
	}
	b, err := nested.Call(ctx, a)
	if err != nil {
		return "", err
	}
	return runtime.Step(ctx, "report", func(context.Context) (string, error) { return fmt.Sprint(a, b), nil })
})

func TestAMonthPasses(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		begin := time.Now()
		got, err := trip.Call(rt.Context(), 3, runtime.ID("t"))
		if err != nil || got != "3 6" {
			t.Fatalf("got %q, %v", got, err)
		}
		if d := time.Since(begin); d < 30*24*time.Hour || d > 31*24*time.Hour {
			t.Errorf("%v passed, want a month", d)
		}
		rt.WantSteps("t", "book", "sleep", "child nested", "result t:2", "report")
		rt.WantSteps("t:2", "double")
		rt.WantRan("book", 1)
		rt.WantReplay("t")
	}, trip, nested)
}

func TestFakesStandInForSteps(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		runtimetest.Fake(rt, "book", func(ctx context.Context) (int, error) {
			if p, _ := runtime.Current(ctx); p.Attempt < 3 {
				return 0, errBusy
			}
			return 40, nil
		})
		runtimetest.Fake(rt, "double", func(context.Context) (int, error) { return 2, nil })
		got, err := trip.Call(rt.Context(), 3, runtime.ID("t"))
		if err != nil || got != "40 2" {
			t.Fatalf("got %q, %v", got, err)
		}
		rt.WantRan("book", 3)
		rt.WantAttempts("t", "book", 3)
		rt.WantAttempts("t", "report", 1)

		runtimetest.Fake[int](rt, "double", nil)
		runtimetest.Fake(rt, "book", func(context.Context) (int, error) { return 0, errBusy })
		if _, err := trip.Call(rt.Context(), 3); !errors.Is(err, errBusy) {
			t.Errorf("a fake that fails: %v", err)
		}
		runtimetest.Fake(rt, "book", func(context.Context) (string, error) { return "no", nil })
		if _, err := trip.Call(rt.Context(), 3); err == nil || !strings.Contains(err.Error(), `the fake of step "book" returns string, the step int`) {
			t.Errorf("a fake of another type: %v", err)
		}
	}, trip, nested)
}

func TestCrashes(t *testing.T) {
	for _, name := range []string{"book", "sleep", "child nested", "double", "result t:2", "report"} {
		t.Run(name, func(t *testing.T) {
			runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
				rt.CrashBefore(name)
				rt.CrashAfter(name)
				ctx := rt.Context()
				h, err := trip.Start(ctx, 3, runtime.ID("t"))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := h.Result(ctx); err != nil || got != "3 6" {
					t.Fatalf("got %q, %v", got, err)
				}
				if rt.Crashes() != 2 {
					t.Errorf("%d crashes, want 2", rt.Crashes())
				}
				for _, step := range []string{"book", "double", "report"} {
					want := 1
					if step == name {
						want = 2 // before its record, not after
					}
					if step == "double" && name == "child nested" {
						continue // the child ran while its parent died
					}
					rt.WantRan(step, want)
				}
				rt.WantSteps("t", "book", "sleep", "child nested", "result t:2", "report")
				rt.WantReplay("t")
				// The old context and the old handle go on to serve.
				if got, err := nested.Call(ctx, 1); err != nil || got != 2 {
					t.Errorf("a call with the context of before the crashes: %d, %v", got, err)
				}
				if s, err := h.Status(ctx); err != nil || s != store.Succeeded {
					t.Errorf("status %s, %v", s, err)
				}
			}, trip, nested)
		})
	}
}

func TestCrashNow(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		ctx := rt.Context()
		h, err := trip.Start(ctx, 3, runtime.ID("t"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(24 * time.Hour)
			rt.Crash()
		}
		if err := h.Cancel(ctx); err != nil {
			t.Errorf("cancel after crashes: %v", err)
		}
		if _, err := h.Result(ctx); !errors.Is(err, runtime.ErrCancelled) || rt.Crashes() != 3 {
			t.Errorf("got %v after %d crashes", err, rt.Crashes())
		}
		rt.WantSteps("t", "book")
	}, trip, nested)
}

// TestCrashDuringAStep: what the step does after the crash reaches nobody.
func TestCrashDuringAStep(t *testing.T) {
	slow := runtime.Define("slow", func(ctx context.Context, _ struct{}) (int, error) {
		return runtime.Step(ctx, "slow", func(ctx context.Context) (int, error) {
			p, _ := runtime.Current(ctx)
			time.Sleep(time.Hour)
			return p.Attempt, nil
		})
	})
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		h, err := slow.Start(rt.Context(), struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		rt.Crash()
		if got, err := h.Result(rt.Context()); err != nil || got != 1 {
			t.Fatalf("got %d, %v", got, err)
		}
		rt.WantRan("slow", 2)
		rt.WantAttempts(h.ID(), "slow", 1)
	}, slow)
}

// TestAssertionsCanFail: each says what was found and what was wanted.
func TestAssertionsCanFail(t *testing.T) {
	n := 0
	unsteady := runtime.Define("unsteady", func(ctx context.Context, _ struct{}) (int, error) {
		n++
		return runtime.Step(ctx, fmt.Sprint("step ", n), func(context.Context) (int, error) { return n, nil })
	})
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		if _, err := unsteady.Call(rt.Context(), struct{}{}, runtime.ID("u")); err != nil {
			t.Fatal(err)
		}
		for want, fn := range map[string]func(){
			`run u has the steps ["step 1"], want ["a" "b"]`:                       func() { rt.WantSteps("u", "a", "b") },
			`step "step 1" ran 1 times, want 2`:                                    func() { rt.WantRan("step 1", 2) },
			`step "step 1" of run u has 1 attempts, want 2`:                        func() { rt.WantAttempts("u", "step 1", 2) },
			`run u has no step "other"`:                                            func() { rt.WantAttempts("u", "other", 2) },
			`at 0 the history has step "step 1", the code came with step "step 2"`: func() { rt.WantReplay("u") },
		} {
			if got := rt.Failures(fn); !strings.Contains(got, want) {
				t.Errorf("got %q, want %s", got, want)
			}
		}
		if got := rt.Failures(func() { rt.WantSteps("u", "step 1"); rt.WantRan("step 1", 1) }); got != "" {
			t.Errorf("assertions that hold failed: %s", got)
		}
		rt.CrashAfter("mispelt")
		if got := rt.ReportCrashes(); !strings.Contains(got, `no crash at "mispelt"`) {
			t.Errorf("a crash that does not come: %q", got)
		}
	}, unsteady)
}

func TestReplayOfFiles(t *testing.T) {
	dir := t.TempDir()
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		if _, err := trip.Call(rt.Context(), 3, runtime.ID("t")); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(rt.History("t"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "t.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}, trip, nested)
	runtimetest.Replay(t, filepath.Join(dir, "*.json"), trip, nested)
	other := runtime.Define("trip", func(ctx context.Context, n int) (string, error) { return "", runtime.Sleep(ctx, time.Hour) })
	r := &runtimetest.Recorder{TB: t}
	runtimetest.Replay(r, filepath.Join(dir, "*.json"), other)
	runtimetest.Replay(r, filepath.Join(dir, "*.jason"), other)
	if len(r.Errs) != 2 || !strings.Contains(r.Errs[0], `t.json: replay run t of trip: code does not match`) || !strings.Contains(r.Errs[1], "no history in") {
		t.Errorf("got %q", r.Errs)
	}
}

// TestCrashesAroundMessages: a crash is due where a message is taken, not where
// one is looked for.
func TestCrashesAroundMessages(t *testing.T) {
	w := runtime.Define("mail", func(ctx context.Context, _ struct{}) (string, error) {
		var got []string
		for range 2 {
			s, err := runtime.Receive[string](ctx, "news", runtime.Forever)
			if err != nil {
				return "", err
			}
			got = append(got, s)
		}
		return fmt.Sprint(got), nil
	})
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		rt.CrashBefore("receive news")
		rt.CrashAfter("receive news")
		h, err := w.Start(rt.Context(), struct{}{}, runtime.ID("m"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"one", "two"} {
			time.Sleep(time.Hour)
			if err := runtime.Send(rt.Context(), "m", "news", s); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := h.Result(rt.Context()); err != nil || got != "[one two]" || rt.Crashes() != 2 {
			t.Errorf("got %q, %v over %d crashes, want 2", got, err, rt.Crashes())
		}
		rt.WantSteps("m", "receive news", "receive news")
	}, w)
}

// TestFakesThatStoodInForNothing fail the test: their name may be misspelt.
func TestFakesThatStoodInForNothing(t *testing.T) {
	one := func(context.Context) (int, error) { return 1, nil }
	for name, c := range map[string]struct {
		do   func(rt *runtimetest.Env)
		want string // of the end of the test
	}{
		"misspelt":   {func(rt *runtimetest.Env) { runtimetest.Fake(rt, "bok", one) }, `the fake of "bok" was not called: no step of this name was executed; those that were: ["book" "double" "report"]`},
		"called":     {func(rt *runtimetest.Env) { runtimetest.Fake(rt, "book", one) }, ""},
		"taken back": {func(rt *runtimetest.Env) { runtimetest.Fake(rt, "bok", one); runtimetest.Fake[int](rt, "bok", nil) }, ""},
		"asked for":  {func(rt *runtimetest.Env) { runtimetest.Fake(rt, "refund", one); rt.WantRan("refund", 0) }, ""},
		"one of two": {func(rt *runtimetest.Env) { runtimetest.Fake(rt, "book", one); runtimetest.Fake(rt, "Book", one) }, `the fake of "Book" was not called`},
	} {
		t.Run(name, func(t *testing.T) {
			runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
				c.do(rt)
				if _, err := trip.Call(rt.Context(), 3); err != nil {
					t.Fatal(err)
				}
				if got := rt.ReportFakes(); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
					t.Errorf("got %q; want %q", got, c.want)
				}
			}, trip, nested)
		})
	}
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		<-rt.Runtime().Recovered()
		runtimetest.Fake(rt, "book", one)
		if got := rt.ReportFakes(); !strings.Contains(got, "those that were: none") {
			t.Errorf("got %q", got)
		}
	}, trip, nested)
}
