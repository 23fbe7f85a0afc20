// Package contexts has the engine called with some that are not the run's.
package contexts

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

type key struct{}

var Other = runtime.Define("other", func(context.Context, int) (int, error) { return 0, nil })

var Report = runtime.Define("report", func(ctx context.Context, n int) (int, error) {
	work := func(context.Context) (int, error) { return 1, nil }
	if _, err := runtime.Step(context.Background(), "a", work); err != nil { // want `runtime.Step does not see the run in context.Background, and records nothing; use the ctx that the workflow function was given`
		return 0, err
	}
	if _, err := Other.Call(context.TODO(), 1); err != nil { // want `runtime.Call does not see the run in context.TODO`
		return 0, err
	}
	short, cancel := context.WithTimeout(ctx, time.Second) // want `context.WithTimeout ends at another moment in each replay, and no recorded wait heeds it; use runtime.Timeout`
	defer cancel()
	if err := runtime.Sleep(short, time.Hour); err != nil {
		return 0, err
	}
	named := context.WithValue(ctx, key{}, n)
	return runtime.Step(named, "b", func(ctx context.Context) (int, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return n, ctx.Err()
	})
})

// Start is outside of any run.
func Start() {
	Other.Call(context.Background(), 1) //nolint:errcheck // nobody looks
}
