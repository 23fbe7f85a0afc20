package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// A run waits for a person, a day at most; while it does it takes no memory.
func ExampleReceive() {
	publish := runtime.Define("publish", func(ctx context.Context, title string) (string, error) {
		editor, err := runtime.Receive[string](ctx, "approved", 24*time.Hour)
		if errors.Is(err, runtime.ErrTimeout) {
			return title + " was forgotten", nil
		}
		return title + ", approved by " + editor, err
	})
	withRuntime(func(ctx context.Context) {
		run, err := publish.Start(ctx, "Wells of Gujarat", runtime.ID("article-7"))
		if err != nil {
			panic(err)
		}
		if err := runtime.Send(ctx, "article-7", "approved", "Ada"); err != nil {
			panic(err)
		}
		fmt.Println(run.Result(ctx))
	}, publish)
	// Output: Wells of Gujarat, approved by Ada <nil>
}

// A cart is one run for as long as it lives: the first item begins it, the
// others are sent to it. The key makes a repeated request harmless.
func ExampleMessage() {
	cart := runtime.Define("cart", func(ctx context.Context, _ struct{}) ([]string, error) {
		var items []string
		for len(items) < 2 {
			item, err := runtime.Receive[string](ctx, "item", runtime.Forever)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	})
	withRuntime(func(ctx context.Context) {
		for _, item := range []string{"tea", "tea", "cup"} {
			add := runtime.Message("item", item, runtime.MessageKey(item))
			if _, err := cart.Start(ctx, struct{}{}, runtime.ID("cart-9"), add); err != nil {
				panic(err)
			}
		}
		run, err := cart.Handle(ctx, "cart-9")
		if err != nil {
			panic(err)
		}
		fmt.Println(run.Result(ctx))
	}, cart)
	// Output: [tea cup] <nil>
}
