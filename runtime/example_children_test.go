package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// A child is stopped when its parent fails or is cancelled; OnParentEnd
// changes that.
func ExampleOnParentEnd() {
	wait := runtime.Define("wait", func(ctx context.Context, _ string) (string, error) { return "", runtime.Sleep(ctx, time.Hour) })
	parent := runtime.Define("parent", func(ctx context.Context, _ string) (string, error) {
		if _, err := wait.Start(ctx, "", runtime.ID("plain")); err != nil {
			return "", err
		}
		if _, err := wait.Start(ctx, "", runtime.ID("left"), runtime.OnParentEnd(runtime.Abandon)); err != nil {
			return "", err
		}
		return "", errors.New("no luck")
	})
	withRuntime(func(ctx context.Context) {
		parent.Call(ctx, "") // fails
		plain, _ := wait.Handle(ctx, "plain")
		left, _ := wait.Handle(ctx, "left")
		_, err := plain.Result(ctx)
		status, _ := left.Status(ctx)
		fmt.Println(errors.Is(err, runtime.ErrCancelled), status.Ended())
	}, parent, wait)
	// Output: true false
}
