package experiment

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows the state while an experiment goes on: on a terminal one line
// that is written over, elsewhere a line every few seconds.
type progress struct {
	w     io.Writer
	width func() int // of the terminal; nil: not a terminal
	runs  int
	next  time.Duration // of the next plain line
	open  bool          // a line is to be written over, or ended
}

const (
	// plainEvery keeps a log short.
	plainEvery = 5 * time.Second
	barColumns = 20
)

func newProgress(w io.Writer, runs int) *progress {
	p := &progress{w: w, runs: runs}
	if f, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		p.width = func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil || width < 10 {
				return 80
			}
			return width
		}
	}
	return p
}

func (p *progress) note(text string) {
	p.end()
	fmt.Fprintln(p.w, text)
}

func (p *progress) show(s State) {
	bar := ""
	if p.width != nil {
		bar = strings.Repeat("=", barColumns*min(s.Runs.ended(), p.runs)/p.runs)
		bar = fmt.Sprintf("   [%-*s]", barColumns, bar)
	}
	line := fmt.Sprintf("%4.0f s%s   runs %d/%d", s.At.Seconds(), bar, s.Runs.ended(), p.runs)
	if s.Runs.bad() > 0 {
		line += fmt.Sprintf(" (%d bad)", s.Runs.bad())
	}
	line += fmt.Sprintf("   probes %d, %d missed   p99 %s   memory %.1f MB", s.Sent, s.Missed, millis(s.P99), s.MB)
	if p.width != nil {
		if w := p.width() - 1; len(line) > w {
			line = line[:w] // a wrapped line could not be written over
		}
		fmt.Fprintf(p.w, "\r%s\x1b[K", line)
		p.open = true
		return
	}
	if s.At >= p.next {
		fmt.Fprintln(p.w, line)
		p.next = s.At.Truncate(plainEvery) + plainEvery
	}
}

// end finishes the line under way.
func (p *progress) end() {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.open = false
	}
}

// logOf shows the end of the server's log when the server went wrong.
func (p *progress) logOf(err error) {
	if se, ok := errors.AsType[*serverError](err); ok {
		p.note("the end of the server's log:")
		for _, line := range se.log {
			p.note("    " + line)
		}
	}
}
