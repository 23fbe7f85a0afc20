package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store/sqlite"
)

type Order struct {
	Item  string `json:"item"`
	Cents int    `json:"cents"`
}

type Receipt struct {
	Payment string `json:"payment"`
	Parcel  string `json:"parcel"`
}

var Checkout = runtime.Define("checkout", checkout)

func checkout(ctx context.Context, o Order) (Receipt, error) {
	payment, err := runtime.Step(ctx, "charge", func(ctx context.Context) (string, error) {
		return charge(ctx, o.Cents)
	}, runtime.Retry{Max: 5, Initial: time.Second}, runtime.Timeout(30*time.Second))
	if err != nil {
		return Receipt{}, err
	}
	// A crash, a deploy or a month may lie between two lines. While it sleeps,
	// the run takes no memory.
	if err := runtime.Sleep(ctx, 10*time.Millisecond); err != nil {
		return Receipt{}, err
	}
	parcel, err := runtime.Step(ctx, "ship", func(ctx context.Context) (string, error) {
		return ship(ctx, o.Item)
	}, runtime.Retry{})
	return Receipt{payment, parcel}, err
}

func charge(_ context.Context, cents int) (string, error) { return fmt.Sprintf("pay-%d", cents), nil }
func ship(_ context.Context, item string) (string, error) { return "parcel with " + item, nil }

// Example embeds the engine. With package app, main is one line:
// app.Main(Checkout).
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "stepwell")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "stepwell.db"), sqlite.Config{})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rt, err := runtime.New(db, runtime.Config{Logger: slog.New(slog.DiscardHandler)}, Checkout)
	if err != nil {
		panic(err)
	}
	done := make(chan error)
	go func() { done <- rt.Run(ctx) }()

	receipt, err := Checkout.Call(rt.Context(ctx), Order{Item: "tea", Cents: 950}, runtime.ID("order-1"))
	fmt.Println(receipt, err)

	stop()
	fmt.Println(<-done)
	// Output:
	// {pay-950 parcel with tea} <nil>
	// <nil>
}

func ExampleMap() {
	thumbnails := runtime.Define("thumbnails", func(ctx context.Context, files []string) ([]string, error) {
		return runtime.Map(ctx, files, 4, func(ctx context.Context, file string) (string, error) {
			return runtime.Step(ctx, "shrink", func(context.Context) (string, error) {
				return "small-" + file, nil
			}, runtime.Compute())
		})
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(thumbnails.Call(ctx, []string{"a.png", "b.png"}))
	}, thumbnails)
	// Output: [small-a.png small-b.png] <nil>
}

func ExampleSelect() {
	race := runtime.Define("race", func(ctx context.Context, _ struct{}) (string, error) {
		sleeper := func(d time.Duration, name string) *runtime.Future[string] {
			return runtime.Go(ctx, func(ctx context.Context) (string, error) { return name, runtime.Sleep(ctx, d) })
		}
		tortoise, hare := sleeper(time.Hour, "tortoise"), sleeper(time.Millisecond, "hare")
		first, err := runtime.Select(ctx, tortoise, hare)
		if err != nil {
			return "", err
		}
		return []*runtime.Future[string]{tortoise, hare}[first].Wait(ctx)
	})
	withRuntime(func(ctx context.Context) { fmt.Println(race.Call(ctx, struct{}{})) }, race)
	// Output: hare <nil>
}

func ExampleNewQueue() {
	emails := runtime.NewQueue("emails", runtime.QueueConfig{Concurrency: 10})
	send := runtime.Define("send", func(ctx context.Context, to string) (string, error) {
		return runtime.Step(ctx, "smtp", func(context.Context) (string, error) { return "sent to " + to, nil })
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(send.Call(ctx, "ada@example.com", runtime.OnQueue(emails), runtime.Priority(1)))
	}, emails, send)
	// Output: sent to ada@example.com <nil>
}

// withRuntime runs fn beside a runtime on a new database.
func withRuntime(fn func(context.Context), defs ...runtime.Definition) {
	withEngine(func(ctx context.Context, _ *runtime.Runtime) { fn(ctx) }, defs...)
}

// withEngine is withRuntime for what the runtime itself is needed for.
func withEngine(fn func(context.Context, *runtime.Runtime), defs ...runtime.Definition) {
	dir, err := os.MkdirTemp("", "stepwell")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(context.Background(), filepath.Join(dir, "stepwell.db"), sqlite.Config{})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	rt, err := runtime.New(db, runtime.Config{Logger: slog.New(slog.DiscardHandler)}, defs...)
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- rt.Run(ctx) }()
	fn(rt.Context(ctx), rt)
	stop()
	<-done
}
