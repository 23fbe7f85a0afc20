package runtimetest

import (
	"context"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

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

// writeRow is write for what commits a row: a crash may be due at it.
func (m *mortal) writeRow(row *store.Step, fn func() error) error {
	p := m.reached(row)
	if p != nil && p.before {
		m.kill()
	}
	return m.write(func() error {
		err := fn()
		if p != nil {
			m.kill()
		}
		return err
	})
}

func (m *mortal) Record(ctx context.Context, c store.Claim, row *store.Step) error {
	return m.writeRow(row, func() error { return m.Store.Record(ctx, c, row) })
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

func (m *mortal) Send(ctx context.Context, msg store.Message) (sent bool, err error) {
	err = m.write(func() (err error) { sent, err = m.Store.Send(ctx, msg); return err })
	return sent, err
}

// Take looks first: where there is no message it writes nothing.
func (m *mortal) Take(ctx context.Context, c store.Claim, topic string, row *store.Step) (msg store.Message, found bool, err error) {
	if m.isDead() {
		return store.Message{}, false, store.ErrClosed
	}
	if _, found, err := m.Store.Peek(ctx, c.Seq, topic); err != nil || !found {
		return store.Message{}, false, err
	}
	err = m.writeRow(row, func() (err error) { msg, found, err = m.Store.Take(ctx, c, topic, row); return err })
	return msg, found, err
}

func (m *mortal) Dismiss(ctx context.Context, c store.Claim, msg store.Message, key string, v store.EventValue) error {
	return m.write(func() error { return m.Store.Dismiss(ctx, c, msg, key, v) })
}

func (m *mortal) SetEvent(ctx context.Context, c store.Claim, key string, value []byte, row *store.Step) error {
	return m.writeRow(row, func() error { return m.Store.SetEvent(ctx, c, key, value, row) })
}

func (m *mortal) Watch(ctx context.Context, c store.Claim, id, key string, row *store.Step) error {
	return m.writeRow(row, func() error { return m.Store.Watch(ctx, c, id, key, row) })
}

func (m *mortal) Append(ctx context.Context, c store.Claim, it store.Item, row *store.Step) error {
	return m.writeRow(row, func() error { return m.Store.Append(ctx, c, it, row) })
}

func (m *mortal) Continue(ctx context.Context, claim store.Claim, c store.Continuation) (done store.Continued, err error) {
	err = m.write(func() (err error) { done, err = m.Store.Continue(ctx, claim, c); return err })
	return done, err
}

func (m *mortal) SetAside(ctx context.Context, claim store.Claim) error {
	return m.write(func() error { return m.Store.SetAside(ctx, claim) })
}

func (m *mortal) Admit(ctx context.Context, version string, now time.Time, limit int) (n int, err error) {
	err = m.write(func() (err error) { n, err = m.Store.Admit(ctx, version, now, limit); return err })
	return n, err
}

func (m *mortal) SetVersion(ctx context.Context, id, version string, now time.Time) (run store.Run, err error) {
	err = m.write(func() (err error) { run, err = m.Store.SetVersion(ctx, id, version, now); return err })
	return run, err
}

func (m *mortal) Fork(ctx context.Context, f store.Fork) (run store.Run, created bool, err error) {
	err = m.write(func() (err error) { run, created, err = m.Store.Fork(ctx, f); return err })
	return run, created, err
}

func (m *mortal) SetQueue(ctx context.Context, s store.QueueSettings) error {
	return m.write(func() error { return m.Store.SetQueue(ctx, s) })
}

func (m *mortal) Advance(ctx context.Context, s store.Schedule, runs []store.NewRun) (a store.Advance, err error) {
	err = m.write(func() (err error) { a, err = m.Store.Advance(ctx, s, runs); return err })
	return a, err
}

func (m *mortal) Expire(ctx context.Context, e store.Expiry) (res store.Expired, err error) {
	err = m.write(func() (err error) { res, err = m.Store.Expire(ctx, e); return err })
	return res, err
}

func (m *mortal) Shrink(ctx context.Context) (more bool, err error) {
	err = m.write(func() (err error) { more, err = m.Store.Shrink(ctx); return err })
	return more, err
}
