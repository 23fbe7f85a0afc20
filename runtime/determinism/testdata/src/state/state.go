// Package state changes variables from where a replay does not.
package state

import (
	"context"
	"sync/atomic"

	"github.com/stepwell/stepwell/runtime"
)

var (
	started int
	done    atomic.Int64
	seen    = map[string]bool{}
)

type order struct {
	lines []string
	total int
}

type service struct{ calls int }

func (s *service) checkout(ctx context.Context, o order) (int, error) {
	started++               // want `started is changed again in each replay; use a variable of the function, or change it in a runtime.Step`
	seen[o.lines[0]] = true // want `seen is changed again in each replay`
	total, n := 0, 0
	var paid order
	prices := map[string]int{}
	for _, line := range o.lines {
		_, err := runtime.Step(ctx, "price", func(context.Context) (int, error) {
			total += len(line) // want `total keeps its old value in a replay, which does not run the step again; return the new value from the step`
			prices[line] = 1   // want `prices keeps its old value`
			paid.total++       // want `paid keeps its old value`
			n++                // nobody looks at it outside
			s.calls++          // the service's own
			started++          // in a step a global may change
			done.Add(1)
			sum := 0
			sum += total
			return sum, nil
		})
		if err != nil {
			return 0, err
		}
	}
	var err error
	price, err := runtime.Step(ctx, "sum", func(ctx context.Context) (int, error) {
		var sum int
		var err error
		sum, err = 7, nil
		return sum, err
	})
	total += price
	if err := runtime.Compensate(ctx, "refund", func(context.Context) error {
		paid = order{} // want `paid keeps its old value`
		return nil
	}); err != nil {
		return 0, err
	}
	return total + len(prices) + paid.total, err
}

var svc = &service{}

var Checkout = runtime.Define("checkout", svc.checkout)

var Loop = runtime.Define("loop", func(ctx context.Context, n int) (int, error) {
	if n > 3 {
		runtime.ContinueAs(ctx, 0) // want `the run does not go on by runtime.ContinueAs alone; return its error from the workflow function`
	}
	if n > 2 {
		_ = runtime.ContinueAs(ctx, 0) // want `the run does not go on`
	}
	// A branch runs again in a replay, and so what it changes does.
	most := 0
	if _, err := runtime.Map(ctx, []int{1, 2}, 1, func(_ context.Context, i int) (int, error) {
		most = max(most, i)
		return i, nil
	}); err != nil {
		return 0, err
	}
	return most, runtime.ContinueAs(ctx, n+1)
})

// count is outside of the workflow, as in a test of it.
func count(ctx context.Context) (int, error) {
	calls := 0
	w := runtime.Define("count", func(ctx context.Context, n int) (int, error) {
		sum := 0
		f := runtime.Go(ctx, func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "call", func(context.Context) (int, error) {
				calls++
				sum++ // want `sum keeps its old value`
				return calls, nil
			})
		})
		if _, err := f.Wait(ctx); err != nil {
			return 0, err
		}
		return calls + sum, nil
	})
	_, err := w.Call(ctx, 1)
	return calls, err
}
