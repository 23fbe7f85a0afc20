package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// sweepRows bounds the rows of one sweep: a few milliseconds of the
	// store's writer.
	sweepRows = 256
	// janitorShare says how many times as long as its last write took the
	// janitor rests: the more the store has to do, the rarer it comes.
	janitorShare = 4
	// janitorRetry is when it tries again after an error.
	janitorRetry = 30 * time.Second
)

// janitor frees the room of deleted runs, in small pieces with rests between
// them. It sleeps until there is something to do.
type janitor struct {
	rt   *Runtime
	wake chan struct{} // capacity 1
}

func newJanitor(rt *Runtime) *janitor { return &janitor{rt: rt, wake: make(chan struct{}, 1)} }

// deleted is told that there is room to free.
func (j *janitor) deleted() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *janitor) run(ctx context.Context) {
	alarm := time.NewTimer(0) // the last process may have left something
	defer alarm.Stop()
	for {
		select {
		case <-alarm.C:
		case <-j.wake:
		case <-ctx.Done():
			return
		}
		if err := j.tidy(ctx); err != nil {
			j.rt.noteFatal(err)
			if !errors.Is(err, store.ErrClosed) {
				j.rt.cfg.Logger.Error("free the room of deleted runs", "error", err)
			}
			alarm.Reset(janitorRetry)
		}
	}
}

// tidy frees all that is to be freed, unless ctx ends first; a later process
// goes on.
func (j *janitor) tidy(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		more, err := j.rt.store.Sweep(context.WithoutCancel(ctx), sweepRows)
		if err != nil || !more {
			return err
		}
		pause(ctx, janitorShare*time.Since(began))
	}
	return nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
