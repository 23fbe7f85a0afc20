package runtime

import "context"

// Delete removes a run that has ended, with its history and all else that is
// kept of it; its children stay. When it returns nil that is durable: the run
// is unknown, and its id may be used again, for a run that has nothing to do
// with it. The room is freed in the background while [Runtime.Run] runs, or
// when it next does. A span of the run that was not sent yet never will be.
// Errors: [ErrNotFound], [ErrInvalid]; [ErrConflict] when the run has not
// ended, or when its parent has not, which may still ask for the result.
func (rt *Runtime) Delete(ctx context.Context, id string) error {
	if err := ValidateID(id); err != nil {
		return err
	}
	if err := rt.store.Delete(ctx, id); err != nil {
		return err
	}
	rt.janitor.deleted()
	return nil
}

// Delete is [Runtime.Delete] with the runtime that ctx carries.
func Delete(ctx context.Context, id string) error {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return err
	}
	return rt.Delete(ctx, id)
}
