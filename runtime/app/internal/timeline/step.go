package timeline

import (
	"slices"
	"time"
)

// Run is the run whose steps are drawn. A zero time has not come yet.
type Run struct {
	Status         string
	Started, Ended time.Time
}

// Step is a step of it.
type Step struct {
	Path, Name, Kind, Status string
	// Child is the other run that the step concerns, or empty.
	Child string
	// Copied: it is from the run that this one was forked from.
	Copied bool
	// Number of the last attempt; 0: none has ended.
	Number           int
	Start, End, Wake time.Time
	Attempts         []Attempt
}

// Attempt is one try of a step that has ended.
type Attempt struct {
	Start, End time.Time
	Failed     bool
}

// look is how a part of a bar appears; of those that share a column the
// highest is seen.
type look int

const (
	none look = iota
	pause
	wait
	done
	under
	failed
)

// part is a piece of a bar.
type part struct {
	from, to time.Time
	look     look
}

// waits are the kinds of steps that do nothing but wait.
var waits = []string{"sleep", "receive", "result", "get_event", "read", "select"}

// parts are the pieces of the step's bar, as far as now.
func (s *Step) parts(now time.Time) []part {
	if s.Copied || s.Start.IsZero() {
		return nil
	}
	if slices.Contains(waits, s.Kind) {
		return []part{{s.Start, orNow(s.End, now, s.Status != "waiting"), wait}}
	}
	if len(s.Attempts) == 0 {
		return []part{{s.Start, orNow(s.End, now, s.open()), under}}
	}
	var parts []part
	last := time.Time{}
	for _, a := range s.Attempts {
		if !last.IsZero() && a.Start.After(last) {
			parts = append(parts, part{last, a.Start, pause})
		}
		l := done
		if a.Failed {
			l = failed
		}
		last = orNow(a.End, now, true)
		parts = append(parts, part{a.Start, last, l})
	}
	switch {
	case s.Status == "retrying" && s.Wake.After(now):
		parts = append(parts, part{last, now, pause})
	case s.Status == "retrying":
		// The row of an attempt is written when it ends.
		parts = append(parts, part{last, s.Wake, pause}, part{later(s.Wake, last), now, under})
	case s.Status == "waiting":
		parts = append(parts, part{last, now, under})
	}
	return parts
}

func (s *Step) open() bool { return s.Status != "waiting" && s.Status != "retrying" }

// orNow is t, or now while t has not come.
func orNow(t, now time.Time, ended bool) time.Time {
	if t.IsZero() || !ended {
		return now
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// span is the time that is drawn: all of the run, and of its steps.
func span(run Run, lines []line, now time.Time) (from, to time.Time) {
	from, to = run.Started, run.Ended
	for _, l := range lines {
		for _, p := range l.parts {
			if from.IsZero() || p.from.Before(from) {
				from = p.from
			}
			to = later(to, p.to)
		}
	}
	if run.Ended.IsZero() {
		to = later(to, now)
	}
	if from.IsZero() {
		from = to
	}
	return from, to
}
