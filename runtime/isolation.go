package runtime

import "context"

func (rt *Runtime) isolate(ctx context.Context, key string, compute bool, fn func()) error {
	fn()
	return nil
}
