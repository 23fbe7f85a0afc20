package plot

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// what names the work.
func (p *picture) what() string {
	return fmt.Sprintf("%s, %s", p.Workload, count(p.Runs, "run", "runs"))
}

// verdict is the answer to the experiment's question.
func (p *picture) verdict() string {
	n := len(p.Probes)
	switch {
	case n == 0:
		return "no probe was sent"
	case p.missedCount > 0:
		return fmt.Sprintf("%s of %s missed", number(float64(p.missedCount)), count(n, "probe", "probes"))
	case n == 1:
		return "the one probe was answered"
	default:
		return fmt.Sprintf("all %s probes answered", number(float64(n)))
	}
}

func (p *picture) title() string { return p.what() + ": " + p.verdict() }

// facts are the numbers under the title. The second to fourth are those of
// the probes.
func (p *picture) facts() []string {
	last := p.last()
	runs := fmt.Sprintf("%s succeeded", number(float64(last.Ended-last.Failed)))
	if last.Failed > 0 {
		runs += fmt.Sprintf(", %s failed", number(float64(last.Failed)))
	}
	if rest := p.Runs - last.Ended; rest > 0 {
		runs += fmt.Sprintf(", %s unfinished", number(float64(rest)))
	}
	levels := []string{"p50 –", "p99 –", "max –"}
	if len(p.Probes) > 0 {
		levels = []string{"p50 " + duration(p.P50), "p99 " + duration(p.P99), "max " + duration(p.Max)}
	}
	return append(append([]string{runs}, levels...), "took "+wall(p.Wall))
}

// method says how it was measured.
func (p *picture) method() string {
	return fmt.Sprintf("probed %s times a second from another process, a new connection each time, timeout %s",
		strconv.FormatFloat(p.Rate, 'g', 3, 64), duration(p.Timeout))
}

// description says in words what the drawing shows.
func (p *picture) description() string {
	s := "Three panels over the same time: latency of each health probe on a logarithmic axis, memory of the server, and runs ended. " +
		strings.Join(p.facts(), ", ") + "."
	if p.PeakMB > 0 {
		s += fmt.Sprintf(" Peak memory %.1f MB.", p.PeakMB)
	}
	return s + " Measured: " + p.method() + "."
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(float64(n)) + " " + many
}

// number groups thousands.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	whole, frac, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac != "" {
		return whole + "." + frac
	}
	return whole
}

// fit returns the font size, at most size, at which a bold text keeps within
// room. The widest of the usual fonts takes 0.69 of its size for a letter.
func fit(size, room float64, text string) float64 {
	return min(size, math.Floor(room/(0.69*float64(len([]rune(text))))))
}

// short writes a count in at most five characters, for a tick.
func short(n int) string {
	switch {
	case n >= 1_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'g', 3, 64) + "M"
	case n >= 1_000:
		return strconv.FormatFloat(float64(n)/1e3, 'g', 3, 64) + "k"
	}
	return strconv.Itoa(n)
}

func wall(d time.Duration) string {
	if d < 2*time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}
