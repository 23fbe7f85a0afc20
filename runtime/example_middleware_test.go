package runtime_test

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleMiddleware() {
	log := runtime.Middleware{
		Step: func(ctx context.Context, next func(context.Context) error) error {
			err := next(ctx)
			place, _ := runtime.Current(ctx)
			fmt.Printf("%s %s attempt %d: %v\n", place.RunID, place.Step, place.Attempt, err)
			return err
		},
	}
	greet := runtime.Define("greet", func(ctx context.Context, name string) (string, error) {
		return runtime.Step(ctx, "compose", func(context.Context) (string, error) { return "hello " + name, nil })
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(greet.Call(ctx, "ada", runtime.ID("run-1")))
	}, greet, log)
	// Output:
	// run-1 compose attempt 1: <nil>
	// hello ada <nil>
}
