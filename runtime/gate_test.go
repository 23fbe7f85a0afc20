package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// sleeperOf has the step, then sleeps.
func sleeperOf(workflow, name string) *runtime.Workflow[struct{}, int] {
	return runtime.Define(workflow, func(ctx context.Context, _ struct{}) (int, error) {
		if _, err := step(ctx, name); err != nil {
			return 0, err
		}
		return 1, rest(ctx)
	})
}

// TestReplayUnderWay replays a sample before anything is executed: many runs of
// one workflow do not hide the few of another, what has not begun is none of it,
// and nothing changes.
func TestReplayUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		many, few, gone := sleeperOf("many", "a"), sleeperOf("few", "a"), sleeperOf("gone", "a")
		slow := runtime.Define("slow", func(ctx context.Context, _ struct{}) (int, error) {
			step(ctx, "a")
			return runtime.Step(ctx, "hold", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) })
		})
		r := serveOn(t, s, runtime.Config{Logger: quiet, Drain: -1}, many, few, gone, slow)
		<-r.Recovered()
		start := func(w *runtime.Workflow[struct{}, int], id string, opts ...runtime.StartOption) {
			t.Helper()
			if _, err := w.Start(r.ctx, struct{}{}, append(opts, runtime.ID(id))...); err != nil {
				t.Fatal(err)
			}
		}
		start(few, "few-1")
		start(gone, "gone-1")
		start(slow, "slow-1") // given back to the queue when the process stops
		time.Sleep(time.Second)
		for i := range 50 {
			start(many, fmt.Sprint("many-", i))
		}
		start(many, "not-begun", runtime.Delay(time.Hour))
		time.Sleep(time.Second)
		r.stop()

		ctx := t.Context()
		check := func(n int, defs ...runtime.Definition) (int, error) {
			t.Helper()
			rt, err := runtime.New(s, runtime.Config{Logger: quiet}, defs...)
			if err != nil {
				t.Fatal(err)
			}
			return rt.ReplayUnderWay(ctx, n)
		}
		if n, err := check(1000, many, few, gone, slow); n != 53 || err != nil {
			t.Errorf("the same code: %d runs, %v; want 53 that fit", n, err)
		}
		n, err := check(8, many, sleeperOf("few", "z"), gone, slow)
		if n < 4 || n > 8 || !errors.Is(err, runtime.ErrNondeterministic) || !strings.Contains(fmt.Sprint(err), `run few-1 of few: code does not match the history: at 0 the history has step "a", the code came with step "z"`) {
			t.Errorf("changed code of the few: %d runs, %v", n, err)
		}
		if _, err := check(100, many, few, slow); !errors.Is(err, runtime.ErrNotFound) || !strings.Contains(err.Error(), "gone-1") {
			t.Errorf("without a workflow: %v", err)
		}
		other := runtime.Define("slow", func(ctx context.Context, _ struct{}) (int, error) { return step(ctx, "z") })
		if _, err := check(100, many, few, gone, other); !errors.Is(err, runtime.ErrNondeterministic) || !strings.Contains(err.Error(), "slow-1") {
			t.Errorf("changed code of a run that was given back: %v", err)
		}
		if n, err := check(0); n != 0 || err != nil {
			t.Errorf("none asked for: %d, %v", n, err)
		}
		stuck := runtime.Define("few", func(ctx context.Context, _ struct{}) (int, error) { <-ctx.Done(); return 0, nil })
		if _, err := check(100, many, stuck, gone, slow); !errors.Is(err, runtime.ErrTimeout) {
			t.Errorf("code that waits outside of its steps: %v", err)
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := check(5, many, few, gone, slow); !errors.Is(err, context.Canceled) {
			t.Errorf("after its end: %v", err)
		}

		r = serveOn(t, s, runtime.Config{Logger: quiet, Drain: -1}, many, few, gone, slow)
		if run, err := r.Wait(r.ctx, "few-1"); err != nil || run.Status.String() != "succeeded" {
			t.Errorf("afterwards: %s, %v", run.Status, err)
		}
	})
}
