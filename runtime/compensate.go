package runtime

import (
	"cmp"
	"context"
	"fmt"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// Compensate registers fn to undo what the run does: when the run fails, is
// cancelled or passes its deadline, the registered functions run one after the
// other once the workflow function has returned, the last registered first.
// Each is a step of its own in the history, of the kind compensate, whose
// attempts are recorded like any step's; without [Retry] it has ten. They go on
// over a crash, and a cancel does not stop them: until they have ended the run
// is running, or waiting between two attempts, and it cannot be resumed after.
// A run that is stuck is not cancelled unless it is said to end without them, for
// its code cannot run; see [WithoutCompensations].
//
// Register before the step that is to be undone, with an fn that tolerates that
// there is nothing to undo: a step can have its effect and still be cut short.
// Compensate itself records nothing; replay registers anew. ctx hands its
// values on, not its end.
//
// When a compensation fails for good the others run all the same, and the run
// ends failed, with [ErrCompensation] and the names of those that failed.
// Functions registered in branches run in the order of their places: what a
// branch registered comes after what followed its [Go], and before what
// preceded that. Outside a run, and in a step, it returns [ErrNotInRun].
func Compensate(ctx context.Context, name string, fn func(context.Context) error, opts ...StepOption) error {
	b := branchOf(ctx)
	if b == nil {
		return fmt.Errorf("compensate %q: %w", name, ErrNotInRun)
	}
	c := &compensation{name: name, ctx: context.WithoutCancel(ctx)}
	Retry{Max: 10}.applyStep(&c.cfg)
	for _, o := range opts {
		o.applyStep(&c.cfg)
	}
	if c.cfg.err != nil {
		return fmt.Errorf("compensate %q: %w", name, c.cfg.err)
	}
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	c.fn = b.substituteUndo(name, fn)
	b.e.register(c, joinPath(b.path, b.next))
	return nil
}

func (b *branch) substituteUndo(name string, fn func(context.Context) error) func(context.Context) error {
	if b.e.rt.reg.hooks == nil {
		return fn
	}
	call := substitute(b, name, func(ctx context.Context) (any, error) { return nil, fn(ctx) })
	return func(ctx context.Context) error { _, err := call(ctx); return err }
}

// compensation is a function registered to undo something.
type compensation struct {
	place
	name string
	ctx  context.Context
	fn   func(context.Context) error
	cfg  stepConfig
}

// place is where in the code a compensation was registered: before the call
// that would have the path At, as the Nth there.
type place struct {
	At  string `json:"at"`
	Nth int    `json:"nth,omitzero"`
}

// later sorts the places by falling order.
func later(a, b place) int {
	return cmp.Or(store.ComparePaths(b.At, a.At), cmp.Compare(b.Nth, a.Nth))
}

// saga is what a run knows of its compensations.
type saga struct {
	undo []*compensation // as registered
	// closing: nothing new begins any more; what is recorded may be replayed,
	// to learn what it registers.
	closing bool
	// closer waits for all other branches to wait or to have left.
	closer *waiter
	// closed is what the history says of the end of the function.
	closed *closed
}

// closed is the decision to compensate, as recorded in the row of kind return.
type closed struct {
	Cause store.StopCause `json:"cause,omitzero"`
	// Undo in the order of execution. The i-th has the i-th path below the
	// row's.
	Undo []planned `json:"undo"`
	row  *store.Step
}

type planned struct {
	place
	Name string `json:"name"`
}

func (e *execution) register(c *compensation, at string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.saga == nil {
		e.saga = &saga{}
	}
	c.place = place{At: at}
	for _, other := range e.saga.undo {
		if other.At == at {
			c.Nth++
		}
	}
	e.saga.undo = append(e.saga.undo, c)
}

// reopen puts an execution whose history has the end of the function where it
// was: nothing new begins, and what had stopped it, or not, counts on.
func (e *execution) reopen(row *store.Step) {
	c := &closed{row: row}
	if err := (JSON{}).Decode(row.Output, c); err != nil {
		e.fail(fmt.Errorf("%w: the end at %s: %w", ErrNondeterministic, row.Path, err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.saga = &saga{closing: true, closed: c}
	if e.stop == c.Cause {
		return
	}
	e.cancel(errReturned)
	e.stop = c.Cause
	e.begunLocked()
}

// mustUnwind decides, when the function has returned, whether compensations
// have to run. If they would have to in case the run is being stopped right now,
// it has the store find out. Nil means that the process has no time for them.
func (e *execution) mustUnwind(o *store.Outcome) (*store.Outcome, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.saga
	switch {
	case o.Status == store.Stuck:
		return o, false
	case s != nil && s.closed != nil:
	case o.Status == store.Succeeded && e.stop == store.StopNone:
		o.Unstopped = s != nil
		return o, false
	case e.replay != nil:
		return o, false // nothing was decided, and nothing will be
	case s == nil && e.active <= 1 && len(e.waiters) == 0:
		return o, false
	}
	if e.halt != nil {
		if s == nil {
			return o, false
		}
		return nil, false
	}
	if s == nil {
		e.saga = &saga{} // another branch may yet register
	}
	e.saga.closing = true
	return o, true
}

// unwind runs the compensations, then ends the execution.
func (e *execution) unwind(b *branch, o *store.Outcome) {
	var end *store.Outcome // nil: it had to leave
	defer func() { e.finish(end) }()
	e.settle()
	c := e.saga.closed
	undo := e.saga.undo
	slices.SortFunc(undo, func(a, b *compensation) int { return later(a.place, b.place) })
	switch {
	case c != nil:
		undo = e.registeredAgain(c, undo)
	case len(undo) == 0:
		end = o
		return
	default:
		c = e.recordEnd(joinPath(b.path, b.next), o, undo)
	}
	var failures []*StepError
	for i, u := range undo {
		if e.replay != nil {
			break
		}
		if err := e.compensate(u, joinPath(c.row.Path, i)); err != nil {
			failures = append(failures, err)
		}
	}
	end = c.outcome(failures)
}

// settle has the other branches leave: at their next call that is new, or where
// they wait once all of them do. Then it makes the execution usable again.
func (e *execution) settle() {
	e.cancel(errReturned)
	w := &waiter{}
	e.wait(w, func() { e.saga.closer = w })
	e.haltWith(errReturned)
	e.wg.Wait()
	e.mu.Lock()
	if e.halt != errReturned {
		e.mu.Unlock()
		goruntime.Goexit()
	}
	e.saga.closer, e.waiters, e.active = nil, nil, 1
	e.halt, e.halting = nil, make(chan struct{})
	e.halted.Store(false)
	e.mu.Unlock()
	if e.rt.phase() > phaseReady {
		e.haltWith(errDraining) // what drain said meanwhile went unheard
	}
}

// recordEnd makes the decision durable. From here on a crash changes neither
// how the run ends nor what is undone.
func (e *execution) recordEnd(path string, o *store.Outcome, undo []*compensation) *closed {
	c := &closed{Cause: e.stopCause()}
	for _, u := range undo {
		c.Undo = append(c.Undo, planned{u.place, u.name})
	}
	data, err := JSON{}.Encode(c)
	if err != nil {
		e.fail(err)
	}
	why := o.Error
	if c.Cause != store.StopNone {
		why = recorded(stopError(c.Cause))
	}
	at := now()
	c.row = &store.Step{Path: path, Attempt: 1, Kind: store.KindReturn, Status: store.StepFailed, Error: why, Output: data, StartedAt: at, EndedAt: at}
	(&branch{e: e, firm: true}).record(c.row)
	return c
}

// registeredAgain finds what is to be undone among what replay has registered.
func (e *execution) registeredAgain(c *closed, undo []*compensation) (found []*compensation) {
	for _, p := range c.Undo {
		i := slices.IndexFunc(undo, func(u *compensation) bool { return u.place == p.place && u.name == p.Name })
		if i < 0 {
			e.fail(fmt.Errorf("%w: before %s the history has the compensation %q, the code did not register it", ErrNondeterministic, p.At, p.Name))
		}
		found = append(found, undo[i])
	}
	return found
}

// compensate runs one to its end.
func (e *execution) compensate(c *compensation, path string) *StepError {
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.rt.base, func() { cancel(context.Cause(e.rt.base)) })()
	t := &try{
		branch: &branch{e: e, firm: true}, ctx: ctx, path: path, name: c.name, kind: store.KindCompensate, cfg: c.cfg,
		work: work{do: c.fn, output: func() ([]byte, error) { return nil, nil }},
	}
	var row *store.Step
	if p := e.history.undone[path]; p != nil {
		row = t.known(p)
	}
	for row == nil {
		row, _ = t.next() // a firm branch is not stopped
	}
	if row.Status == store.StepFailed {
		return stepError(c.name, row)
	}
	return nil
}

// outcome is how the run ends after its compensations.
func (c *closed) outcome(failures []*StepError) *store.Outcome {
	o := &store.Outcome{Status: store.Failed, Error: c.row.Error, At: now()}
	if c.Cause == store.StopCancel {
		o.Status = store.Cancelled
	}
	if len(failures) > 0 {
		texts := make([]string, len(failures))
		for i, f := range failures {
			texts[i] = f.Error()
		}
		err := fmt.Errorf("%w: %s; the run had ended with: %s", ErrCompensation, strings.Join(texts, "; "), c.row.Error.Message)
		o.Status, o.Error, o.Final = store.Failed, recorded(err), true
		o.Error.Step = failures[0].Path
	}
	return o
}
