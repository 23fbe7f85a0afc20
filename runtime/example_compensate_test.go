package runtime_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleCompensate() {
	order := runtime.Define("order", func(ctx context.Context, item string) (string, error) {
		// Registered first: a step can have its effect and still be cut short.
		err := runtime.Compensate(ctx, "release", func(context.Context) error {
			fmt.Println("release", item)
			return nil
		})
		if err != nil {
			return "", err
		}
		if _, err := runtime.Step(ctx, "reserve", func(context.Context) (string, error) {
			fmt.Println("reserve", item)
			return item, nil
		}); err != nil {
			return "", err
		}
		return runtime.Step(ctx, "charge", func(context.Context) (string, error) {
			return "", errors.New("card declined")
		})
	})
	withRuntime(func(ctx context.Context) {
		_, err := order.Call(ctx, "tea", runtime.ID("order-7"))
		fmt.Println(err)
	}, order)
	// Output:
	// reserve tea
	// release tea
	// run order-7 of order failed: step "charge" failed at attempt 1: card declined
}
