package runtimetest

import (
	"context"
	"database/sql"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Transact implements [store.Transactor].
func (m *mortal) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	var p *point
	return m.write(func() error {
		err := m.inner.(store.Transactor).Transact(ctx, c, limit, func(ctx context.Context, tx *sql.Tx) (*store.Step, error) {
			row, err := fn(ctx, tx)
			if err != nil {
				return nil, err
			}
			if p = m.reached(row); p != nil && p.before {
				return nil, store.ErrClosed // it dies before the commit
			}
			return row, nil
		})
		if p != nil {
			m.kill()
		}
		return err
	})
}

// Do implements [store.Transactor].
func (m *mortal) Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error {
	return m.write(func() error { return m.inner.(store.Transactor).Do(ctx, limit, fn) })
}
