package runtime

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/runtime/internal/seam"
)

// hooked is how package runtimetest takes part: as a definition.
type hooked struct{ *seam.Hooks }

func init() { seam.Definition = func(h *seam.Hooks) any { return hooked{h} } }

func (h hooked) register(r *registry) error {
	r.hooks = h.Hooks
	return nil
}

// substitute returns what a step calls: fn, or what a test puts in its place.
func substitute[T any](b *branch, name string, fn func(context.Context) (T, error)) func(context.Context) (T, error) {
	h := b.e.rt.reg.hooks
	if h == nil {
		return fn
	}
	return func(ctx context.Context) (out T, err error) {
		fake := h.Step(b.e.def.name, name)
		if fake == nil {
			return fn(ctx)
		}
		v, err := fake(ctx)
		if err != nil || v == nil {
			return out, err
		}
		out, ok := v.(T)
		if !ok {
			err = Permanent(fmt.Errorf("%w: the fake of step %q returns %T, the step %T", ErrInvalid, name, v, out))
		}
		return out, err
	}
}

// current is the runtime that serves the store now: rt itself, save in a test
// that let it crash.
func (rt *Runtime) current() *Runtime {
	if h := rt.reg.hooks; h != nil {
		if heir, ok := h.Heir().(*Runtime); ok {
			return heir
		}
	}
	return rt
}
