package runtime_test

import (
	"context"
	"database/sql"
	"time"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	return m.write(func() error { return m.Store.(store.Transactor).Transact(ctx, c, limit, fn) })
}

func (m *mortal) Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error {
	return m.write(func() error { return m.Store.(store.Transactor).Do(ctx, limit, fn) })
}
