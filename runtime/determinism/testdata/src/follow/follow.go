// Package follow calls functions of its own.
package follow

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

type gateway struct{ clock func() time.Time }

var Checkout = runtime.Define("checkout", checkout)

func checkout(ctx context.Context, n int) (time.Time, error) {
	if n > 0 {
		return checkout(ctx, n-1)
	}
	defer func() { _ = time.Now() }() // want `time.Now gives another time`
	early := func() time.Time { return deeper() }
	// Bound to a name, and run in a step only.
	charge := func(context.Context) (time.Time, error) { return time.Now(), nil }
	if _, err := runtime.Step(ctx, "charge", charge); err != nil {
		return early(), err
	}
	if _, err := runtime.Step(ctx, "ship", ship); err != nil {
		return early(), err
	}
	g := gateway{clock: func() time.Time { return time.Now() }} // kept for a step
	if _, err := runtime.Step(ctx, "pay", g.pay); err != nil {
		return early(), err
	}
	if _, err := runtime.Step(ctx, "made", maker(n)); err != nil {
		return early(), err
	}
	fut := runtime.Go(ctx, maker(n))
	return fut.Wait(ctx)
}

func deeper() time.Time { return deepest() }

func deepest() time.Time {
	return time.Now() // want `time.Now gives another time in each replay; use runtime.Now, which is recorded \(deepest is workflow code: deeper calls it\)`
}

func ship(context.Context) (time.Time, error) { return time.Now(), nil }

func (g gateway) pay(context.Context) (time.Time, error) { return g.now(), nil }

func (g gateway) now() time.Time { return time.Now() }

func maker(n int) func(context.Context) (time.Time, error) {
	_ = time.Now() // want `\(maker is workflow code: workflow "checkout" calls it\)`
	return func(context.Context) (time.Time, error) {
		return time.Now(), nil // want `time.Now gives another time`
	}
}

func onlyInSteps(n int) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) { return time.Now(), nil }
}

func workflow(g *gateway) func(context.Context, int) (int, error) {
	return func(ctx context.Context, n int) (int, error) {
		if _, err := runtime.Step(ctx, "made", onlyInSteps(n)); err != nil {
			return 0, err
		}
		return time.Now().Hour(), nil // want `time.Now gives another time`
	}
}

var Made = runtime.Define("made", workflow(new(gateway)))

// Saga keeps its steps in a table.
var Saga = runtime.Define("saga", func(ctx context.Context, n int) (int, error) {
	for _, s := range []struct {
		name string
		fn   func(context.Context) (time.Time, error)
	}{{"ship", ship}, {"lit", func(context.Context) (time.Time, error) { return time.Now(), nil }}} {
		if _, err := runtime.Step(ctx, s.name, s.fn); err != nil {
			return 0, err
		}
	}
	var walk func(int) int
	walk = func(n int) int {
		if n == 0 {
			return time.Now().Hour() // want `time.Now gives another time`
		}
		return walk(n - 1)
	}
	return walk(n), nil
})
