package runtime_test

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

func (m *mortal) SetQueue(ctx context.Context, s store.QueueSettings) error {
	return m.write(func() error { return m.Store.SetQueue(ctx, s) })
}
