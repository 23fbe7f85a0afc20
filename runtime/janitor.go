package runtime

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// sweepRows and expireRuns bound one write of the janitor: a few
	// milliseconds of the store's writer.
	sweepRows  = 1000
	expireRuns = 250
	// janitorShare says how many times as long as its last write took the
	// janitor rests: the more the store has to do, the rarer it comes.
	janitorShare = 3
	// janitorRetry is when it tries again after an error.
	janitorRetry = 30 * time.Second
	// janitorPatience is when it looks again at runs that have to stay though
	// their time has come.
	janitorPatience = time.Hour
	// janitorGrain is the longest that a run is kept beyond its time, so that
	// many go together.
	janitorGrain = time.Minute
)

// janitor deletes runs that were kept long enough and frees the room of
// deleted ones, in small pieces with rests between them. It is armed for the
// next moment at which a run has been kept long enough, and does nothing until
// then.
type janitor struct {
	rt   *Runtime
	wake chan struct{} // capacity 1
	// dirty: something was deleted since the room was last freed.
	dirty atomic.Bool
	// shortest and grain are zero when all runs are kept.
	shortest, grain time.Duration
	alarm           atomic.Int64 // when it looks again, unix nanoseconds
}

func newJanitor(rt *Runtime) *janitor {
	j := &janitor{rt: rt, wake: make(chan struct{}, 1)}
	j.dirty.Store(true) // the last process may have left something
	j.alarm.Store(math.MaxInt64)
	for _, keep := range rt.cfg.Retention.byStatus() {
		if j.shortest == 0 || keep < j.shortest {
			j.shortest = keep
		}
	}
	j.grain = min(j.shortest/10, janitorGrain)
	return j
}

// deleted is told that there is room to free.
func (j *janitor) deleted() {
	j.dirty.Store(true)
	j.signal()
}

// ended is told that a run has ended. The store's writer waits for it.
func (j *janitor) ended() {
	if j.shortest == 0 {
		return
	}
	if j.sooner(now().Add(j.shortest + j.grain)) {
		j.signal()
	}
}

// sooner moves the alarm to at, and reports whether it would have rung later.
func (j *janitor) sooner(at time.Time) bool {
	for {
		old := j.alarm.Load()
		if at.UnixNano() >= old {
			return false
		}
		if j.alarm.CompareAndSwap(old, at.UnixNano()) {
			return true
		}
	}
}

func (j *janitor) signal() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *janitor) run(ctx context.Context) {
	j.look(ctx)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		alarm.Stop()
		if at := j.alarm.Load(); at != math.MaxInt64 {
			alarm.Reset(time.Until(time.Unix(0, at)))
		}
		select {
		case <-alarm.C:
			j.look(ctx)
		case <-j.wake:
			if j.dirty.Load() {
				j.tidy(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

// look deletes what was kept long enough, frees the room, and arms the alarm.
func (j *janitor) look(ctx context.Context) {
	j.alarm.Store(math.MaxInt64) // news from here on counts
	next := time.Time{}
	for status, keep := range j.rt.cfg.Retention.byStatus() {
		at, err := j.expire(ctx, status, keep)
		if err != nil {
			j.failed(err)
			return
		}
		next = earliest(next, at)
	}
	if j.dirty.Load() {
		j.tidy(ctx)
	}
	if !next.IsZero() {
		j.arm(next)
	}
}

// arm sets the alarm, unless it rings earlier.
func (j *janitor) arm(at time.Time) {
	if soon := now().Add(j.grain); at.Before(soon) {
		at = soon
	}
	j.sooner(at)
}

// expire deletes the runs of a status that were kept long enough, and returns
// when to look again; zero when there is nothing to wait for.
func (j *janitor) expire(ctx context.Context, status store.Status, keep time.Duration) (next time.Time, err error) {
	e := store.Expiry{Status: status, Before: now().Add(-keep), Sent: j.rt.cfg.KeepUnsent, Limit: expireRuns}
	for ctx.Err() == nil {
		began := time.Now()
		res, err := j.rt.store.Expire(context.WithoutCancel(ctx), e)
		if err != nil {
			return next, err
		}
		if res.Deleted > 0 {
			j.dirty.Store(true)
		}
		if !res.More {
			if !res.Next.IsZero() {
				next = res.Next.Add(keep)
			}
			if res.Held {
				next = earliest(next, now().Add(min(keep, janitorPatience)))
			}
			return next, nil
		}
		e.From = res.Last
		pause(ctx, janitorShare*time.Since(began))
	}
	return next, nil
}

// tidy frees the room of what was deleted, unless ctx ends first; a later
// process goes on.
func (j *janitor) tidy(ctx context.Context) {
	j.dirty.Store(false) // what is deleted from here on counts
	for _, piece := range []func(context.Context) (bool, error){
		func(ctx context.Context) (bool, error) { return j.rt.store.Sweep(ctx, sweepRows) },
		j.rt.store.Shrink,
	} {
		for more := true; more; {
			if ctx.Err() != nil {
				return
			}
			began := time.Now()
			var err error
			if more, err = piece(context.WithoutCancel(ctx)); err != nil {
				j.dirty.Store(true)
				j.failed(err)
				return
			}
			if more {
				pause(ctx, janitorShare*time.Since(began))
			}
		}
	}
}

// failed has the janitor try again later.
func (j *janitor) failed(err error) {
	j.rt.noteFatal(err)
	if !errors.Is(err, store.ErrClosed) {
		j.rt.cfg.Logger.Error("delete what was kept long enough", "error", err)
	}
	j.arm(now().Add(janitorRetry))
}

// earliest returns the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
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
