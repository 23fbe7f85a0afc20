package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleDelete() {
	hello := runtime.Define("hello", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	withRuntime(func(ctx context.Context) {
		fmt.Println(hello.Call(ctx, "ada", runtime.ID("greeting")))
		fmt.Println(runtime.Delete(ctx, "greeting"))
		fmt.Println(errors.Is(runtime.Delete(ctx, "greeting"), runtime.ErrNotFound))
	}, hello)
	// Output:
	// hello ada <nil>
	// <nil>
	// true
}

func ExampleCancelAll() {
	wait := runtime.Define("wait", func(ctx context.Context, _ int) (int, error) { return 0, runtime.Sleep(ctx, time.Hour) })
	withRuntime(func(ctx context.Context) {
		for i := range 3 {
			if _, err := wait.Start(ctx, i, runtime.Labels(map[string]string{"tenant": "acme"})); err != nil {
				panic(err)
			}
		}
		acme := runtime.Filter{Labels: map[string]string{"tenant": "acme"}}
		n, err := runtime.CancelAll(ctx, acme, runtime.Bulk{DryRun: true})
		fmt.Println(n.Matched, n.Changed, err)
		n, err = runtime.CancelAll(ctx, acme, runtime.Bulk{})
		fmt.Println(n.Matched, n.Changed, err)
		_, err = runtime.CancelAll(ctx, runtime.Filter{}, runtime.Bulk{})
		fmt.Println(err)
	}, wait)
	// Output:
	// 3 0 <nil>
	// 3 3 <nil>
	// invalid argument: the filter excludes nothing, and all runs would be cancelled: say all if that is meant
}

func ExampleRetention() {
	const day = 24 * time.Hour
	cfg := runtime.Config{Retention: runtime.Retention{Succeeded: 7 * day, Cancelled: 7 * day}} // what failed stays
	fmt.Println(cfg.Retention.Succeeded, cfg.Retention.Failed)
	// Output: 168h0m0s 0s
}

func ExampleList() {
	hello := runtime.Define("hello", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	withRuntime(func(ctx context.Context) {
		for _, name := range []string{"ada", "grace"} {
			if _, err := hello.Call(ctx, name, runtime.ID("for-"+name), runtime.Labels(map[string]string{"name": name})); err != nil {
				panic(err)
			}
		}
		runs, err := runtime.List(ctx, runtime.Filter{Workflow: "hello", Labels: map[string]string{"name": "ada"}})
		for _, run := range runs {
			fmt.Println(run.ID, run.Status, err)
		}
		n, err := runtime.DeleteAll(ctx, runtime.Filter{Workflow: "hello"}, runtime.Bulk{})
		fmt.Println(n.Changed, err)
	}, hello)
	// Output:
	// for-ada succeeded <nil>
	// 2 <nil>
}
