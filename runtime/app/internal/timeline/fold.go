package timeline

import (
	"fmt"
	"time"
)

// fold makes the lines of the steps, at most about most of them, or all when it
// is 0.
func fold(steps []Step, now time.Time, most int) []line {
	keep := kept(steps, most)
	var lines []line
	for i := 0; i < len(steps); i++ {
		if keep == nil || keep[i] {
			lines = append(lines, lineOf(&steps[i], now))
			continue
		}
		end := i
		for end < len(steps) && !keep[end] {
			end++
		}
		lines = append(lines, folded(steps[i:end], now))
		i = end - 1
	}
	return lines
}

// kept tells which steps have a line of their own; nil: all.
func kept(steps []Step, most int) []bool {
	if most == 0 || len(steps) <= most {
		return nil
	}
	keep := make([]bool, len(steps))
	third := max(most/3, 1)
	for i := range third {
		keep[i], keep[len(steps)-1-i] = true, true
	}
	// Of what tells something, the latest.
	for i, left := len(steps)-1, third; i >= 0 && left > 0; i-- {
		if s := &steps[i]; !keep[i] && (s.Status != "succeeded" || s.Number > 1) {
			keep[i] = true
			left--
		}
	}
	return keep
}

// folded is one line for several steps.
func folded(steps []Step, now time.Time) line {
	if len(steps) == 1 {
		return lineOf(&steps[0], now)
	}
	l := line{label: fmt.Sprintf("(%d steps)", len(steps))}
	failures := 0
	var from, to time.Time
	for i := range steps {
		s := &steps[i]
		if s.Status == "failed" {
			failures++
		}
		for _, p := range s.parts(now) {
			if from.IsZero() || p.from.Before(from) {
				from = p.from
			}
			to = later(to, p.to)
			l.parts = append(l.parts, p)
		}
	}
	l.took = Short(to.Sub(from))
	if failures > 0 {
		l.note = fmt.Sprintf("%d failed", failures)
	}
	return l
}
