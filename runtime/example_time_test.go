package runtime_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// Now and NewID are recorded, so a run that is replayed after the wait knows
// the same id and the same time.
func ExampleNow() {
	reminder := runtime.Define("reminder", func(ctx context.Context, _ struct{}) (bool, error) {
		id, err := runtime.NewID(ctx)
		if err != nil {
			return false, err
		}
		begun, err := runtime.Now(ctx)
		if err != nil {
			return false, err
		}
		if err := runtime.SleepUntil(ctx, begun.Add(20*time.Millisecond)); err != nil {
			return false, err
		}
		woken, err := runtime.Now(ctx)
		return id != "" && woken.Sub(begun) >= 20*time.Millisecond, err
	})
	withRuntime(func(ctx context.Context) { fmt.Println(reminder.Call(ctx, struct{}{})) }, reminder)
	// Output: true <nil>
}

func ExampleGo() {
	quote := runtime.Define("quote", func(ctx context.Context, item string) (int, error) {
		ask := func(shop string, price int) *runtime.Future[int] {
			return runtime.Go(ctx, func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "ask "+shop, func(context.Context) (int, error) { return price, nil })
			})
		}
		left, right := ask("left", 12), ask("right", 9)
		a, err := left.Wait(ctx)
		if err != nil {
			return 0, err
		}
		b, err := right.Wait(ctx)
		return min(a, b), err
	})
	withRuntime(func(ctx context.Context) { fmt.Println(quote.Call(ctx, "tea")) }, quote)
	// Output: 9 <nil>
}
