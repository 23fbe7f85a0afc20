package runtime_test

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Resume(ctx context.Context, id string, now time.Time) (run store.Run, err error) {
	err = m.write(func() (err error) { run, err = m.Store.Resume(ctx, id, now); return err })
	return run, err
}

func (m *mortal) Delete(ctx context.Context, id string) error {
	return m.write(func() error { return m.Store.Delete(ctx, id) })
}

func (m *mortal) Sweep(ctx context.Context, limit int) (more bool, err error) {
	err = m.write(func() (err error) { more, err = m.Store.Sweep(ctx, limit); return err })
	return more, err
}

func (m *mortal) Expire(ctx context.Context, e store.Expiry) (res store.Expired, err error) {
	err = m.write(func() (err error) { res, err = m.Store.Expire(ctx, e); return err })
	return res, err
}

func (m *mortal) Shrink(ctx context.Context) (more bool, err error) {
	err = m.write(func() (err error) { more, err = m.Store.Shrink(ctx); return err })
	return more, err
}

// dieAt has the death come at the n-th write from now.
func (m *mortal) dieAt(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}
