package runtime_test

import (
	"context"
	"errors"
	"fmt"

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
