package runtime_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// Ten mails a second, and five at once after a pause.
func ExampleRate() {
	mails := runtime.NewQueue("mails", runtime.QueueConfig{Rate: runtime.Rate{Limit: 10, Per: time.Second, Burst: 5}})
	fmt.Println(mails.Config().Rate)
	// Output: 10/1s+5
}

// What an operator changes holds over restarts, until it is reset.
func ExampleRuntime_SetQueue() {
	mails := runtime.NewQueue("mails", runtime.QueueConfig{Concurrency: 10})
	withEngine(func(ctx context.Context, rt *runtime.Runtime) {
		fmt.Println(rt.PauseQueue(ctx, "mails"))
		fmt.Println(rt.SetQueue(ctx, "mails", runtime.QueueConfig{Concurrency: 2, Rate: runtime.Rate{Limit: 100, Per: time.Minute}}))
		queues, err := rt.Queues(ctx)
		if err != nil {
			panic(err)
		}
		for _, q := range queues {
			fmt.Println(q.Name, q.Config.Concurrency, q.Config.Rate, q.Config.Paused, q.Depth)
		}
	}, mails)
	// Output:
	// <nil>
	// <nil>
	// mails 2 100/1m false 0
}

// Each tenant gets its turn, however many runs another has waiting, and no more
// than two places.
func ExamplePartition() {
	imports := runtime.NewQueue("imports", runtime.QueueConfig{Concurrency: 10, PartitionConcurrency: 2})
	load := runtime.Define("load", func(ctx context.Context, file string) (string, error) {
		return runtime.Step(ctx, "load", func(context.Context) (string, error) { return "loaded " + file, nil })
	})
	withRuntime(func(ctx context.Context) {
		fmt.Println(load.Call(ctx, "a.csv", runtime.OnQueue(imports), runtime.Partition("acme")))
	}, imports, load)
	// Output: loaded a.csv <nil>
}

// While the report of a day is under way, another start of it gets that one.
func ExampleDedup() {
	report := runtime.Define("report", func(ctx context.Context, day string) (string, error) {
		return "report of " + day, runtime.Sleep(ctx, 10*time.Millisecond)
	})
	withRuntime(func(ctx context.Context) {
		a, err := report.Start(ctx, "Monday", runtime.Dedup("monday"))
		if err != nil {
			panic(err)
		}
		b, err := report.Start(ctx, "Monday", runtime.Dedup("monday"))
		if err != nil {
			panic(err)
		}
		fmt.Println(a.ID() == b.ID())
		fmt.Println(b.Result(ctx))
	}, report)
	// Output:
	// true
	// report of Monday <nil>
}

// A document is indexed once it has been left alone for a moment, and after a
// minute of changes all the same.
func ExampleDebounce() {
	index := runtime.Define("index", func(_ context.Context, version int) (int, error) { return version, nil })
	withRuntime(func(ctx context.Context) {
		var last *runtime.Handle[int]
		for version := range 3 {
			h, err := index.Start(ctx, version, runtime.Debounce("doc-7", 300*time.Millisecond, time.Minute))
			if err != nil {
				panic(err)
			}
			last = h
		}
		fmt.Println(last.Result(ctx))
	}, index)
	// Output: 2 <nil>
}
