package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/stepwell/stepwell/store"
)

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Sleep waits for d. The moment of waking is recorded at the first call, so a
// restart neither shortens nor prolongs it, and while everything in the run
// waits, the run takes no memory. It returns early with [ErrCancelled] or
// [ErrDeadline] when the run was asked to stop. d at or below zero returns at
// once, but is recorded all the same.
//
// Outside a run, and inside a step, Sleep just waits, for d or for ctx.
func Sleep(ctx context.Context, d time.Duration) error {
	b := branchOf(ctx)
	if b == nil {
		return justWait(ctx, d)
	}
	return b.sleep(func() time.Time { return now().Add(d) })
}

// SleepUntil waits until t; see [Sleep].
func SleepUntil(ctx context.Context, t time.Time) error {
	b := branchOf(ctx)
	if b == nil {
		return justWait(ctx, time.Until(t))
	}
	return b.sleep(func() time.Time { return t.UTC() })
}

func justWait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (b *branch) sleep(until func() time.Time) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	path, p := b.past(store.KindSleep, "")
	if p.final != nil {
		return nil
	}
	if err := b.stopped(); err != nil {
		return err
	}
	row := store.Step{Path: path, Kind: store.KindSleep, Status: store.StepWaiting, StartedAt: now()}
	if p.opening != nil {
		row = *p.opening
	} else {
		row.WakeAt = until()
		b.record(&row)
	}
	if row.WakeAt.After(now()) {
		b.e.waitUntil(row.WakeAt)
		if err := b.stopped(); err != nil {
			return err
		}
	}
	row.Attempt, row.Status, row.EndedAt = 1, store.StepSucceeded, now()
	b.record(&row)
	return nil
}

// Now returns the time, recorded: replay gets the same. Outside a run it is
// the present time.
func Now(ctx context.Context) (time.Time, error) {
	return recordedValue(ctx, store.KindNow, func() time.Time { return now() })
}

// NewID returns a new unique id (a UUID, version 7), recorded: replay gets the
// same. Outside a run it is just a new one.
func NewID(ctx context.Context) (string, error) {
	return recordedValue(ctx, store.KindID, func() string { return uuid.Must(uuid.NewV7()).String() })
}

// recordedValue records what fn returns.
func recordedValue[T any](ctx context.Context, kind store.Kind, fn func() T) (out T, err error) {
	b := branchOf(ctx)
	if b == nil {
		return fn(), nil
	}
	if err := b.enter(); err != nil {
		return out, err
	}
	defer b.leave()
	path, p := b.past(kind, "")
	row := p.final
	if row == nil {
		if err := b.stopped(); err != nil {
			return out, err
		}
		at := now()
		data, err := JSON{}.Encode(fn())
		if err != nil {
			return out, err
		}
		row = &store.Step{Path: path, Attempt: 1, Kind: kind, Status: store.StepSucceeded, StartedAt: at, EndedAt: at, Output: data}
		b.record(row)
	}
	if err := (JSON{}).Decode(row.Output, &out); err != nil {
		b.e.fail(fmt.Errorf("%w: %s at %s: %w", ErrNondeterministic, kind, path, err))
	}
	return out, nil
}
