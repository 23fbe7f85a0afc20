package runtime

import (
	"context"

	"github.com/stepwell/stepwell/runtime/internal/isolate"
)

// isolate runs one attempt of a step where it cannot keep the process from
// answering. The key tells one step's code from another's.
func (rt *Runtime) isolate(ctx context.Context, key string, compute bool, fn func()) error {
	return rt.isolator.Load().Do(ctx, key, compute, fn)
}

// Isolation is what is known of steps that are bound by the CPU.
type Isolation = isolate.Stats

func (rt *Runtime) isolation() Isolation {
	if i := rt.isolator.Load(); i != nil {
		return i.Stats()
	}
	return Isolation{}
}
