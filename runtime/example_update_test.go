package runtime_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// A run answers while it waits for something else.
func ExampleUpdate() {
	account := runtime.Define("account", func(ctx context.Context, _ struct{}) (string, error) {
		balance := 0
		deposit := func(ctx context.Context, cents int) (int, error) {
			balance += cents // only this handler uses it
			return balance, nil
		}
		positive := func(_ context.Context, cents int) error {
			if cents <= 0 {
				return errors.New("not an amount")
			}
			return nil
		}
		if err := runtime.OnUpdate(ctx, "deposit", deposit, runtime.Validate(positive)); err != nil {
			return "", err
		}
		return runtime.Receive[string](ctx, "close", runtime.Forever)
	})
	withRuntime(func(ctx context.Context) {
		run, err := account.Start(ctx, struct{}{}, runtime.ID("account-1"))
		if err != nil {
			panic(err)
		}
		for _, cents := range []int{500, -1, 250} {
			fmt.Println(runtime.Update[int](ctx, "account-1", "deposit", cents))
		}
		if err := runtime.Send(ctx, "account-1", "close", "closed"); err != nil {
			panic(err)
		}
		fmt.Println(run.Result(ctx))
	}, account)
	// Output:
	// 500 <nil>
	// 0 update "deposit" of run account-1 was rejected: not an amount
	// 750 <nil>
	// closed <nil>
}
