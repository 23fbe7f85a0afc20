package runtime_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

var errDeclined = errors.New("card declined")

func init() { runtime.RegisterError("card_declined", errDeclined) }

// A permanent error is not retried. Registered, it is still the same error for
// errors.Is when it is read back from the history.
func ExamplePermanent() {
	attempts := 0 // as a payment service would count them
	pay := runtime.Define("pay", func(ctx context.Context, cents int) (string, error) {
		_, err := runtime.Step(ctx, "charge", func(context.Context) (string, error) {
			attempts++
			return "", runtime.Permanent(fmt.Errorf("%d cents: %w", cents, errDeclined))
		}, runtime.Retry{Max: 5})
		var failed *runtime.StepError
		if errors.As(err, &failed) && errors.Is(err, errDeclined) {
			return fmt.Sprintf("%s: %s, attempts: %d", failed.Step, failed.Message, attempts), nil
		}
		return "", err
	})
	withRuntime(func(ctx context.Context) { fmt.Println(pay.Call(ctx, 950)) }, pay)
	// Output: charge: 950 cents: card declined, attempts: 1 <nil>
}

// What cannot work outside a run says so; Step and Sleep just call through, so
// a workflow function can be tested as any other.
func ExampleErrNotInRun() {
	ctx := context.Background()
	_, err := runtime.Receive[string](ctx, "approved", runtime.Forever)
	fmt.Println(errors.Is(err, runtime.ErrNotInRun))
	fmt.Println(runtime.Step(ctx, "add", func(context.Context) (int, error) { return 1 + 1, nil }))
	// Output:
	// true
	// 2 <nil>
}

func ExampleErrExists() {
	tea := runtime.Define("tea", func(context.Context, int) (string, error) { return "tea", nil })
	coffee := runtime.Define("coffee", func(context.Context, int) (string, error) { return "coffee", nil })
	withRuntime(func(ctx context.Context) {
		fmt.Println(tea.Call(ctx, 1, runtime.ID("cup-1")))
		_, err := coffee.Call(ctx, 1, runtime.ID("cup-1"))
		fmt.Println(errors.Is(err, runtime.ErrExists), err)
	}, tea, coffee)
	// Output:
	// tea <nil>
	// true start coffee: run exists: cup-1 is a run of tea, not of coffee
}

// Code that asks for another step than the history holds is found before
// anything runs twice.
func ExampleErrNondeterministic() {
	greet := func(step string) *runtime.Workflow[string, string] {
		return runtime.Define("greet", func(ctx context.Context, name string) (string, error) {
			return runtime.Step(ctx, step, func(context.Context) (string, error) { return "hello " + name, nil })
		})
	}
	old, changed := greet("compose"), greet("render")
	withRuntime(func(ctx context.Context) {
		if _, err := old.Call(ctx, "ada", runtime.ID("one")); err != nil {
			panic(err)
		}
		history, err := runtime.Export(ctx, "one")
		if err != nil {
			panic(err)
		}
		err = runtime.Replay(ctx, history, changed)
		fmt.Println(errors.Is(err, runtime.ErrNondeterministic))
	}, old)
	// Output: true
}
