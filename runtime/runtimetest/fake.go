package runtimetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Fake puts fn in the place of the steps of this name, in all workflows. Their
// options go on to hold: what fn fails with is retried and recorded like an
// error of the step. T must be the step's type. A later fake replaces an
// earlier one; nil brings the step's own function back. A fake that stood in for
// nothing by the end fails the test, which may have misspelt the name, unless it asked
// with [Env.Ran] or [Env.WantRan] how often there was such a step.
func Fake[T any](rt *Env, step string, fn func(ctx context.Context) (T, error)) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if fn == nil {
		delete(rt.fakes, step)
		return
	}
	rt.fakes[step] = func(ctx context.Context) (any, error) { return fn(ctx) }
}

// step is asked by the engine at each attempt.
func (rt *Env) step(_, name string) func(context.Context) (any, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.ran[name]++
	return rt.fakes[name]
}

// Ran is how often steps of this name were executed, fakes included: each
// attempt counts, also one whose record was lost in a crash.
func (rt *Env) Ran(step string) int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.asked[step] = true
	return rt.ran[step]
}

// reportFakes names the fakes that stood in for nothing.
func (rt *Env) reportFakes() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.t.Failed() {
		return // it may not have come to them
	}
	for _, step := range slices.Sorted(maps.Keys(rt.fakes)) {
		if rt.ran[step] > 0 || rt.asked[step] {
			continue
		}
		steps := "none"
		if len(rt.ran) > 0 {
			steps = fmt.Sprintf("%q", slices.Sorted(maps.Keys(rt.ran)))
		}
		rt.t.Errorf("the fake of %q was not called: no step of this name was executed; those that were: %s", step, steps)
	}
}

// WantRan fails the test when steps of this name were not executed n times; see
// [Env.Ran].
func (rt *Env) WantRan(step string, n int) {
	rt.t.Helper()
	if ran := rt.Ran(step); ran != n {
		rt.t.Errorf("step %q ran %d times, want %d", step, ran, n)
	}
}
