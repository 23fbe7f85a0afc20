package ui

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

const (
	// mostLive is how many rows of those that match are kept up to date.
	mostLive = 1000
	// mostTelling is how many lists are read at a time for those who watch.
	mostTelling = 2
	// mostLooks is how many runs that are not known to be shown are looked up
	// after one piece of news; the others will be seen when the page is loaded
	// again.
	mostLooks = 50
)

// listWatch is one list that somebody looks at.
type listWatch struct {
	u           *UI
	f           listFilter
	admin       bool
	top, bottom int64
	shown       map[string]bool // the runs that are known to be shown

	out  []listEvent   // what is to be sent when the turn is over
	busy time.Duration // what the turns since the last rest took
}

// listEvent is a fragment to be sent.
type listEvent struct {
	name string
	html []byte
}

// inTurn calls look when it is this list's turn, and sends what it leaves to be
// sent after the turn: a client that reads slowly holds up nobody. It is false
// when the client has gone.
func (l *listWatch) inTurn(s *stream, look func(context.Context) error) bool {
	select {
	case l.u.telling <- struct{}{}:
	case <-s.ctx.Done():
		return false
	}
	began := time.Now()
	err := look(s.ctx)
	l.busy += time.Since(began)
	<-l.u.telling
	if err != nil {
		return false
	}
	for _, e := range l.out {
		if !s.send(e.name, e.html) {
			return false
		}
	}
	l.out = nil // a client that is slow keeps little
	return true
}

// rest waits as the turns before ask for: a filter that no index serves takes
// the longer the more runs there are, and somebody who only watches must not
// take more than a small part of a processor. It is false when the client has
// gone.
func (l *listWatch) rest(s *stream) bool {
	rest := time.NewTimer(20 * l.busy)
	defer rest.Stop()
	l.busy = 0
	select {
	case <-rest.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// tell sends the rows that changed, in turns of few rows each. It is false when
// the client has gone.
func (l *listWatch) tell(s *stream, c runtime.Changes) bool {
	filter, err := l.f.filter(time.Now())
	if err != nil {
		return false
	}
	matching, ok := l.tellRows(s, c, filter)
	if !ok {
		return false
	}
	others := slices.DeleteFunc(slices.Clone(c.Runs), func(id string) bool { return matching[id] })
	looks := 0
	for ids := range slices.Chunk(others, chunkRows) {
		if !l.inTurn(s, func(ctx context.Context) error { return l.lookAtOthers(ctx, ids, &looks) }) {
			return false
		}
	}
	if l.f.Before > 0 {
		return true
	}
	return l.inTurn(s, func(ctx context.Context) error { return l.lookForNew(ctx, filter) })
}

// tellRows sends the rows that changed and match, and returns all that match.
func (l *listWatch) tellRows(s *stream, c runtime.Changes, filter runtime.Filter) (matching map[string]bool, ok bool) {
	changed := map[string]bool{}
	for _, id := range c.Runs {
		changed[id] = true
	}
	mark := c.Lost
	if l.shown == nil {
		l.shown, mark = map[string]bool{}, true
	}
	matching = map[string]bool{}
	filter.Before = l.top + 1
	for left := l.f.Limit; left > 0 && filter.Before > max(l.bottom, 1); {
		filter.Limit = min(left, chunkRows)
		ok := l.inTurn(s, func(ctx context.Context) error {
			runs, err := l.u.rt.List(ctx, filter)
			if err != nil {
				return err
			}
			left -= len(runs)
			if len(runs) < filter.Limit {
				left = 0
			}
			for i := range runs {
				run := &runs[i]
				if filter.Before = run.Seq; run.Seq < l.bottom {
					break
				}
				matching[run.ID] = true
				if mark {
					l.shown[run.ID] = true
				}
				if changed[run.ID] || c.Lost {
					l.row(run, false)
				}
			}
			return nil
		})
		if !ok {
			return nil, false
		}
	}
	return matching, true
}

// lookAtOthers leaves the rows of runs that changed and do not match any more
// to be sent.
func (l *listWatch) lookAtOthers(ctx context.Context, ids []string, looks *int) error {
	for _, id := range ids {
		if !l.shown[id] {
			if *looks++; *looks > mostLooks {
				continue
			}
		}
		run, err := l.u.rt.Get(ctx, id)
		switch {
		case errors.Is(err, runtime.ErrNotFound):
			run.ID = id
		case err != nil:
			return err
		case run.Seq > l.top || run.Seq < l.bottom:
			continue
		}
		l.row(&run, true)
	}
	return nil
}

// row leaves a row to be sent.
func (l *listWatch) row(run *runtime.Run, left bool) {
	l.out = append(l.out, listEvent{"r:" + run.ID, l.u.fragment("list", "row", listRow{Run: *run, Admin: l.admin, Left: left})})
}

// lookForNew leaves to be sent how many runs that match came after those shown,
// up to a hundred.
func (l *listWatch) lookForNew(ctx context.Context, filter runtime.Filter) error {
	const most = 100
	filter.Before, filter.Limit = 0, most
	runs, err := l.u.rt.List(ctx, filter)
	if err != nil {
		return err
	}
	n := 0
	for n < len(runs) && runs[n].Seq > l.top {
		n++
	}
	if n > 0 {
		l.out = append(l.out, listEvent{"news", l.u.fragment("list", "news", map[string]any{"Count": n, "More": n == most, "URL": l.u.listURL(l.f.query())})})
	}
	return nil
}
