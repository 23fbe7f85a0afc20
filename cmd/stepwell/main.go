// Stepwell runs durable workflows. This binary brings the three workflows of
// the experiment, and the command that makes it.
package main

import (
	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/cmd/stepwell/internal/experiment"
	"github.com/stepwell/stepwell/cmd/stepwell/internal/workload"
	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app"
)

func main() {
	a := &app.App{
		Definitions: []runtime.Definition{workload.Delays, workload.Fibonacci, workload.Fetch},
		Open:        []string{workload.FlakyPath},
		Demos:       workload.Demos(),
		Commands:    []*cobra.Command{experiment.Command(workload.Names())},
	}
	a.Routes = workload.Routes(a.URL)
	a.Main()
}
