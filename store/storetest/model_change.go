package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// fork expects steps without openings but those that are no sleeps.
func (m *model) fork(f store.Fork) (*modelRun, bool, error) {
	from := m.byID[f.From]
	if from == nil {
		return nil, false, store.ErrNotFound
	}
	end := len(from.steps)
	if f.Step != "" {
		if end = slices.IndexFunc(from.steps, func(s store.Step) bool { return s.Path == f.Step }); end < 0 {
			return nil, false, store.ErrNotFound
		}
	}
	f.Run.Workflow, f.Run.Input = from.Workflow, from.Input
	r, created, err := m.create(f.Run)
	if err != nil || !created {
		return r, created, err
	}
	r.ForkedFrom, r.Epoch, r.Base = from.ID, 1, from.Base
	for _, s := range from.steps[:end] {
		if s.Attempt > 0 {
			s.Epoch = 0
			r.steps = append(r.steps, s)
			if s.Kind == store.KindSetEvent && s.Status == store.StepSucceeded {
				r.mailbox.set(s.Name, string(s.Output))
			}
		}
	}
	return r, true, nil
}

func (m *model) goOn(c store.Claim, n store.Continuation) (store.Continued, error) {
	r, err := m.holder(c)
	switch {
	case err != nil:
		return store.Continued{}, err
	case r.Stop != store.StopNone:
		return store.Continued{Stopped: true}, nil
	}
	r.left += r.spans()
	r.steps, r.recoveries, r.recoveredAt = nil, 0, 0
	r.Input, r.Base = n.Input, n.Base
	r.queue(n.At)
	return store.Continued{}, nil
}

// spans counts the spans of the present history of a sampled run.
func (r *modelRun) spans() (n int) {
	for _, s := range r.steps {
		if s.Attempt > 0 && !s.Copied() {
			n++
		}
	}
	return n
}

func (m *model) setAside(c store.Claim) error {
	r, err := m.holder(c)
	switch {
	case err != nil:
		return err
	case r.Stop != store.StopNone:
		return store.ErrConflict
	}
	r.Status, r.Pinned, r.Aside, r.WakeAt, r.due = store.Waiting, true, true, time.Time{}, r.deadlineDue()
	if len(r.steps) == 0 && r.Base == 0 {
		r.StartedAt = time.Time{}
	}
	return nil
}

func (m *model) admit(version string, now time.Time, limit int) (n int) {
	for _, r := range m.runs {
		if r.Aside && r.Version == version && n < limit {
			r.queue(now)
			n++
		}
	}
	return n
}

func (m *model) setVersion(id, version string, now time.Time) (*modelRun, error) {
	r := m.byID[id]
	switch {
	case r == nil:
		return nil, store.ErrNotFound
	case r.Status.Ended():
		return nil, store.ErrConflict
	}
	r.Version = version
	if r.Aside {
		r.queue(now)
	}
	return r, nil
}

// playChange plays the operations for code that changes.
func (p *player) playChange(o op) error {
	switch version := fmt.Sprint("v", 1+o.b%2); o.kind {
	case "fork":
		n := newRun(p.id(o.b))
		n.CreatedAt, n.Queue, n.Trace.Sampled = o.t, queues[o.c%3], o.c%5 > 0
		f := store.Fork{From: p.id(o.a), Run: n}
		if from := p.m.byID[f.From]; from != nil && o.d%3 > 0 {
			f.Step = fmt.Sprint(from.Base + o.d%7)
		}
		got, created, err := p.s.Fork(p.ctx, f)
		want, wantCreated, wantErr := p.m.fork(f)
		if err == nil && created != wantCreated {
			return fmt.Errorf("created %v, want %v", created, wantCreated)
		}
		return sameRun(got, err, want, wantErr)
	case "continue":
		c := p.claim(o.a)
		n := store.Continuation{Input: []byte{byte(o.b)}, Base: p.base(c) + 7, At: o.t}
		got, err := p.s.Continue(p.ctx, c, n)
		want, wantErr := p.m.goOn(c, n)
		if err == nil && got != want {
			return fmt.Errorf("continued %+v, want %+v", got, want)
		}
		return same(err, wantErr)
	case "aside":
		c := p.claim(o.a)
		return same(p.s.SetAside(p.ctx, c), p.m.setAside(c))
	case "admit":
		got, err := p.s.Admit(p.ctx, version, o.t, o.a%4)
		if want := p.m.admit(version, o.t, o.a%4); err == nil && got != want {
			return fmt.Errorf("admitted %d, want %d", got, want)
		}
		return err
	default:
		got, err := p.s.SetVersion(p.ctx, p.id(o.a), version, o.t)
		want, wantErr := p.m.setVersion(p.id(o.a), version, o.t)
		return sameRun(got, err, want, wantErr)
	}
}

// base is that of the run of a claim.
func (p *player) base(c store.Claim) int {
	if r, err := p.m.holder(c); err == nil {
		return r.Base
	}
	return 0
}

// compareSpans compares the number of spans with what the model holds.
func (p *player) compareSpans() error {
	want := 0
	for _, r := range p.m.runs {
		if !r.Trace.Sampled {
			continue
		}
		if r.Status.Ended() {
			want++
		}
		want += r.spans() + r.left
	}
	got, more, pos := 0, true, int64(0)
	for more {
		page, err := p.s.Spans(p.ctx, pos, 7)
		if err != nil {
			return err
		}
		got, more, pos = got+len(page.Records), page.More, page.Next
	}
	if got != want {
		return fmt.Errorf("%d spans, want %d", got, want)
	}
	return nil
}
