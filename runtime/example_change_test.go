package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store/sqlite"
)

// inRuntime calls fn with a context that carries a runtime of the definitions.
func inRuntime(fn func(context.Context), defs ...runtime.Definition) { inRuntimeOf("", fn, defs...) }

// inRuntimeOf is inRuntime for a version.
func inRuntimeOf(version string, fn func(context.Context), defs ...runtime.Definition) {
	dir, err := os.MkdirTemp("", "stepwell")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	db, err := sqlite.Open(ctx, filepath.Join(dir, "stepwell.db"), sqlite.Config{})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rt, err := runtime.New(db, runtime.Config{Logger: slog.New(slog.DiscardHandler), Version: version}, defs...)
	if err != nil {
		panic(err)
	}
	done := make(chan error)
	go func() { done <- rt.Run(ctx) }()
	fn(rt.Context(ctx))
	stop()
	<-done
}

func ExampleFork() {
	address := "" // a mistake, mended later
	parcels := runtime.Define("parcel", func(ctx context.Context, order string) (string, error) {
		paid, err := runtime.Step(ctx, "charge", func(context.Context) (string, error) {
			fmt.Println("charged for", order)
			return "paid", nil
		})
		if err != nil {
			return "", err
		}
		return runtime.Step(ctx, "ship", func(context.Context) (string, error) {
			if address == "" {
				return "", errors.New("no address")
			}
			return paid + " and sent to " + address, nil
		})
	})
	inRuntime(func(ctx context.Context) {
		_, err := parcels.Call(ctx, "tea", runtime.ID("order-1"))
		fmt.Println(err)

		address = "Berlin"
		fork, err := runtime.Fork(ctx, "order-1", "") // at the step that failed
		if err != nil {
			panic(err)
		}
		h, err := parcels.Handle(ctx, fork.ID)
		if err != nil {
			panic(err)
		}
		fmt.Println(h.Result(ctx))
	}, parcels)
	// Output:
	// charged for tea
	// run order-1 of parcel failed: step "ship" failed at attempt 1: no address
	// paid and sent to Berlin <nil>
}

func ExamplePatched() {
	orders := runtime.Define("order", func(ctx context.Context, item string) (string, error) {
		step := func(name string) (string, error) {
			return runtime.Step(ctx, name, func(context.Context) (string, error) { return name + " " + item, nil })
		}
		// Orders that were past this when the check was added go on without it.
		if runtime.Patched(ctx, "check-stock") {
			if _, err := step("check"); err != nil {
				return "", err
			}
		}
		return step("charge")
	})
	inRuntime(func(ctx context.Context) {
		fmt.Println(orders.Call(ctx, "tea", runtime.ID("order-1")))
		h, err := runtime.Export(ctx, "order-1")
		if err != nil {
			panic(err)
		}
		for _, step := range h.Steps {
			fmt.Println(step.Kind, step.Name)
		}
	}, orders)
	// Output:
	// charge tea <nil>
	// patch check-stock
	// step check
	// step charge
}

func ExampleContinueAs() {
	type state struct{ Day, Sum int }
	ledger := runtime.Define("ledger", func(ctx context.Context, s state) (int, error) {
		sales, err := runtime.Step(ctx, "sales", func(context.Context) (int, error) { return 10 * s.Day, nil })
		if err != nil {
			return 0, err
		}
		s.Sum += sales
		if s.Day == 1000 {
			return s.Sum, nil
		}
		// The history of a run that lives for years stays that of one day.
		s.Day++
		return 0, runtime.ContinueAs(ctx, s)
	})
	inRuntime(func(ctx context.Context) {
		fmt.Println(ledger.Call(ctx, state{Day: 995}, runtime.ID("shop-1")))
		h, err := runtime.Export(ctx, "shop-1")
		if err != nil {
			panic(err)
		}
		fmt.Println(string(h.Run.Input), len(h.Steps))
	}, ledger)
	// Output:
	// 59850 <nil>
	// {"Day":1000,"Sum":49850} 1
}

func ExamplePinned() {
	quotes := runtime.Define("quote", func(ctx context.Context, item string) (string, error) {
		return runtime.Step(ctx, "price", func(context.Context) (string, error) { return item + " for 9.50", nil })
	}, runtime.Pinned())
	inRuntimeOf("2026-11-24", func(ctx context.Context) {
		h, err := quotes.Start(ctx, "tea", runtime.ID("quote-1"))
		if err != nil {
			panic(err)
		}
		fmt.Println(h.Result(ctx))
		runs, err := runtime.List(ctx, runtime.Filter{Version: "2026-11-24"})
		if err != nil {
			panic(err)
		}
		for _, run := range runs {
			fmt.Println(run.ID, run.Pinned)
		}
	}, quotes)
	// Output:
	// tea for 9.50 <nil>
	// quote-1 true
}
