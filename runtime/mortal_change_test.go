package runtime_test

import (
	"context"
	"time"

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
