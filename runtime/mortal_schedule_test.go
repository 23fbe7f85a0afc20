package runtime_test

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Advance(ctx context.Context, s store.Schedule, runs []store.NewRun) (a store.Advance, err error) {
	err = m.write(func() (err error) { a, err = m.Store.Advance(ctx, s, runs); return err })
	return a, err
}
