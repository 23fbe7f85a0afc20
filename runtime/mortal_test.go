package runtime_test

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

// mortal is a store in a process that dies at its n-th write: from then on
// nothing gets through, as after SIGKILL. What was committed stays.
type mortal struct {
	store.Store
	mu lock
	// left counts the writes until death; negative: it does not come.
	left int
	// persisted tells whether the write at which it dies is committed.
	persisted bool
	dead      bool
	died      chan struct{}
}

// lock is a mutex that a bubble can wait for while its time goes on.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func newMortal(s store.Store, at int, persisted bool) *mortal {
	return &mortal{Store: s, mu: make(lock, 1), left: at, persisted: persisted, died: make(chan struct{})}
}

func (m *mortal) write(fn func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return store.ErrClosed
	}
	m.left--
	if m.left != 0 {
		return fn()
	}
	if m.persisted {
		fn()
	}
	m.dead = true
	close(m.died)
	return store.ErrClosed
}

func (m *mortal) Create(ctx context.Context, n store.NewRun) (run store.Run, created bool, err error) {
	err = m.write(func() (err error) { run, created, err = m.Store.Create(ctx, n); return err })
	return run, created, err
}

func (m *mortal) Claim(ctx context.Context, req store.ClaimRequest) (runs []store.Run, err error) {
	err = m.write(func() (err error) { runs, err = m.Store.Claim(ctx, req); return err })
	return runs, err
}

func (m *mortal) Record(ctx context.Context, c store.Claim, s *store.Step) error {
	return m.write(func() error { return m.Store.Record(ctx, c, s) })
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

func (m *mortal) Due(ctx context.Context, now time.Time, limit int) (moved int, next time.Time, err error) {
	err = m.write(func() (err error) { moved, next, err = m.Store.Due(ctx, now, limit); return err })
	return moved, next, err
}

func (m *mortal) Recover(ctx context.Context, now time.Time, max int) (rec store.Recovery, err error) {
	err = m.write(func() (err error) { rec, err = m.Store.Recover(ctx, now, max); return err })
	return rec, err
}

// kill is the death at once.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dead {
		m.dead = true
		close(m.died)
	}
}
