package runtime_test

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) Send(ctx context.Context, msg store.Message) (sent bool, err error) {
	err = m.write(func() (err error) { sent, err = m.Store.Send(ctx, msg); return err })
	return sent, err
}

func (m *mortal) Take(ctx context.Context, c store.Claim, topic string, s *store.Step) (msg store.Message, found bool, err error) {
	err = m.write(func() (err error) { msg, found, err = m.Store.Take(ctx, c, topic, s); return err })
	return msg, found, err
}

func (m *mortal) Dismiss(ctx context.Context, c store.Claim, msg store.Message, key string, v store.EventValue) error {
	return m.write(func() error { return m.Store.Dismiss(ctx, c, msg, key, v) })
}

func (m *mortal) SetEvent(ctx context.Context, c store.Claim, key string, value []byte, s *store.Step) error {
	return m.write(func() error { return m.Store.SetEvent(ctx, c, key, value, s) })
}

func (m *mortal) Watch(ctx context.Context, c store.Claim, id, key string, s *store.Step) error {
	return m.write(func() error { return m.Store.Watch(ctx, c, id, key, s) })
}

func (m *mortal) Append(ctx context.Context, c store.Claim, it store.Item, s *store.Step) error {
	return m.write(func() error { return m.Store.Append(ctx, c, it, s) })
}
