package blackbox

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

type input struct {
	// Steps is the number of steps one after the other, before the branches.
	Steps int `json:"steps"`
	// SleepMS is slept between them.
	SleepMS int `json:"sleep_ms"`
	// Branches run at the same time, a step each.
	Branches int `json:"branches"`
}

// definitions are the workflows of the child. Each step leaves a line in the
// file: "run path-independent-name". A line is one write, so it is whole or
// absent whatever happens to the process.
func definitions(effects string) []runtime.Definition {
	file, err := os.OpenFile(effects, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		panic(err)
	}
	step := func(ctx context.Context, run, name string) (string, error) {
		return runtime.Step(ctx, name, func(context.Context) (string, error) {
			_, err := fmt.Fprintf(file, "%s %s\n", run, name)
			return name, err
		}, runtime.Retry{Initial: time.Second})
	}
	work := runtime.Define("work", func(ctx context.Context, in input) (string, error) {
		run, err := runtime.NewID(ctx)
		if err != nil {
			return "", err
		}
		var names []string
		for i := range in.Steps {
			name, err := step(ctx, run, fmt.Sprint("step-", i))
			if err != nil {
				return "", err
			}
			names = append(names, name)
			if in.SleepMS > 0 {
				if err := runtime.Sleep(ctx, time.Duration(in.SleepMS)*time.Millisecond); err != nil {
					return "", err
				}
			}
		}
		items := make([]int, in.Branches)
		for i := range items {
			items[i] = i
		}
		more, err := runtime.Map(ctx, items, 0, func(ctx context.Context, i int) (string, error) {
			return step(ctx, run, fmt.Sprint("branch-", i))
		})
		return strings.Join(append(names, more...), " "), err
	})
	hold := runtime.Define("hold", func(ctx context.Context, _ struct{}) (int, error) {
		if _, err := runtime.Step(ctx, "first", func(context.Context) (int, error) { return 1, nil }); err != nil {
			return 0, err
		}
		return runtime.Step(ctx, "hold", func(ctx context.Context) (int, error) {
			fmt.Fprint(file, holdLine)
			<-ctx.Done()
			return 0, ctx.Err()
		})
	})
	return []runtime.Definition{work, burn, crunch, snooze, hold, wakeAt(file), heavy, ledgerTable, bookkeep}
}

// burn takes the CPU without saying so.
var burn = runtime.Define("burn", func(ctx context.Context, n int) (int, error) {
	sum := 0
	for range 3 {
		got, err := runtime.Step(ctx, "unmarked-fibonacci", func(context.Context) (int, error) { return fibonacci(n), nil })
		if err != nil {
			return 0, err
		}
		sum += got
	}
	return sum, nil
})

func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

// snooze sleeps durably.
var snooze = runtime.Define("snooze", func(ctx context.Context, ms int) (int, error) {
	return ms, runtime.Sleep(ctx, time.Duration(ms)*time.Millisecond)
})

// holdLine is what the workflow hold leaves when it gets to its second step,
// in which it stays.
const holdLine = "hold\n"
