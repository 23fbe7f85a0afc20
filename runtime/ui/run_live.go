package ui

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

const (
	// runEvery is how often a page of a run changes at most.
	runEvery = 300 * time.Millisecond
	// runTick is how often what is under way is drawn longer.
	runTick = time.Second
	// restFactor bounds the share of the time that goes into one page: a run with
	// a long history, which takes long to read, is read less often.
	restFactor = 20
	// longestRest is as long as that gets.
	longestRest = 3 * time.Second
	// keptRows is how long a history may be that is kept between two looks. Of a
	// longer one the bars of what is under way grow at its next look only.
	keptRows = 2000
)

// liveRun keeps one page of a run up to date.
type liveRun struct {
	u      *UI
	s      *stream
	id     string
	part   timelinePart
	admin  bool
	h      *history // nil: it is read anew
	looked time.Time
	lines  map[string]uint64 // sums of what the page has, by id
	order  []string
	begun  bool
	status string
}

// watchRun sends what changes of a run's page, until it has ended.
func (u *UI) watchRun(w http.ResponseWriter, r *http.Request) error {
	part, err := readPart(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	_, err = u.rt.Get(ctx, runID(r))
	cancel()
	if err != nil {
		return err
	}
	s, err := u.openStream(w, r)
	if err != nil {
		return err
	}
	defer s.close()
	l := &liveRun{u: u, s: s, id: runID(r), part: part, admin: u.admin(r), lines: map[string]uint64{}}
	l.watch()
	return nil
}

// watch returns when the run has ended or the client has gone.
func (l *liveRun) watch() {
	ctx, cancel := context.WithCancel(l.s.ctx)
	news := make(chan struct{}, 1)
	over := make(chan error, 1)
	l.s.wg.Go(func() { // close waits for it
		var last error
		for _, err := range l.u.rt.WatchRun(ctx, l.id, runEvery) {
			last = err
			select {
			case news <- struct{}{}:
			default:
			}
		}
		over <- last
	})
	defer cancel()
	tick := time.NewTicker(runTick)
	defer tick.Stop()
	for {
		var began time.Time
		select {
		case <-news:
			began = time.Now()
			if !l.read(ctx) {
				return
			}
		case <-tick.C:
			began = time.Now()
			switch {
			case l.h != nil && began.Sub(l.h.now) >= l.h.patience():
				l.h.refresh(l.u.rt, l.id)
			case l.h == nil && began.Sub(l.looked) >= longestRest:
				if !l.read(ctx) {
					return
				}
			default:
				continue
			}
		case err := <-over:
			if err == nil {
				l.read(ctx) // the last is never lost
				l.send()
			}
			if err == nil || errors.Is(err, runtime.ErrNotFound) {
				l.s.event("over", nil)
			}
			return // else the page asks again, the next process too
		case <-ctx.Done():
			return
		}
		if !l.send() {
			return
		}
		rest := time.NewTimer(min(time.Since(began)*restFactor, longestRest))
		select {
		case <-rest.C:
		case <-ctx.Done():
		}
		rest.Stop()
	}
}

// patience is how long a page can wait to be drawn again when nothing has
// changed but the time: until that shows.
func (h *history) patience() time.Duration {
	return h.now.Sub(h.run.CreatedAt) / 500
}

// refresh has the time go on over rows that were read before.
func (h *history) refresh(rt *runtime.Runtime, id string) {
	h.now, h.active = time.Now(), rt.Active(id)
}

func (l *liveRun) read(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := l.u.read(ctx, l.id)
	if err == nil {
		err = l.u.readEvents(ctx, h)
	}
	if err != nil {
		return ctx.Err() != nil // it was deleted; or it is slow, and comes again
	}
	l.h, l.looked = h, h.now
	return true
}

// send sends what differs from what the page has.
func (l *liveRun) send() bool {
	if l.h == nil {
		return true
	}
	d := l.u.runData(l.h, l.admin)
	v := l.h.timeline().window(l.id, l.h.run.ForkedFrom, l.part)
	d.Timeline = v
	if len(l.h.rows) > keptRows {
		defer func() { l.h = nil }()
	}
	if status := l.h.run.Status.String(); status != l.status {
		if l.status != "" && !l.s.send("said", []byte("The run is "+status+".")) {
			return false
		}
		l.status = status
	}
	return l.s.send("head", l.u.fragment("run", "run-head", d)) &&
		l.s.send("result", l.u.fragment("run", "run-result", d)) &&
		l.s.send("events", l.u.fragment("run", "run-events", d)) &&
		l.s.send("axis", l.u.fragment("run", "timeline-axis", v)) &&
		l.s.send("grid", l.u.fragment("run", "timeline-grid", v)) &&
		l.s.send("more", l.u.fragment("run", "timeline-more", v)) &&
		l.sendLines(v)
}

// sendLines sends the lines that are new or changed, each to its place. The
// first time it sends none of those that the page may have: it sends all that
// could have changed since it was rendered.
func (l *liveRun) sendLines(v *timelineView) bool {
	var changed, fresh bytes.Buffer
	last := ""
	order := make([]string, 0, len(v.Lines))
	for i := range v.Lines {
		order = append(order, v.Lines[i].ID)
	}
	if !l.begun || !isWithin(l.order, order) {
		// Lines came away, or this is the first look: the whole window at once.
		l.begun, l.order = true, order
		clear(l.lines)
		for i := range v.Lines {
			l.lines[v.Lines[i].ID] = maphash.Bytes(seed, l.u.fragment("run", "line", v.Lines[i]))
		}
		return l.s.event("lines", l.u.fragment("run", "timeline-lines", v))
	}
	flush := func() {
		if fresh.Len() == 0 {
			return
		}
		where := "afterbegin:#timeline-lines"
		if last != "" {
			where = "afterend:#" + last
		}
		changed.WriteString(`<div hx-swap-oob="` + where + `">`)
		fresh.WriteTo(&changed) //nolint:errcheck // it is memory
		changed.WriteString(`</div>`)
	}
	for i := range v.Lines {
		line := &v.Lines[i]
		html := l.u.fragment("run", "line", line)
		sum := maphash.Bytes(seed, html)
		old, there := l.lines[line.ID]
		if there {
			flush()
			last = line.ID
			if old != sum {
				line.Again = true
				changed.Write(l.u.fragment("run", "line", line))
			}
		} else {
			fresh.Write(html)
		}
		l.lines[line.ID] = sum
	}
	flush()
	l.order = order
	return changed.Len() == 0 || l.s.event("changed", changed.Bytes())
}

// isWithin reports whether all of old are in now, in the same order.
func isWithin(old, now []string) bool {
	i := 0
	for _, id := range now {
		if i < len(old) && old[i] == id {
			i++
		}
	}
	return i == len(old)
}
