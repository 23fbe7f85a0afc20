package runtime_test

import (
	"github.com/stepwell/stepwell/runtime/internal/writes"
	"github.com/stepwell/stepwell/store"
)

// mortal is a store in a process that dies at its n-th write: from then on
// nothing gets through, as after SIGKILL. What was committed stays.
type mortal struct {
	store.Store
	inner store.Store
	mu    lock
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
	m := &mortal{inner: s, mu: make(lock, 1), left: at, persisted: persisted, died: make(chan struct{})}
	m.Store = writes.Through(s, func(_ *store.Step, write func() error) error { return m.write(write) })
	return m
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

// kill is the death at once.
func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dead {
		m.dead = true
		close(m.died)
	}
}

// dieAt has the death come at the n-th write from now.
func (m *mortal) dieAt(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}
