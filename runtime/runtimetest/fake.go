package runtimetest

import "context"

// Fake puts fn in the place of the steps of this name, in all workflows. Their
// options go on to hold: what fn fails with is retried and recorded like an
// error of the step. T must be the step's type. A later fake replaces an
// earlier one; nil brings the step's own function back.
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
	return rt.ran[step]
}

// WantRan fails the test when steps of this name were not executed n times; see
// [Env.Ran].
func (rt *Env) WantRan(step string, n int) {
	rt.t.Helper()
	if ran := rt.Ran(step); ran != n {
		rt.t.Errorf("step %q ran %d times, want %d", step, ran, n)
	}
}
