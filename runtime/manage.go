package runtime

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Get returns a run. Errors: [ErrNotFound], [ErrInvalid].
func (rt *Runtime) Get(ctx context.Context, id string) (Run, error) {
	if err := ValidateID(id); err != nil {
		return Run{}, err
	}
	return rt.store.Get(ctx, id)
}

// List returns runs, newest first.
func (rt *Runtime) List(ctx context.Context, f Filter) ([]Run, error) { return rt.store.List(ctx, f) }

// Steps returns the history of a run in the order in which it was committed.
func (rt *Runtime) Steps(ctx context.Context, id string) ([]store.Step, error) {
	run, err := rt.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return rt.store.Load(ctx, run.Seq)
}

// StepsSince returns what changed in the history of a run after a position: of
// each step with a row after it, all rows, in commit order. It looks at no more
// than the first limit of those new rows, and not much more than some hundred
// kilobytes of them; the position to go on from is that of
// the last it has looked at, and the same when there are none. Positions are
// those of [store.Step]; 0 is before the first.
func (rt *Runtime) StepsSince(ctx context.Context, run *Run, after int64, limit int) ([]store.Step, int64, error) {
	return rt.store.LoadSince(ctx, run.Seq, after, limit)
}

// HistoryPosition is that of the newest row of any history.
func (rt *Runtime) HistoryPosition() int64 { return rt.store.Position() }

// Outline is [Runtime.Steps] for people: the rows of one path, or of all when
// that is empty, without the outputs of more than most bytes; a row has the size
// of what was left out. A history may hold more than fits into memory.
func (rt *Runtime) Outline(ctx context.Context, id, path string, most int) ([]store.Step, error) {
	run, err := rt.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return rt.store.Outline(ctx, run.Seq, path, most)
}

// Stats counts what is in the store. Its NextDue heeds the ticks of schedules.
func (rt *Runtime) Stats(ctx context.Context) (store.Stats, error) {
	st, err := rt.store.Stats(ctx)
	if err == nil {
		st.NextDue = sooner(st.NextDue, rt.NextDue())
	}
	return st, err
}

// Resume continues a stuck or cancelled run from its history. A run that failed
// has ended, and whoever waited was told; [Runtime.Fork] starts a new one where
// it failed. A run that was set aside ([Pinned]) goes on with [Runtime.SetVersion].
// Errors: [ErrNotFound]; [ErrConflict] in any other state, and when the run was
// cancelled and compensated.
func (rt *Runtime) Resume(ctx context.Context, id string) (Run, error) {
	if err := ValidateID(id); err != nil {
		return Run{}, err
	}
	return rt.store.Resume(ctx, id, now())
}

// Wait returns the run once it has ended or is stuck. ctx ends the wait.
func (rt *Runtime) Wait(ctx context.Context, id string) (Run, error) {
	if err := ValidateID(id); err != nil {
		return Run{}, err
	}
	for {
		// Registered before the look, so that no end falls in between.
		news, cancel := rt.ends.watch(id)
		run, err := rt.store.Get(ctx, id)
		if err != nil || run.Status.Ended() || run.Status == store.Stuck {
			cancel()
			return run, err
		}
		select {
		case <-news:
		case <-rt.over:
			cancel()
			if heir := rt.current(); heir != rt {
				return heir.Wait(ctx, id)
			}
			return run, fmt.Errorf("wait for run %s: %w", id, ErrDraining)
		case <-ctx.Done():
			cancel()
			return run, context.Cause(ctx)
		}
		cancel()
	}
}

// Resume is [Runtime.Resume] with the runtime that ctx carries.
func Resume(ctx context.Context, id string) error {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return err
	}
	_, err = rt.Resume(ctx, id)
	return err
}

// List is [Runtime.List] with the runtime that ctx carries.
func List(ctx context.Context, f Filter) ([]Run, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return nil, err
	}
	return rt.List(ctx, f)
}
