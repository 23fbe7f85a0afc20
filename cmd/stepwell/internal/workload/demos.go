package workload

import (
	"context"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app"
)

// Demos are the buttons of the experiment on the web UI: each starts 5 runs.
func Demos() []app.Demo {
	start := func(workload string) func(context.Context, *runtime.Runtime) ([]string, error) {
		return func(ctx context.Context, rt *runtime.Runtime) ([]string, error) {
			return startAll(ctx, rt, workload, 5)
		}
	}
	return []app.Demo{
		{
			Name: Delays.Name(), Title: "Run the experiment", Start: start(Delays.Name()),
			Description: "5 runs of delays: 3 steps each, and every one waits 1 to 5 seconds. They take no thread while they wait.",
		},
		{
			Name: Fibonacci.Name(), Title: "Keep the processor busy", Start: start(Fibonacci.Name()),
			Description: "5 runs of fibonacci: 3 steps each that only compute. Health stays quick all the while.",
		},
		{
			Name: Fetch.Name(), Title: "See steps fail and try again", Start: start(Fetch.Name()),
			Description: "5 runs of fetch: 3 steps each that call an address which fails now and then.",
		},
	}
}
