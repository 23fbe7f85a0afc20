package runtime_test

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// A run tells how far it is, and somebody outside waits for the moment.
func ExampleGetEvent() {
	order := runtime.Define("order", func(ctx context.Context, item string) (string, error) {
		if err := runtime.SetEvent(ctx, "parcel", "parcel-42"); err != nil {
			return "", err
		}
		_, err := runtime.Receive[bool](ctx, "delivered", runtime.Forever)
		return item + " delivered", err
	})
	withRuntime(func(ctx context.Context) {
		run, err := order.Start(ctx, "tea", runtime.ID("order-1"))
		if err != nil {
			panic(err)
		}
		fmt.Println(runtime.GetEvent[string](ctx, "order-1", "parcel", runtime.Forever))
		if err := runtime.Send(ctx, "order-1", "delivered", true); err != nil {
			panic(err)
		}
		fmt.Println(run.Result(ctx))
	}, order)
	// Output:
	// parcel-42 <nil>
	// tea delivered <nil>
}

// The lines of a log are read while they are written; who lost the connection
// goes on from where it was.
func ExampleRead() {
	build := runtime.Define("build", func(ctx context.Context, _ struct{}) (int, error) {
		for _, line := range []string{"compile", "test", "link"} {
			if err := runtime.Write(ctx, "log", line); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	withRuntime(func(ctx context.Context) {
		run, err := build.Start(ctx, struct{}{})
		if err != nil {
			panic(err)
		}
		for line, err := range runtime.Read[string](ctx, run.ID(), "log", runtime.From(1)) {
			fmt.Println(line, err)
		}
	}, build)
	// Output:
	// test <nil>
	// link <nil>
}
