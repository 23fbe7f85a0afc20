package experiment

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Result is what an experiment measured.
type Result struct {
	Workload string
	Runs     int
	Rate     float64
	Timeout  time.Duration

	Probes  []Probe // in the order in which they were due
	Latency Latency
	Memory  []Memory
	// PeakMB is the highest resident memory as the system counts it; zero
	// where it does not tell. HealthMB is the highest the server spoke of.
	PeakMB, HealthMB float64
	Progress         []Progress
	Ended            Runs
	// Failures says why runs failed, a few of them.
	Failures []string
	Wall     time.Duration
	// Stopped says what ended the experiment before all runs had ended; nil
	// when they had. A chosen length of time is a reason too.
	Stopped error
	// Server is how the server went wrong; nil when it did not.
	Server error
}

// Memory is the resident memory of the server at a moment.
type Memory struct {
	At time.Duration
	MB float64
}

// Progress is the state of the runs at a moment.
type Progress struct {
	At   time.Duration
	Runs Runs
}

func (r *Result) missed() int {
	n := 0
	for _, p := range r.Probes {
		if p.Missed != "" {
			n++
		}
	}
	return n
}

// reasons counts the missed probes by reason.
func (r *Result) reasons() map[string]int {
	m := map[string]int{}
	for _, p := range r.Probes {
		if p.Missed != "" {
			m[p.Missed]++
		}
	}
	return m
}

// late is the most by which the prober itself was behind its schedule, and
// rest the latencies without its share: what is left is the server's and the
// network's. On a machine with more work than cores, the two differ.
func (r *Result) late() (most time.Duration, rest Latency) {
	without := slices.Clone(r.Probes)
	for i, p := range without {
		most = max(most, p.Late)
		if p.Missed == "" {
			without[i].Latency -= p.Late
		}
	}
	return most, summarize(without)
}

// peak is the best known highest memory.
func (r *Result) peak() float64 { return max(r.PeakMB, r.HealthMB) }

// Verdict is why the experiment failed: what was missed, failed or died. A
// chosen end is no failure.
func (r *Result) Verdict() error {
	var bad []string
	if n := r.missed(); n > 0 {
		bad = append(bad, fmt.Sprintf("%d of %d probes missed", n, len(r.Probes)))
	}
	if n := r.Ended.bad(); n > 0 {
		bad = append(bad, fmt.Sprintf("%d of %d runs did not succeed", n, r.Runs))
	}
	if r.Stopped != nil && r.Stopped != errLength {
		bad = append(bad, r.Stopped.Error())
	}
	if r.Server != nil {
		bad = append(bad, r.Server.Error())
	}
	if bad == nil {
		return nil
	}
	return fmt.Errorf("experiment: %s", strings.Join(bad, "; "))
}

// Text writes the result for people. plot is where the drawing is, if anywhere.
func (r *Result) Text(w io.Writer, plot string) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("workload", "%s, %s", r.Workload, count(r.Runs, "run"))
	line("probes", "%d sent, %d answered, %d missed   (%v a second, timeout %v, a new connection each)",
		len(r.Probes), len(r.Probes)-r.missed(), r.missed(), r.Rate, r.Timeout)
	reasons := r.reasons()
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		line("", "missed %d: %s", reasons[reason], reason)
	}
	if len(r.Probes) > 0 {
		note := ""
		if r.missed() > 0 {
			note = fmt.Sprintf("   (a missed probe counts as %v)", r.Timeout)
		}
		line("latency", "p50 %s   p99 %s   max %s%s", millis(r.Latency.P50), millis(r.Latency.P99), millis(r.Latency.Max), note)
		if late, rest := r.late(); late > r.Latency.Max/2 {
			line("", "of which the prober's own delay was up to %s; without it p50 %s   p99 %s   max %s",
				millis(late), millis(rest.P50), millis(rest.P99), millis(rest.Max))
		}
	}
	switch {
	case r.PeakMB > 0 && r.HealthMB > 0:
		line("memory", "%.1f MB at most (%.1f MB in /health)", r.PeakMB, r.HealthMB)
	case r.peak() > 0:
		line("memory", "%.1f MB at most", r.peak())
	}
	runs := fmt.Sprintf("%d succeeded, %d failed", r.Ended.Succeeded, r.Ended.Failed)
	for _, more := range []struct {
		n    int
		what string
	}{{r.Ended.Cancelled, "cancelled"}, {r.Ended.Stuck, "stuck"}, {r.Runs - r.Ended.ended(), "unfinished"}} {
		if more.n > 0 {
			runs += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	line("runs", "%s", runs)
	for _, f := range r.Failures {
		line("", "%s", f)
	}
	line("time", "%.1f s", r.Wall.Seconds())
	if plot != "" {
		line("plot", "%s", plot)
	}
	return t.Flush()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }
