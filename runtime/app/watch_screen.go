package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// redrawEvery bounds how often a screen is drawn while changes come.
const redrawEvery = 100 * time.Millisecond

// onScreen shows the run in its place. When it has ended, or with Ctrl-C, its
// last state stays on the first screen.
func (v *liveRun) onScreen(id string) (err error) {
	screen, err := v.out.Open()
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards v and trouble until the changes have ended
	var trouble error
	dirty := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(v.ctx)
	over := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		over <- v.changes(ctx, id, func(c runChange) {
			mu.Lock()
			if err := v.apply(c); err != nil && trouble == nil {
				trouble = err
				cancel()
			}
			mu.Unlock()
			select {
			case dirty <- struct{}{}:
			default: // it is to be drawn already
			}
		})
	})
	err = v.drawUntil(over, dirty, &mu, screen)
	cancel()
	wg.Wait()
	screen.Close()
	if trouble != nil {
		return trouble
	}
	most := shownSteps
	if v.all {
		most = 0
	}
	if e := v.out.Lines(v.page(&v.run, v.steps, most)); err == nil {
		err = e
	}
	return err
}

// drawUntil draws until the changes are over.
func (v *liveRun) drawUntil(over <-chan error, dirty <-chan struct{}, mu *sync.Mutex, screen *term.Screen) error {
	resized, stop := term.Resized()
	defer stop()
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		mu.Lock()
		lines := v.frame()
		mu.Unlock()
		if err := screen.Draw(lines); err != nil {
			return err
		}
		drawn := time.NewTimer(redrawEvery)
		select {
		case err := <-over:
			drawn.Stop()
			return err
		case <-dirty:
			<-drawn.C // others may come with it
		case <-tick.C:
		case <-resized:
		}
		drawn.Stop()
	}
}

// frame is the run as it is drawn now.
func (v *liveRun) frame() []string {
	foot := "Ctrl-C ends the watching, not the run"
	if v.note != "" {
		foot = v.note
	}
	_, height := v.out.Size()
	facts := len(v.facts(&v.run))
	most := max(height-facts-7, 6)
	lines := v.page(&v.run, v.steps, most)
	if n := len(lines); len(v.steps) > most && n > 0 && strings.Contains(lines[n-1], "--all-steps") {
		lines = lines[:n-1]
	}
	return append(lines, "", v.out.Paint(term.Faint, foot))
}
