package runtimetest

import (
	"context"
	"sync"

	"github.com/stepwell/stepwell/runtime/internal/writes"
	"github.com/stepwell/stepwell/store"
)

// mortal is the store as a process sees it that dies: from then on nothing it
// writes gets through.
type mortal struct {
	store.Store
	inner   store.Store
	reached func(*store.Step) *point
	died    chan struct{}

	mu   sync.RWMutex // held by writes, and for death
	dead bool
}

func newMortal(s store.Store, reached func(*store.Step) *point) *mortal {
	m := &mortal{inner: s, reached: reached, died: make(chan struct{})}
	m.Store = writes.Through(s, m.through)
	return m
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

// through is write, and where that commits a row a crash may be due at it.
func (m *mortal) through(row *store.Step, fn func() error) error {
	if row == nil {
		return m.write(fn)
	}
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

// Take looks first: where there is no message it writes nothing.
func (m *mortal) Take(ctx context.Context, c store.Claim, topic string, row *store.Step) (msg store.Message, found bool, err error) {
	if m.isDead() {
		return store.Message{}, false, store.ErrClosed
	}
	if _, found, err := m.inner.Peek(ctx, c.Seq, topic); err != nil || !found {
		return store.Message{}, false, err
	}
	return m.Store.Take(ctx, c, topic, row)
}
