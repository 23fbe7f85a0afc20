package storetest

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (w *watched) Send(ctx context.Context, m store.Message) (bool, error) {
	defer w.count()
	return w.Store.Send(ctx, m)
}

func (w *watched) SetEvent(ctx context.Context, c store.Claim, key string, value []byte, s *store.Step) error {
	defer w.count()
	return w.Store.SetEvent(ctx, c, key, value, s)
}

func (w *watched) Watch(ctx context.Context, c store.Claim, id, key string, s *store.Step) error {
	defer w.count()
	return w.Store.Watch(ctx, c, id, key, s)
}

func (w *watched) Append(ctx context.Context, c store.Claim, it store.Item, s *store.Step) error {
	defer w.count()
	return w.Store.Append(ctx, c, it, s)
}
