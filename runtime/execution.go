package runtime

import (
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/store"
)

// Why the goroutines of an execution have to leave. The run itself goes on
// elsewhere, later, or not at all.
var (
	errUnloaded = errors.New("everything in the run waits")
	errDraining = errors.New("the runtime drains")
	errShutdown = errors.New("the runtime shuts down")
	errReturned = errors.New("the workflow function returned")
)

// execution is one run in memory: its goroutines, what they wait for, and the
// claim under which they write.
//
// Goroutines of a run leave by Goexit, so that no recover in the user's code
// can hold them: every call into the engine checks whether the execution was
// halted, and every wait ends when it is.
type execution struct {
	rt      *Runtime
	run     store.Run
	claim   store.Claim
	def     *definition
	history *history
	ctx     context.Context // of workflow code; ended by stop, and at the end
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup // goroutines of branches
	done    chan struct{}  // closed when the execution is over

	halted atomic.Bool // for the hot path; set after halt
	parent atomic.Bool // it has, or may have, children

	mu      sync.Mutex
	settled *sync.Cond // suspending became false
	halt    error      // why all have to leave; nil while they may go on
	halting chan struct{}
	// active counts the branches that do not wait. At zero everything waits.
	active     int
	waiters    map[*waiter]struct{}
	suspending bool // a Suspend is on its way; nobody may go on
	idle       *time.Timer
	signals    int64
	stop       store.StopCause

	handlers map[string]bool    // names of updates that have one
	open     map[updateKey]bool // updates that were taken and not answered

	tries *try // those with an attempt under way

	ended *store.Run // with its outcome, before done is closed

	replay *replaying // nil: this is for real

	saga *saga // guarded by mu; nil as long as nothing was registered

	next *store.Continuation // how it goes on, when the function has returned
}

// waiter is one branch in a wait. Whoever wakes it counts it active again in
// its place, so that there is no moment in which a woken run looks idle.
type waiter struct {
	woken  bool
	ch     chan struct{}
	at     time.Time // when it wakes by itself; zero: it does not
	signal bool      // a signal wakes it
	firm   bool      // a request to stop does not
	// news, once closed, wakes it; nil: it waits for none.
	news <-chan struct{}
}

// stoppable: a request to stop wakes it. A wait for a branch ends by itself
// when the branch does.
func (w *waiter) stoppable() bool { return !w.firm && (w.signal || w.news != nil || !w.at.IsZero()) }

func newExecution(rt *Runtime, run store.Run, def *definition) *execution {
	e := &execution{
		rt: rt, run: run, claim: run.Claim(), def: def, history: &history{},
		done: make(chan struct{}), halting: make(chan struct{}),
		active: 1, signals: run.Signals, stop: run.Stop,
	}
	e.settled = sync.NewCond(&e.mu)
	e.begunLocked()
	return e
}

// begunLocked makes the context of the workflow's code.
func (e *execution) begunLocked() {
	ctx, cancel := context.WithCancelCause(e.rt.base)
	span := spanContext(e.run.Trace, store.RunSpanID(e.run.Trace, e.run.ID))
	e.ctx, e.cancel = trace.ContextWithSpanContext(ctx, span), cancel
	if e.stop != store.StopNone {
		cancel(stopError(e.stop))
	}
}

func spanContext(t store.Trace, span [8]byte) trace.SpanContext {
	cfg := trace.SpanContextConfig{TraceID: t.TraceID, SpanID: span}
	if t.Sampled {
		cfg.TraceFlags = trace.FlagsSampled
	}
	return trace.NewSpanContext(cfg)
}

// begin reads what the run needs, then hands it to a goroutine of its own:
// decoding needs a deep stack, and a run that waits in a step for long should
// not keep one.
func (e *execution) begin() {
	ready := false
	defer func() {
		if !ready {
			e.finish(nil) // the goroutine is on its way out
		}
	}()
	if !e.run.Fresh() {
		rows, err := e.rt.store.Load(context.Background(), e.run.Seq)
		if err != nil {
			e.fail(err)
		}
		if err := unopened(rows); err != nil {
			e.fail(err)
		}
		e.history, e.open = newHistory(rows), openUpdates(rows)
		e.parent.Store(slices.ContainsFunc(rows, func(s store.Step) bool { return s.Kind == store.KindChild }) || e.run.Base > 0)
	}
	call, err := e.def.prepare(e.rt.cfg.Codec, e.run.Input)
	ready = true
	if err != nil {
		// It fitted when the run was started: the code has changed.
		e.finish(stuck(unfit("the input no longer fits", err)))
		return
	}
	if row := e.history.returned; row != nil {
		e.reopen(row)
	}
	go e.work(call) // drain waits for the place of the run
}

// work is the goroutine of the run. The deferred part runs after a Goexit too.
func (e *execution) work(call call) {
	b := &branch{e: e, next: e.run.Base}
	var out []byte
	err := errExited
	defer func() {
		// What the function returned counts while the runtime drains, too.
		var outcome *store.Outcome
		switch cause := e.haltCause(); {
		case cause == nil, cause == errDraining && err == nil,
			cause == errDraining && err != errExited && context.Cause(e.ctx) != errShutdown:
			outcome = e.outcome(b, out, err)
		}
		if outcome != nil {
			unwind := false
			if outcome, unwind = e.mustUnwind(outcome); unwind {
				go e.unwind(b, outcome) // drain waits for the place of the run
				return
			}
		}
		e.finish(outcome)
	}()
	out, err = b.callThrough(call)
}

func (e *execution) outcome(b *branch, out []byte, err error) *store.Outcome {
	if err := b.returned(); err != nil {
		return stuck(err)
	}
	if e.continues(b, err) {
		return &store.Outcome{Status: store.Succeeded, At: now()} // so far
	}
	if err == nil && len(out) > e.rt.cfg.MaxPayload {
		err = tooLarge("output", len(out), e.rt.cfg.MaxPayload)
	}
	if err != nil {
		return failed(err)
	}
	return &store.Outcome{Status: store.Succeeded, Output: out, At: now()}
}

func failed(err error) *store.Outcome {
	return &store.Outcome{Status: store.Failed, Error: recorded(err), At: now()}
}

func stuck(err error) *store.Outcome {
	return &store.Outcome{Status: store.Stuck, Error: recorded(err), At: now()}
}

// finish ends the execution: it waits for the other branches, then writes what
// became of the run and lets go of it.
func (e *execution) finish(outcome *store.Outcome) {
	if outcome != nil {
		e.haltWith(errReturned)
	}
	e.cancel(errReturned)
	e.wg.Wait()
	cause := e.haltCause()
	switch {
	case e.replay != nil:
		if e.next != nil && outcome != nil && outcome.Status == store.Succeeded {
			outcome.Status = store.Queued
		}
		*e.replay = replaying{outcome, cause}
	case e.next != nil && outcome != nil && outcome.Status == store.Succeeded:
		e.goOn()
	case outcome != nil:
		e.end(*outcome)
	case errors.Is(cause, ErrNondeterministic), errors.Is(cause, ErrSealed), isUnregistered(cause), errors.Is(cause, store.ErrConflict):
		e.end(*stuck(cause))
	case cause == errDraining, errors.Is(cause, store.ErrFull):
		e.release()
	}
	close(e.done)
	e.rt.unload(e)
}

// release gives the run back. What cannot be given back now is left to recovery.
func (e *execution) release() {
	e.rt.persist(nil, func() error {
		return e.rt.store.Release(context.Background(), []store.Claim{e.claim}, now())
	})
}

// end commits the outcome. While the store has no room it tries again: the
// outcome is known and must not be lost.
func (e *execution) end(o store.Outcome) {
	o.HasParent, o.HasChildren = e.run.ParentID != "", e.parent.Load()
	o.HasKey, o.HasPartition = e.run.StartKey != "", e.run.Partition != ""
	var status store.Status
	err := e.rt.persist(nil, func() (err error) {
		status, err = e.rt.store.Finish(context.Background(), e.claim, o)
		return err
	})
	if o.Unstopped && errors.Is(err, store.ErrConflict) {
		e.release() // the next execution sees that it is to stop
		return
	}
	if err != nil {
		return // stale, or the store is gone: recovery decides
	}
	run := e.run
	run.Status, run.Output, run.Error, run.EndedAt = status, o.Output, o.Error, o.At
	if status != o.Status {
		run.Output, run.Error = nil, recorded(stopError(e.stopCause()))
	}
	if e.saga != nil {
		// A request to stop may have come after it was of interest here.
		if r, err := e.rt.store.Get(context.Background(), run.ID); err == nil {
			run = r
		}
	}
	e.ended = &run
	e.log(status, &run)
}

func (e *execution) log(status store.Status, run *store.Run) {
	level, msg := slog.LevelDebug, "run ended"
	switch status {
	case store.Failed:
		level = slog.LevelWarn
	case store.Stuck:
		level, msg = slog.LevelError, "run is stuck; mend the cause and resume it"
	}
	if !e.rt.cfg.Logger.Enabled(e.ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("run_id", run.ID), slog.String("workflow", run.Workflow), slog.String("status", status.String())}
	if run.Error != nil && !e.rt.Seals() {
		attrs = append(attrs, slog.String("error", run.Error.Message))
	}
	e.rt.cfg.Logger.LogAttrs(e.ctx, level, msg, attrs...)
}

// fail ends this execution because of an error that is not the workflow's, and
// ends the calling goroutine.
func (e *execution) fail(err error) {
	e.haltWith(err)
	if !errors.Is(err, ErrNondeterministic) {
		e.rt.noteFatal(err)
	}
	goruntime.Goexit()
}

// checkHalt ends the calling goroutine when the execution was halted.
func (e *execution) checkHalt() {
	if e.halted.Load() {
		goruntime.Goexit()
	}
}

// haltWith makes all goroutines leave. The first cause counts.
func (e *execution) haltWith(cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.haltLocked(cause)
}

func (e *execution) haltLocked(cause error) {
	if e.halt != nil {
		return
	}
	e.halt = cause
	e.halted.Store(true)
	close(e.halting)
	e.stopIdleLocked()
}

func (e *execution) haltCause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.halt
}

// stopState tells, besides, whether nothing new may begin because the function
// has ended.
func (e *execution) stopState() (cause store.StopCause, closing bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stop, e.closingLocked()
}

func (e *execution) closingLocked() bool { return e.saga != nil && e.saga.closing }

func (e *execution) stopCause() store.StopCause {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stop
}

// signal is told what reached the run from outside. When it was asked to stop,
// waits end, and the contexts of running steps do.
func (e *execution) signal(run *store.Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if run.Signals > e.signals {
		e.signals = run.Signals
		for w := range e.waiters {
			if w.signal {
				e.wakeLocked(w)
			}
		}
	}
	if run.Stop == store.StopNone || e.stop != store.StopNone || e.closingLocked() {
		return
	}
	e.stop = run.Stop
	for w := range e.waiters {
		if w.stoppable() {
			e.wakeLocked(w)
		}
	}
	e.cancel(stopError(run.Stop))
}
