package blackbox

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var heavySteps = flag.Int("heavy-steps", 25, "steps of 1 MB each in the test of large outputs, and a quarter of it to compare with")

// heavy is a workflow of steps that give 1 MB each. Before the last it sleeps,
// so that its history is read again.
var heavy = runtime.Define("heavy", func(ctx context.Context, n int) (int, error) {
	sum := 0
	for i := range n {
		if i == n-1 {
			if err := runtime.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
		}
		out, err := runtime.Step(ctx, "heavy", func(context.Context) ([]byte, error) { return make([]byte, 750_000), nil })
		if err != nil {
			return 0, err
		}
		sum += len(out)
	}
	return sum, nil
})

// TestLargeOutputs runs steps of 1 MB (as JSON) each, few and four times as
// many: memory, and on a quiet disk time, grow in step with them.
//
//	go test ./runtime/internal/blackbox -run LargeOutputs -v -heavy-steps 100
func TestLargeOutputs(t *testing.T) {
	type result struct {
		took   time.Duration
		peak   float64
		perOne float64 // ms
	}
	measure := func(n int) (r result) {
		c := newWorld(t).start(t).ready()
		begin := time.Now()
		var run struct {
			Status string
			Output int
		}
		if err := c.call(t.Context(), "POST", "/v1/workflows/heavy/runs?id=heavy", n, nil); err != nil {
			t.Fatal(err)
		}
		for run.Status != "succeeded" {
			if err := c.call(t.Context(), "GET", "/v1/runs/heavy?wait=10s", nil, &run); err != nil {
				t.Fatal(err)
			}
			if time.Since(begin) > 2*time.Minute {
				t.Fatalf("the run is %s", run.Status)
			}
		}
		if run.Output != n*750_000 {
			t.Errorf("output %d", run.Output)
		}
		r.took = time.Since(begin) - time.Second
		r.perOne = float64(r.took.Milliseconds()) / float64(n)
		r.peak = c.memoryMB(t, "VmHWM")
		if err := c.terminate(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	few, many := measure(max(*heavySteps/4, 1)), measure(*heavySteps)
	t.Logf("%d steps of 1 MB: %v (%.1f ms each), %.0f MB at the most; a quarter of them: %v (%.1f ms each), %.0f MB",
		*heavySteps, many.took.Round(time.Millisecond), many.perOne, many.peak, few.took.Round(time.Millisecond), few.perOne, few.peak)
	// Time depends on who else uses the disk; memory says as well whether a
	// step costs more among many.
	if more := *heavySteps - max(*heavySteps/4, 1); many.peak-few.peak > float64(4*more+20) && !racing {
		t.Errorf("%d steps more take %.0f MB more", more, many.peak-few.peak)
	}
}
