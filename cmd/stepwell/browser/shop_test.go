package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app"
)

// shop is a program with a workflow for each thing that there is to see.
func shop() *app.App {
	children := runtime.Define("parcel", parcel)
	orders := runtime.Define("order", order)
	return &app.App{
		Definitions: []runtime.Definition{
			orders, children,
			runtime.Define("approval", approval),
			runtime.Define("payment", payment),
			runtime.Define("delivery", func(ctx context.Context, in deliveryInput) (int, error) { return delivery(ctx, in, children) }),
			runtime.Define("report", report),
			runtime.Define("steps", steps),
			runtime.Define("newsletter", newsletter),
			runtime.Define("renamed", renamed),
			runtime.NewQueue("mail", runtime.QueueConfig{Concurrency: 1}),
			runtime.NewQueue("warehouse", runtime.QueueConfig{Concurrency: 4, Rate: runtime.Rate{Limit: 100, Per: time.Minute}}),
			runtime.Cron("nightly", "0 3 * * *", orders, runtime.InZone("Europe/Berlin"), runtime.Input(orderInput{Customer: "the house", Amount: 1})),
			runtime.Cron("every-quarter", "*/15 * * * *", children),
		},
	}
}

type orderInput struct {
	Customer string   `json:"customer"`
	Amount   int      `json:"amount"`
	Gift     bool     `json:"gift,omitzero"`
	Lines    []string `json:"lines,omitzero"`
}

type orderOutput struct {
	Receipt string `json:"receipt"`
	Total   int    `json:"total"`
}

var errAmount = errors.New("amount has to be more than 0")

// order is three steps that succeed at once.
func order(ctx context.Context, in orderInput) (orderOutput, error) {
	var out orderOutput
	if in.Amount <= 0 {
		return out, runtime.Permanent(errAmount)
	}
	for _, name := range []string{"reserve", "charge", "send receipt"} {
		if _, err := runtime.Step(ctx, name, func(context.Context) (string, error) { return name + " for " + in.Customer, nil }); err != nil {
			return out, err
		}
	}
	return orderOutput{Receipt: "R-1", Total: in.Amount}, nil
}

func parcel(ctx context.Context, _ any) (string, error) {
	return runtime.Step(ctx, "pack", func(context.Context) (string, error) { return "packed", nil })
}

// approval waits for a message "decision".
func approval(ctx context.Context, _ any) (string, error) {
	if _, err := runtime.Step(ctx, "draft", func(context.Context) (string, error) { return "a draft", nil }); err != nil {
		return "", err
	}
	decision, err := runtime.Receive[string](ctx, "decision", runtime.Forever)
	if err != nil {
		return "", err
	}
	return runtime.Step(ctx, "publish", func(context.Context) (string, error) { return "published: " + decision, nil })
}

type paymentInput struct {
	// Declines is how often the card is declined.
	Declines int `json:"declines"`
}

// payment undoes its reservation when the card is declined too often.
func payment(ctx context.Context, in paymentInput) (string, error) {
	if _, err := runtime.Step(ctx, "reserve", func(context.Context) (string, error) { return "3 items", nil }); err != nil {
		return "", err
	}
	if err := runtime.Compensate(ctx, "release", func(context.Context) error { return nil }); err != nil {
		return "", err
	}
	return runtime.Step(ctx, "charge", func(ctx context.Context) (string, error) {
		tries, _, err := runtime.LastHeartbeat[int](ctx)
		if err != nil {
			return "", err
		}
		tries++
		if err := runtime.Heartbeat(ctx, tries); err != nil {
			return "", err
		}
		if tries <= in.Declines {
			return "", fmt.Errorf("card declined, try %d", tries)
		}
		return "charged", nil
	}, runtime.Retry{Max: 3, Initial: 200 * time.Millisecond})
}

type deliveryInput struct {
	Parcels int `json:"parcels"`
}

// delivery has branches, children, a pause and an event.
func delivery(ctx context.Context, in deliveryInput, child *runtime.Workflow[any, string]) (int, error) {
	label := runtime.Go(ctx, func(ctx context.Context) (string, error) {
		return runtime.Step(ctx, "print label", func(context.Context) (string, error) { return "label", nil })
	})
	packed, err := runtime.Map(ctx, make([]int, in.Parcels), 2, func(ctx context.Context, _ int) (string, error) {
		return child.Call(ctx, nil)
	})
	if err != nil {
		return 0, err
	}
	if err := runtime.Sleep(ctx, 300*time.Millisecond); err != nil {
		return 0, err
	}
	if err := runtime.SetEvent(ctx, "packed", len(packed)); err != nil {
		return 0, err
	}
	_, err = label.Wait(ctx)
	return len(packed), err
}

type reportInput struct {
	Title string `json:"title"`
}

// report fails until the file "mended" is there.
func report(ctx context.Context, in reportInput) (string, error) {
	data, err := runtime.Step(ctx, "collect", func(context.Context) ([]int, error) { return []int{1, 2, 3}, nil })
	if err != nil {
		return "", err
	}
	return runtime.Step(ctx, "print", func(context.Context) (string, error) {
		if _, err := os.Stat("mended"); err != nil {
			return "", runtime.Permanent(errors.New("the printer is out of paper"))
		}
		return fmt.Sprintf("%s: %d rows", in.Title, len(data)), nil
	})
}

// steps takes as many steps as it is told.
func steps(ctx context.Context, n int) (int, error) {
	sum := 0
	for i := range n {
		v, err := runtime.Step(ctx, "add", func(context.Context) (int, error) { return i, nil })
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// newsletter takes an hour.
func newsletter(ctx context.Context, _ any) (any, error) { return nil, runtime.Sleep(ctx, time.Hour) }

// stepName renames the step of the workflow "renamed", as new code would.
const stepName = "BROWSER_TEST_STEP"

func renamed(ctx context.Context, _ any) (any, error) {
	name := os.Getenv(stepName)
	if name == "" {
		name = "old name"
	}
	if _, err := runtime.Step(ctx, name, func(context.Context) (int, error) { return 1, nil }); err != nil {
		return nil, err
	}
	return runtime.Receive[any](ctx, "go-on", runtime.Forever)
}
