package runtime_test

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Fork(ctx context.Context, f store.Fork) (run store.Run, created bool, err error) {
	err = m.write(func() (err error) { run, created, err = m.Store.Fork(ctx, f); return err })
	return run, created, err
}

func (m *mortal) Continue(ctx context.Context, claim store.Claim, c store.Continuation) (done store.Continued, err error) {
	err = m.write(func() (err error) { done, err = m.Store.Continue(ctx, claim, c); return err })
	return done, err
}
