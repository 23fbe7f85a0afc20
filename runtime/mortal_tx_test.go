package runtime_test

import (
	"context"
	"database/sql"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Transact holds no lock while fn runs: others may die meanwhile.
func (m *mortal) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	m.mu.Lock()
	dead := m.dead
	m.left--
	last := m.left == 0
	m.mu.Unlock()
	if dead {
		return store.ErrClosed
	}
	err := m.inner.(store.Transactor).Transact(ctx, c, limit, func(ctx context.Context, tx *sql.Tx) (*store.Step, error) {
		row, err := fn(ctx, tx)
		if err == nil && (last && !m.persisted || m.isDead()) {
			return nil, store.ErrClosed // it dies before the commit
		}
		return row, err
	})
	if last {
		m.kill()
	}
	if m.isDead() {
		return store.ErrClosed
	}
	return err
}

// isDead takes no lock either: who has it may be waiting for the transaction.
func (m *mortal) isDead() bool {
	select {
	case <-m.died:
		return true
	default:
		return false
	}
}

func (m *mortal) Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error {
	return m.write(func() error { return m.inner.(store.Transactor).Do(ctx, limit, fn) })
}
