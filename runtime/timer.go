package runtime

import (
	"context"
	"sync"
	"time"
)

// dueBatch bounds the runs moved in one write.
const dueBatch = 1000

// timer moves runs whose time has come. It is armed for the next due moment
// and does nothing until then.
type timer struct {
	rt   *Runtime
	wake chan struct{}

	mu   sync.Mutex
	next time.Time // armed for; zero: nothing is due
}

func newTimer(rt *Runtime) *timer { return &timer{rt: rt, wake: make(chan struct{}, 1)} }

// due is told that something falls due at a time.
func (t *timer) due(at time.Time) {
	t.mu.Lock()
	earlier := t.next.IsZero() || at.Before(t.next)
	if earlier {
		t.next = at
	}
	t.mu.Unlock()
	if earlier {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// NextDue is when the next timer or deadline falls due; zero when none.
func (rt *Runtime) NextDue() time.Time {
	rt.timer.mu.Lock()
	defer rt.timer.mu.Unlock()
	return rt.timer.next
}

func (t *timer) run(ctx context.Context) {
	t.move(ctx) // what fell due while no process ran
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		// Without anything due the timer stands still.
		alarm.Stop()
		if next := t.rt.NextDue(); !next.IsZero() {
			alarm.Reset(time.Until(next))
		}
		select {
		case <-alarm.C:
			t.move(ctx)
		case <-t.wake:
		case <-ctx.Done():
			return
		}
	}
}

// move queues all that is due and arms the timer for what is next.
func (t *timer) move(ctx context.Context) {
	for ctx.Err() == nil {
		t.mu.Lock()
		t.next = time.Time{} // news from here on counts
		t.mu.Unlock()
		ticks := t.rt.schedules.move(ctx, now())
		if !ticks.IsZero() {
			t.due(ticks)
		}
		moved, next, err := t.rt.store.Due(context.WithoutCancel(ctx), now(), dueBatch)
		if err != nil {
			t.rt.noteFatal(err)
			t.rt.cfg.Logger.Error("move due runs", "error", err)
			t.due(now().Add(time.Second))
			return
		}
		if !next.IsZero() {
			t.due(next)
		}
		if more := !ticks.IsZero() && !ticks.After(now()); moved < dueBatch && !more {
			return
		}
	}
}
