package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

const (
	// elsewhere is the width of a line where no terminal says one.
	elsewhere = 100
	// The bar takes what the words leave it, within these bounds.
	minBar, maxBar = 10, 120
)

// line is one of the drawing.
type line struct {
	label, took, note string
	style             term.Style
	parts             []part
}

// Draw returns the lines of the timeline as it stands now, none for a run
// without steps. Of more than most steps it shows the first, the last and those
// that tell something, and folds the others; 0: all.
func Draw(o *term.Out, run Run, steps []Step, now time.Time, most int) []string {
	lines := fold(steps, now, most)
	if l, ok := current(run, steps, now); ok {
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		return nil
	}
	width := o.Width()
	if width == 0 {
		width = elsewhere
	}
	labels, tooks, notes := 0, 0, 0
	for i := range lines {
		l := &lines[i]
		l.label = o.Cut(l.label, max(width/3, minBar))
		labels, tooks, notes = max(labels, term.Columns(l.label)), max(tooks, term.Columns(l.took)), max(notes, term.Columns(l.note))
	}
	if o.Terminal {
		notes = min(notes, width/4)
	}
	from, to := span(run, lines, now)
	b := bar{o: o, from: from, total: max(to.Sub(from), time.Microsecond)}
	b.columns = min(max(width-labels-tooks-notes-6, minBar), maxBar)
	out := []string{o.Paint(term.Faint, strings.Repeat(" ", labels+2)+b.scale())}
	for _, l := range lines {
		text := fmt.Sprintf("%s  %s  %s", padded(l.label, labels), b.draw(l.parts), padded(l.took, tooks))
		if l.note != "" {
			note := l.note
			if o.Terminal {
				note = o.Cut(note, max(width-labels-b.columns-tooks-6, 0))
			}
			text += "  " + o.Paint(l.style, note)
		}
		out = append(out, strings.TrimRight(text, " "))
	}
	if legend := b.legend(); legend != "" {
		out = append(out, strings.Repeat(" ", labels+2)+legend)
	}
	return out
}

func padded(s string, n int) string { return s + strings.Repeat(" ", max(n-term.Columns(s), 0)) }

// lineOf is the line of one step.
func lineOf(s *Step, now time.Time) line {
	label := strings.Repeat("  ", strings.Count(s.Path, ".")) + term.Clean(s.Path)
	if s.Kind != "step" && s.Kind != "tx" {
		label += " " + s.Kind
	}
	if s.Name != "" {
		label += " " + term.Clean(s.Name)
	}
	l := line{label: label, parts: s.parts(now), style: term.StyleOf(s.Status)}
	var notes []string
	if s.Status != "succeeded" {
		notes = append(notes, s.Status)
	}
	if s.Number > 1 {
		notes = append(notes, fmt.Sprintf("attempt %d", s.Number))
	}
	if s.Wake.After(now) {
		notes = append(notes, "until "+s.Wake.Local().Format(untilForm(s.Wake.Sub(now))))
	}
	if s.Child != "" {
		notes = append(notes, "of "+term.Clean(s.Child))
		if s.Kind == "child" {
			notes[len(notes)-1] = "run " + term.Clean(s.Child)
		}
	}
	if s.Copied {
		notes = append(notes, "copied")
	} else if n := len(l.parts); n > 0 {
		l.took = Short(l.parts[n-1].to.Sub(s.Start))
	}
	l.note = strings.Join(notes, ", ")
	return l
}

func untilForm(d time.Duration) string {
	if d < 12*time.Hour {
		return "15:04:05"
	}
	return "2006-01-02 15:04"
}

// current is a line for what is under way: a step is recorded when it has
// ended, so it has no line of its own before.
func current(run Run, steps []Step, now time.Time) (line, bool) {
	if run.Status != "running" || run.Started.IsZero() {
		return line{}, false
	}
	since := run.Started
	for i := range steps {
		s := &steps[i]
		if parts := s.parts(now); len(parts) > 0 {
			if p := parts[len(parts)-1]; p.to.Equal(now) {
				return line{}, false // it is under way itself
			}
			since = later(since, s.End)
		}
	}
	if !now.After(since) {
		return line{}, false
	}
	return line{label: "under way", took: Short(now.Sub(since)), parts: []part{{since, now, under}}}, true
}

// Short writes a duration in at most two units.
func Short(d time.Duration) string {
	switch {
	case d <= 0:
		return "0s"
	case d < time.Millisecond:
		return "<1ms"
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}
