package runtimetest

import (
	"context"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

// point is where a crash is due, once.
type point struct {
	step   string
	before bool
	done   bool
}

// CrashAfter kills the process once a step of this name has succeeded or failed
// for good, after that was recorded: it must not run again. What is not a step
// goes by its kind: "sleep", "child NAME". Each call is for one crash; a test
// in which it did not come fails.
func (rt *Env) CrashAfter(step string) { rt.add(&point{step: step}) }

// CrashBefore is [Env.CrashAfter] with the crash between the effect of the step
// and its record: the step runs again.
func (rt *Env) CrashBefore(step string) { rt.add(&point{step: step, before: true}) }

func (rt *Env) add(p *point) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.points = append(rt.points, p)
}

// reached returns the crash that is due at a row.
func (rt *Env) reached(row *store.Step) *point {
	if !row.Status.Final() {
		return nil
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, p := range rt.points {
		if !p.done && p.step == nameOf(row) {
			p.done = true
			return p
		}
	}
	return nil
}

// Crash kills the process now, and returns when the next has begun.
func (rt *Env) Crash() {
	rt.mu.Lock()
	p := rt.process
	rt.mu.Unlock()
	p.store.kill()
	<-p.next
}

// Crashes is the number of crashes so far.
func (rt *Env) Crashes() int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.crashes
}

// mortal is the store as a process sees it that dies: from then on nothing it
// writes gets through.
type mortal struct {
	store.Store
	reached func(*store.Step) *point
	died    chan struct{}

	mu   sync.RWMutex // held by writes, and for death
	dead bool
}

func newMortal(s store.Store, reached func(*store.Step) *point) *mortal {
	return &mortal{Store: s, reached: reached, died: make(chan struct{})}
}

func (m *mortal) isDead() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.dead
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dead {
		m.dead = true
		close(m.died)
	}
}

// write lets a write through while the process lives.
func (m *mortal) write(fn func() error) error {
	if m.isDead() {
		return store.ErrClosed
	}
	err := fn()
	if m.isDead() {
		return store.ErrClosed // nobody lived to see how it went
	}
	return err
}

func (m *mortal) Record(ctx context.Context, c store.Claim, row *store.Step) error {
	p := m.reached(row)
	if p != nil && p.before {
		m.kill()
	}
	return m.write(func() error {
		err := m.Store.Record(ctx, c, row)
		if p != nil {
			m.kill()
		}
		return err
	})
}

func (m *mortal) Create(ctx context.Context, n store.NewRun) (run store.Run, created bool, err error) {
	err = m.write(func() (err error) { run, created, err = m.Store.Create(ctx, n); return err })
	return run, created, err
}

func (m *mortal) Claim(ctx context.Context, req store.ClaimRequest) (runs []store.Run, err error) {
	err = m.write(func() (err error) { runs, err = m.Store.Claim(ctx, req); return err })
	return runs, err
}

func (m *mortal) Suspend(ctx context.Context, c store.Claim, s store.Suspension) error {
	return m.write(func() error { return m.Store.Suspend(ctx, c, s) })
}

func (m *mortal) Finish(ctx context.Context, c store.Claim, o store.Outcome) (status store.Status, err error) {
	err = m.write(func() (err error) { status, err = m.Store.Finish(ctx, c, o); return err })
	return status, err
}

func (m *mortal) Release(ctx context.Context, c []store.Claim, now time.Time) error {
	return m.write(func() error { return m.Store.Release(ctx, c, now) })
}

func (m *mortal) Stop(ctx context.Context, id string, cause store.StopCause, now time.Time) (run store.Run, err error) {
	err = m.write(func() (err error) { run, err = m.Store.Stop(ctx, id, cause, now); return err })
	return run, err
}

func (m *mortal) Resume(ctx context.Context, id string, now time.Time) (run store.Run, err error) {
	err = m.write(func() (err error) { run, err = m.Store.Resume(ctx, id, now); return err })
	return run, err
}

func (m *mortal) Due(ctx context.Context, now time.Time, limit int) (moved int, next time.Time, err error) {
	err = m.write(func() (err error) { moved, next, err = m.Store.Due(ctx, now, limit); return err })
	return moved, next, err
}

func (m *mortal) Recover(ctx context.Context, now time.Time, most int) (rec store.Recovery, err error) {
	err = m.write(func() (err error) { rec, err = m.Store.Recover(ctx, now, most); return err })
	return rec, err
}

func (m *mortal) Delete(ctx context.Context, id string) error {
	return m.write(func() error { return m.Store.Delete(ctx, id) })
}

func (m *mortal) Sweep(ctx context.Context, limit int) (more bool, err error) {
	err = m.write(func() (err error) { more, err = m.Store.Sweep(ctx, limit); return err })
	return more, err
}

func (m *mortal) Beat(ctx context.Context, c store.Claim, h *store.Heartbeat) error {
	return m.write(func() error { return m.Store.Beat(ctx, c, h) })
}
