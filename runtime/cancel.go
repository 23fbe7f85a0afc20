package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// CancelOption changes how a run is cancelled.
type CancelOption interface{ applyCancel(*cancelConfig) }

type cancelConfig struct{ uncompensated bool }

type cancelFunc func(*cancelConfig)

func (f cancelFunc) applyCancel(c *cancelConfig) { f(c) }

// WithoutCompensations lets [Runtime.Cancel] end a run at once whose code cannot run:
// then its compensations cannot, either, and what it did stays done. For any other
// run it changes nothing.
func WithoutCompensations() CancelOption {
	return cancelFunc(func(c *cancelConfig) { c.uncompensated = true })
}

// Cancel asks a run to stop. When it returns nil that is durable: the run ends
// cancelled, whatever its code does. A running step is told through its
// context, with [ErrCancelled] as the cause; later calls of the workflow
// function get ErrCancelled. Cancelling twice is harmless.
//
// The code of a run that is stuck, or that has begun and is [Pinned] to another
// version, cannot run here. What it has to undo is known to that code only, so
// Cancel refuses: mend and resume the run, or start its version, and cancel it then;
// or end it [WithoutCompensations].
//
// A child that is stuck ends without its compensations when its parent is cancelled
// and [OnParentEnd] does not keep it.
//
// Errors: [ErrNotFound]; [ErrConflict] when the run has ended, or its code cannot run.
func (rt *Runtime) Cancel(ctx context.Context, id string, opts ...CancelOption) (Run, error) {
	if err := ValidateID(id); err != nil {
		return Run{}, err
	}
	var c cancelConfig
	for _, o := range opts {
		o.applyCancel(&c)
	}
	if c.uncompensated {
		return rt.store.Stop(ctx, id, store.StopCancel, now())
	}
	was, err := rt.store.Get(ctx, id) // an error comes of Stop, too
	if err == nil && was.Pinned && was.Version != rt.cfg.Version && !was.StartedAt.IsZero() && !was.Status.Ended() {
		return Run{}, uncompensated(id, fmt.Sprintf("is pinned to version %s, which is not this one", was.Version), "start that version")
	}
	run, err := rt.store.Stop(ctx, id, store.StopByCode, now())
	if errors.Is(err, ErrConflict) {
		if was, _ := rt.store.Get(ctx, id); was.Status == store.Stuck {
			return Run{}, uncompensated(id, "is stuck", "mend the cause, resume it")
		}
	}
	return run, err
}

func uncompensated(id, why, first string) error {
	return fmt.Errorf("%w: run %s %s, so its code cannot run and its compensations cannot: %s and cancel it then, or cancel it without compensations",
		ErrConflict, id, why, first)
}

// Cancel is [Runtime.Cancel] with the runtime that ctx carries.
func Cancel(ctx context.Context, id string, opts ...CancelOption) error {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return err
	}
	_, err = rt.Cancel(ctx, id, opts...)
	return err
}
