package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Forever is a timeout that never comes.
const Forever time.Duration = math.MaxInt64

// Receive takes the oldest message of a topic, sent with [Send], and waits for
// one when there is none. Each message is taken exactly once, in the order of
// sending; when Receive returns, that is durable and replay gets the same one.
// While everything in the run waits, the run takes no memory.
//
// After timeout, counted from the first call over any restarts, it returns an
// error that matches [ErrTimeout], which is recorded, too. A timeout at or below
// zero takes what is there; [Forever] waits without end. A message that does not
// fit T is taken, and the error says so.
//
// It works inside a run only, and not inside a step.
func Receive[T any](ctx context.Context, topic string, timeout time.Duration) (T, error) {
	var out T
	b := branchOf(ctx)
	if b == nil {
		return out, fmt.Errorf("receive %q: %w", topic, ErrNotInRun)
	}
	if err := checkName("topic", topic); err != nil {
		return out, err
	}
	data, err := b.receive(topic, timeout)
	if err != nil {
		return out, err
	}
	if err := b.decode(data, &out); err != nil {
		return out, fmt.Errorf("receive %q: the message does not fit %T: %w", topic, out, err)
	}
	return out, nil
}

// decode reads a value that came from outside of the run.
func (b *branch) decode(data []byte, v any) error {
	err := aside(func() error { return b.e.rt.cfg.Codec.Decode(data, v) })
	if errors.Is(err, ErrSealed) {
		b.e.fail(err) // another outcome than with the key must not be recorded
	}
	return err
}

// decode is [branch.decode] inside a run.
func (rt *Runtime) decode(ctx context.Context, data []byte, v any) error {
	if b := branchOf(ctx); b != nil {
		return b.decode(data, v)
	}
	return aside(func() error { return rt.cfg.Codec.Decode(data, v) })
}

func (b *branch) receive(topic string, timeout time.Duration) ([]byte, error) {
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer b.leave()
	w, final := b.patience(store.KindReceive, topic, "", timeout)
	if final != nil {
		return settled("receive "+topic, final)
	}
	for {
		if err := b.stopped(); err != nil {
			return nil, err
		}
		seen := b.e.signalled()
		row := w.row()
		m, found, err := b.takeMessage(topic, row)
		if err != nil {
			b.e.fail(err)
		}
		if found {
			return m.Payload, nil
		}
		if row := w.late(); row != nil {
			b.record(row)
			return settled("receive "+topic, row)
		}
		if row := w.open(); row != nil {
			b.record(row)
		}
		b.e.waitSignalUntil(seen, w.opening.WakeAt)
	}
}

// takeMessage takes a message and records it.
func (b *branch) takeMessage(topic string, row *store.Step) (m store.Message, found bool, err error) {
	err = b.e.rt.persist(b.e.halting, func() (err error) {
		m, found, err = b.e.rt.store.Take(context.Background(), b.e.claim, topic, row)
		return err
	})
	return m, found, err
}
