package experiment

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/cmd/stepwell/internal/plot"
	"github.com/stepwell/stepwell/runtime/app"
)

// The limits keep the prober from becoming the load.
const (
	maxRuns = 1_000_000
	maxRate = 1000
)

// Command is "experiment", for a binary that has the workloads.
func Command(workloads []string) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "experiment",
		Short: "See whether a busy server still answers its health probes",
		Long: `Starts a server of its own as a child process, on free ports and in a temporary
directory, gives it runs of a workload, and probes GET /health from outside at a
fixed rate, each probe on a connection of its own as the probers of platforms do.
A slow answer delays no later probe, and latency counts from the moment a probe
was due. A probe is missed when no answer with status 200 to 299 came within 1 s;
in the percentiles it counts as 1 s.

Ends when all runs have ended, prints what was measured and draws it. The exit
code is 1 when a probe was missed or a run failed; runs that --for left no time
to end are no failure.`,
		Example: `  stepwell experiment --workload fibonacci -n 100
  stepwell experiment --workload delays -n 1000 --rate 50 --plot delays.svg
  stepwell experiment --for 30s -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.workloads = workloads
	f := cmd.Flags()
	f.StringVar(&o.workload, "workload", workloads[0], "what to run: "+strings.Join(workloads, ", "))
	f.IntVarP(&o.runs, "runs", "n", 100, "number of runs")
	f.Float64Var(&o.rate, "rate", 10, "probes a second")
	f.DurationVar(&o.length, "for", 0, "stop after this time, even when runs have not ended (default: when all have)")
	f.StringVar(&o.plot, "plot", "experiment.svg", `file for the drawing; "" for none`)
	f.StringVarP(&o.output, "output", "o", "text", "form of the result: text, json")
	return cmd
}

type options struct {
	workloads []string
	workload  string
	runs      int
	rate      float64
	length    time.Duration
	plot      string
	output    string
}

// check returns all that is wrong with the flags.
func (o *options) check() error {
	var errs []error
	if !slices.Contains(o.workloads, o.workload) {
		errs = append(errs, fmt.Errorf("--workload is %q: want %s", o.workload, strings.Join(o.workloads, ", ")))
	}
	if o.runs < 1 || o.runs > maxRuns {
		errs = append(errs, fmt.Errorf("-n is %d: want 1 to %d", o.runs, maxRuns))
	}
	if !(o.rate >= 0.01 && o.rate <= maxRate) { // also refuses NaN
		errs = append(errs, fmt.Errorf("--rate is %v: want 0.01 to %d", o.rate, maxRate))
	}
	if o.length < 0 {
		errs = append(errs, fmt.Errorf("--for is %v: want more than 0", o.length))
	}
	if o.output != "text" && o.output != "json" {
		errs = append(errs, fmt.Errorf("-o is %q: want text or json", o.output))
	}
	return errors.Join(errs...)
}

func (o *options) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return app.UsageErrorf("%w", err)
	}
	cmd.SilenceUsage = true // the flags were right
	program, err := os.Executable()
	if err != nil {
		return err
	}
	// Now rather than after a minute of measuring.
	if err := writable(o.plot); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	p := newProgress(cmd.ErrOrStderr(), o.runs)
	p.note(fmt.Sprintf("%s of %s, probing %v times a second; Ctrl-C ends it", count(o.runs, "run"), o.workload, o.rate))
	r, err := Run(ctx, Config{Program: program, Workload: o.workload, Runs: o.runs, Rate: o.rate, Length: o.length, Watch: p.show})
	p.end()
	p.logOf(err)
	if err != nil {
		if i, e := os.Stat(o.plot); e == nil && i.Size() == 0 {
			os.Remove(o.plot) // made by writable
		}
		return err
	}
	if err := o.draw(r); err != nil {
		return err
	}
	print := r.Text
	if o.output == "json" {
		print = r.JSON
	}
	if err := print(cmd.OutOrStdout(), o.plot); err != nil {
		return err
	}
	p.logOf(r.Server)
	return r.Verdict()
}

// writable makes sure that the drawing can be written, without harm to one
// that exists.
func writable(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("--plot: %w", err)
	}
	return f.Close()
}

func (o *options) draw(r *Result) error {
	if o.plot == "" {
		return nil
	}
	f, err := os.Create(o.plot)
	if err != nil {
		return err
	}
	err = errors.Join(plot.Write(f, drawing(r)), f.Close())
	if abs, e := filepath.Abs(o.plot); e == nil {
		o.plot = abs
	}
	return err
}

// drawing is the part of a result that is drawn.
func drawing(r *Result) plot.Data {
	d := plot.Data{
		Workload: r.Workload, Runs: r.Runs, Rate: r.Rate, Timeout: r.Timeout,
		P50: r.Latency.P50, P99: r.Latency.P99, Max: r.Latency.Max, PeakMB: r.peak(), Wall: r.Wall,
	}
	for _, p := range r.Probes {
		d.Probes = append(d.Probes, plot.Probe{At: p.At, Latency: p.Latency, Missed: p.Missed != ""})
	}
	for _, m := range r.Memory {
		d.Memory = append(d.Memory, plot.Memory{At: m.At, MB: m.MB})
	}
	for _, p := range r.Progress {
		d.Done = append(d.Done, plot.Done{At: p.At, Ended: p.Runs.ended(), Failed: p.Runs.bad()})
	}
	return d
}
