package runtimetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/runtimetest"
)

type Order struct{ Item string }

var Checkout = runtime.Define("checkout", func(ctx context.Context, o Order) (string, error) {
	payment, err := runtime.Step(ctx, "charge", func(context.Context) (string, error) { panic("no test may charge a card") })
	if err != nil {
		return "", err
	}
	if err := runtime.Sleep(ctx, 30*24*time.Hour); err != nil {
		return "", err
	}
	return runtime.Step(ctx, "ship", func(context.Context) (string, error) { return o.Item + " for " + payment, nil })
})

func TestCheckout(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, rt *runtimetest.Env) {
		runtimetest.Fake(rt, "charge", func(context.Context) (string, error) { return "pay-1", nil })
		rt.CrashBefore("charge") // the card is charged, and the process dies before it can note that
		rt.CrashAfter("sleep")

		got, err := Checkout.Call(rt.Context(), Order{"tea"}, runtime.ID("order-1")) // a month passes at once
		if err != nil || got != "tea for pay-1" {
			t.Fatalf("got %q, %v", got, err)
		}
		rt.WantSteps("order-1", "charge", "sleep", "ship")
		rt.WantRan("charge", 2) // so let it be idempotent
		rt.WantRan("ship", 1)
	}, Checkout)
}
