package runtime

import (
	"context"
	"errors"
	goruntime "runtime"
	"time"

	"github.com/stepwell/stepwell/store"
)

// wait blocks the branch until w is woken, its time comes, or the execution is
// halted, in which case it does not return. register is called with the lock
// held, after w counts as waiting; it may wake it at once.
func (e *execution) wait(w *waiter, register func()) {
	w.ch = make(chan struct{})
	e.mu.Lock()
	if e.waiters == nil {
		e.waiters = map[*waiter]struct{}{}
	}
	e.waiters[w] = struct{}{}
	e.active--
	if register != nil {
		register()
	}
	if e.stop != store.StopNone && w.stoppable() {
		e.wakeLocked(w)
	}
	if e.active == 0 {
		e.startIdleLocked()
	}
	e.mu.Unlock()

	var due <-chan time.Time
	if !w.at.IsZero() {
		t := time.NewTimer(time.Until(w.at))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-w.ch:
	case <-w.news:
	case <-due:
	case <-e.halting:
		goruntime.Goexit()
	}
	e.mu.Lock()
	for e.suspending {
		e.settled.Wait()
	}
	if e.halt != nil {
		e.mu.Unlock()
		goruntime.Goexit()
	}
	e.wakeLocked(w)
	e.mu.Unlock()
}

func (e *execution) wakeLocked(w *waiter) {
	if w.woken {
		return
	}
	w.woken = true
	e.active++
	delete(e.waiters, w)
	close(w.ch)
	e.stopIdleLocked()
}

// signalled is the number of signals that have reached the run.
func (e *execution) signalled() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.signals
}

// waitSignal waits for a signal after those seen.
func (e *execution) waitSignal(seen int64) { e.waitSignalUntil(seen, time.Time{}) }

// waitSignalUntil waits for a signal after those seen, or for a time; a zero
// one does not come.
func (e *execution) waitSignalUntil(seen int64, at time.Time) {
	w := &waiter{signal: true, at: at}
	e.wait(w, func() {
		if e.signals != seen {
			e.wakeLocked(w)
		}
	})
}

// waitUntil waits for a time.
func (e *execution) waitUntil(at time.Time) { e.wait(&waiter{at: at}, nil) }

func (e *execution) startIdleLocked() {
	if e.saga != nil && e.saga.closer != nil {
		e.wakeLocked(e.saga.closer)
		return
	}
	if e.replay != nil {
		e.haltLocked(errReplayed)
		return
	}
	after := e.unloadAfter()
	if at := e.wakeAtLocked(); e.halt != nil || !at.IsZero() && time.Until(at) < 2*after {
		return // not worth a replay
	}
	e.stopIdleLocked()
	e.idle = time.AfterFunc(after, e.unload)
}

// maxRowCost bounds what the rows add.
const maxRowCost = 10 * time.Second

// rowCost is how much longer a run stays in memory for each row that would have
// to be read to load it again: some twenty times what that takes.
const rowCost = 100 * time.Microsecond

// unloadAfter lets a run with a long history stay longer, so that one that is
// woken time and again does not spend its time in replay.
func (e *execution) unloadAfter() time.Duration {
	after := e.rt.unloadAfter()
	if after < e.rt.cfg.UnloadAfter {
		return after // memory is nearly full
	}
	return after + min(time.Duration(e.history.rows)*rowCost, maxRowCost)
}

func (e *execution) stopIdleLocked() {
	if e.idle != nil {
		e.idle.Stop()
		e.idle = nil
	}
}

// wakeAtLocked is when the first of the waiters wakes by itself.
func (e *execution) wakeAtLocked() (first time.Time) {
	for w := range e.waiters {
		if !w.at.IsZero() && (first.IsZero() || w.at.Before(first)) {
			first = w.at
		}
	}
	return first
}

// unload lets go of a run in which everything waits. While the store decides,
// woken branches hold still: either they leave, or nothing happened.
func (e *execution) unload() {
	e.mu.Lock()
	if e.active > 0 || e.halt != nil || e.suspending {
		e.mu.Unlock()
		return
	}
	e.suspending = true
	s := store.Suspension{WakeAt: e.wakeAtLocked(), Signals: e.signals}
	e.mu.Unlock()

	err := e.rt.store.Suspend(context.Background(), e.claim, s)

	e.mu.Lock()
	defer e.mu.Unlock()
	e.suspending = false
	e.settled.Broadcast()
	switch {
	case err == nil:
		e.haltLocked(errUnloaded)
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrFull), errors.Is(err, store.ErrOverloaded):
		if e.active == 0 {
			e.startIdleLocked() // the news of a signal is on its way; or try later
		}
	default:
		e.haltLocked(err)
		e.rt.noteFatal(err)
	}
}
