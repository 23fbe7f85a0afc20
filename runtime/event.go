package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// EventValue is an event as it was last set.
type EventValue = store.EventValue

// SetEvent lets others see a value of the run under a key, with [GetEvent]: how
// far it is, say. The last value counts, and stays after the end of the run.
// When SetEvent returns it is durable and recorded.
//
// It works inside a run only, and not inside a step.
func SetEvent(ctx context.Context, key string, v any) error {
	b := branchOf(ctx)
	if b == nil {
		return fmt.Errorf("set event %q: %w", key, ErrNotInRun)
	}
	if err := checkName("event", key); err != nil {
		return err
	}
	value, err := b.e.rt.cfg.Codec.Encode(v)
	if err != nil {
		return fmt.Errorf("set event %q: encode: %w", key, err)
	}
	return b.setEvent(key, value)
}

func (b *branch) setEvent(key string, value []byte) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	what := "set event " + key
	path, p := b.past(store.KindSetEvent, key)
	if p.final != nil {
		_, err := settled(what, p.final)
		return err
	}
	if err := b.stopped(); err != nil {
		return err
	}
	at := now()
	row := &store.Step{Path: path, Attempt: 1, Kind: store.KindSetEvent, Name: key, Status: store.StepSucceeded, Output: value, StartedAt: at, EndedAt: at}
	if most := b.e.rt.cfg.MaxPayload; len(value) > most {
		row.Status, row.Output, row.Error = store.StepFailed, nil, recorded(tooLarge("event", len(value), most))
		b.record(row)
		_, err := settled(what, row)
		return err
	}
	b.publish(key, value, row)
	return nil
}

// publish sets an event in the write of its row.
func (b *branch) publish(key string, value []byte, row *store.Step) {
	err := b.e.rt.persist(b.e.halting, func() error {
		return b.e.rt.store.SetEvent(context.Background(), b.e.claim, key, value, row)
	})
	if err != nil {
		b.e.fail(err)
	}
}

// GetEvent returns the value that a run has set under a key with [SetEvent], and
// waits for the first when there is none. A value that does not fit T is an
// error.
//
// Errors: [ErrNotFound] for no such run; [ErrTimeout]; [ErrConflict] when the run
// has ended without setting it. A timeout at or below zero takes what is there;
// [Forever] waits without end.
//
// Inside a run what it gave is recorded, the timeout counts from the first call
// over any restarts, and a run that waits takes no memory. Outside, and inside a
// step, ctx ends the wait.
func GetEvent[T any](ctx context.Context, runID, key string, timeout time.Duration) (T, error) {
	var out T
	rt, err := runtimeOf(ctx)
	if err != nil {
		return out, err
	}
	var value []byte
	if b := branchOf(ctx); b != nil {
		value, err = b.getEvent(runID, key, timeout)
	} else {
		var v EventValue
		v, err = rt.Event(ctx, runID, key, timeout)
		value = v.Value
	}
	if err != nil {
		return out, err
	}
	if err := rt.decode(ctx, value, &out); err != nil {
		return out, fmt.Errorf("event %q of run %s does not fit %T: %w", key, runID, out, err)
	}
	return out, nil
}

// Event is [GetEvent] from outside a run, for a value that stays encoded.
func (rt *Runtime) Event(ctx context.Context, runID, key string, timeout time.Duration) (EventValue, error) {
	if err := checkName("event", key); err != nil {
		return EventValue{}, err
	}
	return rt.awaitEvent(ctx, runID, key, timeout)
}

func (rt *Runtime) awaitEvent(ctx context.Context, runID, key string, timeout time.Duration) (EventValue, error) {
	var late <-chan time.Time
	if timeout != Forever {
		t := time.NewTimer(max(timeout, 0))
		defer t.Stop()
		late = t.C
	}
	for {
		// Registered before the look, so that nothing falls in between.
		news, forget := rt.changes.watch(runID)
		v, found, err := rt.lookAt(ctx, runID, key)
		if err != nil || found {
			forget()
			return v, err
		}
		if timeout > 0 {
			err = rt.awaitNews(ctx, news, late)
		} else {
			err = ErrTimeout
		}
		forget()
		if err != nil {
			return EventValue{}, fmt.Errorf("%s of run %s: %w", called(key), runID, err)
		}
	}
}

// awaitNews waits for a channel; it is an error when something else comes first.
func (rt *Runtime) awaitNews(ctx context.Context, news <-chan struct{}, late <-chan time.Time) error {
	select {
	case <-news:
		return nil
	case <-late:
		return ErrTimeout
	case <-rt.over:
		return ErrDraining
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lookAt returns an event of a run, if it is set. The error says why it never
// will be.
func (rt *Runtime) lookAt(ctx context.Context, runID, key string) (v EventValue, found bool, err error) {
	run, err := rt.Get(ctx, runID) // first: it may set the event and end in between
	if err != nil {
		return v, false, err
	}
	v, found, err = rt.store.EventValue(ctx, runID, key)
	if err == nil && !found && run.Status.Ended() {
		err = fmt.Errorf("%s of run %s: %w: the run has ended without it: %s", called(key), runID, ErrConflict, run.Status)
	}
	return v, found, err
}

func (b *branch) getEvent(runID, key string, timeout time.Duration) ([]byte, error) {
	if err := checkName("event", key); err != nil {
		return nil, err
	}
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer b.leave()
	return b.awaitEvent(store.KindGetEvent, key, runID, key, timeout)
}

// awaitEvent waits for an event of another run under a row of the kind and name.
func (b *branch) awaitEvent(kind store.Kind, name, runID, key string, timeout time.Duration) ([]byte, error) {
	what := fmt.Sprint(kind, " ", name)
	w, final := b.patience(kind, name, runID, timeout)
	if final != nil {
		return settled(what, final)
	}
	watching := false
	for {
		if err := b.stopped(); err != nil {
			return nil, err
		}
		seen := b.e.signalled()
		v, found, err := b.e.rt.lookAt(context.Background(), runID, key)
		row := w.late()
		switch {
		case found:
			row = w.row()
			row.Output = v.Value
		case err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrConflict):
			b.e.fail(err)
		case err != nil:
			row = w.failed(err)
		}
		if row != nil {
			b.record(row)
			return settled(what, row)
		}
		if !watching {
			b.watch(runID, key, w.open())
			watching = true
			continue // it may have come before we watched
		}
		b.e.waitSignalUntil(seen, w.opening.WakeAt)
		watching = false // the watch may be used up
	}
}

// watch has the store signal the run at news of another; opening may be nil.
func (b *branch) watch(runID, key string, opening *store.Step) {
	err := b.e.rt.persist(b.e.halting, func() error {
		return b.e.rt.store.Watch(context.Background(), b.e.claim, runID, key, opening)
	})
	if err != nil {
		b.e.fail(err)
	}
}
