package term

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// plainEvery keeps a log short, drawEvery a terminal lively.
	plainEvery, drawEvery = 5 * time.Second, 100 * time.Millisecond
	barColumns            = 24
)

// Progress shows how far a long work is: on a terminal one line that is written
// over, elsewhere a line every few seconds. Safe for concurrent use.
//
// It is some lines of our own because the libraries for it bring more of them
// than it takes, and say nothing on what is no terminal.
type Progress struct {
	o     *Out
	what  string
	began time.Time
	stop  chan struct{}
	ended sync.WaitGroup

	mu          sync.Mutex
	done, total int
	note        string
	shown       string // on the terminal's line
}

// Progress begins to show a work of so many parts; 0: how many is not known.
// End has to be called.
func (o *Out) Progress(what string, total int) *Progress {
	p := &Progress{o: o, what: what, total: total, began: time.Now(), stop: make(chan struct{})}
	p.ended.Go(p.run)
	return p
}

// Set says how much is done, and what else there is to say.
func (p *Progress) Set(done int, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.note = done, note
}

// Above has print write lines of the result, above the progress where both are
// on one terminal.
func (p *Progress) Above(print func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
	return print()
}

// End takes the line away. Nothing is shown afterwards.
func (p *Progress) End() {
	close(p.stop)
	p.ended.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
}

func (p *Progress) clearLocked() {
	if p.shown != "" {
		fmt.Fprint(p.o, "\r\x1b[K")
		p.shown = ""
	}
}

func (p *Progress) run() {
	every := plainEvery
	if p.o.Terminal {
		every = drawEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			p.showLocked(time.Now())
			p.mu.Unlock()
		case <-p.stop:
			return
		}
	}
}

func (p *Progress) showLocked(now time.Time) {
	line := p.lineLocked(now.Sub(p.began))
	if !p.o.Terminal {
		fmt.Fprintln(p.o, line)
		return
	}
	// A line that wraps could not be written over.
	if line = p.o.cutPainted(line, p.o.Width()-1); line != p.shown {
		fmt.Fprintf(p.o, "\r%s\x1b[K", line)
		p.shown = line
	}
}

func (p *Progress) lineLocked(took time.Duration) string {
	parts := []string{p.what}
	if p.total > 0 {
		if p.o.Terminal {
			parts = append(parts, p.o.Bar(p.done, p.total, barColumns))
		}
		parts = append(parts, fmt.Sprintf("%d/%d", p.done, p.total))
	}
	if p.note != "" {
		parts = append(parts, Clean(p.note))
	}
	parts = append(parts, took.Truncate(time.Second).String())
	if p.total > p.done && p.done > 0 && took >= 2*time.Second {
		left := time.Duration(float64(took) / float64(p.done) * float64(p.total-p.done))
		parts = append(parts, "about "+left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, "  ")
}

// Bar draws a share of a whole.
func (o *Out) Bar(done, total, columns int) string {
	full, rest := "█", "░"
	if !o.Unicode {
		full, rest = "#", "."
	}
	n := 0
	if total > 0 {
		n = min(max(done, 0)*columns/total, columns)
	}
	return o.Paint(Good, strings.Repeat(full, n)) + o.Paint(Faint, strings.Repeat(rest, columns-n))
}
