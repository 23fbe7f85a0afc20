package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// The same id is the same run, however often it is started: a start can be
// repeated when its answer was lost.
func ExampleWorkflow_Start() {
	hello := runtime.Define("hello", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	withRuntime(func(ctx context.Context) {
		options := []runtime.StartOption{
			runtime.ID("greeting-7"), runtime.Delay(time.Millisecond), runtime.Priority(5),
			runtime.Deadline(time.Now().Add(time.Minute)), runtime.Labels(map[string]string{"tenant": "acme"}),
		}
		first, err := hello.Start(ctx, "ada", options...)
		if err != nil {
			panic(err)
		}
		again, err := hello.Start(ctx, "somebody else", options...)
		if err != nil {
			panic(err)
		}
		fmt.Println(first.ID() == again.ID())
		fmt.Println(again.Result(ctx))
	}, hello)
	// Output:
	// true
	// hello ada <nil>
}

func ExampleAt() {
	hello := runtime.Define("hello", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	withRuntime(func(ctx context.Context) {
		h, err := hello.Start(ctx, "ada", runtime.At(time.Now().Add(time.Hour)))
		if err != nil {
			panic(err)
		}
		fmt.Println(h.Status(ctx))
	}, hello)
	// Output: delayed <nil>
}

// A run that was cancelled goes on where it was when it is resumed.
func ExampleHandle_Cancel() {
	wait := runtime.Define("wait", func(ctx context.Context, d time.Duration) (string, error) { return "done", runtime.Sleep(ctx, d) })
	withRuntime(func(ctx context.Context) {
		h, err := wait.Start(ctx, 30*time.Millisecond, runtime.ID("one"))
		if err != nil {
			panic(err)
		}
		fmt.Println(h.Cancel(ctx))
		_, err = h.Result(ctx)
		fmt.Println(errors.Is(err, runtime.ErrCancelled))
		fmt.Println(runtime.Resume(ctx, "one"))
		fmt.Println(h.Result(ctx))
	}, wait)
	// Output:
	// <nil>
	// true
	// <nil>
	// done <nil>
}

func ExampleDeadline() {
	wait := runtime.Define("wait", func(ctx context.Context, d time.Duration) (string, error) { return "done", runtime.Sleep(ctx, d) })
	withRuntime(func(ctx context.Context) {
		_, err := wait.Call(ctx, time.Hour, runtime.Deadline(time.Now().Add(time.Millisecond)))
		fmt.Println(errors.Is(err, runtime.ErrDeadline))
	}, wait)
	// Output: true
}
