package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Step runs fn and records what it returned. Once recorded it never runs
// again: every later execution of the run gets the recorded value or error.
// When the process dies after fn had its effect and before the record, fn runs
// again, so let it be idempotent.
//
// The value goes through the codec, live too. An error becomes a [*StepError].
// When Step returns the record is durable.
//
// The name says what the step is; it may repeat. Step identifies it by its
// place: the branch and the count of calls before it, so a name alone does not
// make a step known again. Without a name, or with control characters in it, Step
// returns [ErrInvalid] and does nothing.
//
// Outside a run, and inside another step, Step just calls fn.
func Step[T any](ctx context.Context, name string, fn func(context.Context) (T, error), opts ...StepOption) (T, error) {
	b := branchOf(ctx)
	if b == nil {
		return fn(ctx)
	}
	v := &value[T]{codec: b.e.rt.cfg.Codec}
	call := substitute(b, name, fn)
	data, err := b.step(ctx, name, opts, work{
		do:     func(ctx context.Context) (err error) { v.out, err = call(ctx); return err },
		output: v.encode,
	})
	if err != nil {
		var none T
		return none, err
	}
	if err := v.decode(data); err != nil {
		b.e.fail(unfit(fmt.Sprintf("step %q returned what no longer fits %T", name, v.out), err))
	}
	return v.seen, nil
}

// value is what a step returned, and what the workflow sees of it: the recorded
// form, live too.
type value[T any] struct {
	codec     Codec
	out, seen T
	read      bool // seen holds what was read back
	err       error
}

// encode reads the value back at once, while there is a stack for it.
func (v *value[T]) encode() (data []byte, err error) {
	err = aside(func() error {
		if data, err = v.codec.Encode(v.out); err == nil {
			v.err = v.codec.Decode(data, &v.seen)
			v.read = true
		}
		return err
	})
	return data, err
}

func (v *value[T]) decode(data []byte) error {
	if v.read {
		return v.err
	}
	return aside(func() error { return v.codec.Decode(data, &v.seen) })
}

// aside runs fn, which needs a deep stack, on one of its own: a goroutine keeps
// the largest it ever had, and a run spends its time waiting. A panic is
// returned as an error.
func aside(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errExited
		defer func() { done <- err }()
		defer catch(&err)
		err = fn()
	}()
	return <-done
}

// work is what a step does: do, and then, where that succeeded, output encodes
// what it gave. They are two so that the encoder does not need its stack on
// top of all that an attempt needs.
type work struct {
	do     func(context.Context) error
	output func() ([]byte, error)
	tx     *transaction // of a Tx step, in the place of do
}

// step is Step without its types.
func (b *branch) step(ctx context.Context, name string, opts []StepOption, w work) ([]byte, error) {
	t, err := b.newTry(ctx, name, opts, w)
	if err != nil {
		return nil, err
	}
	defer b.leave()
	row := t.look()
	for row == nil {
		if row, err = t.next(); err != nil {
			return nil, err
		}
	}
	return settled(name, row)
}

// settled is what a step gives, from its final row.
func settled(name string, row *store.Step) ([]byte, error) {
	if row.Status == store.StepFailed {
		return nil, stepError(name, row)
	}
	return row.Output, nil
}

// try is the sequence of attempts at one step.
type try struct {
	branch *branch
	ctx    context.Context // the caller's
	path   string
	name   string
	kind   store.Kind
	cfg    stepConfig
	work
	failures int       // recorded so far
	number   int       // of the last attempt
	wake     time.Time // not before
	started  time.Time // the last attempt
	heart    *heart    // once the step has one

	// Guarded by the run's mu, as are number and started while it is listed.
	before, after *try
	listed        bool
}

// newTry enters the branch for a step.
func (b *branch) newTry(ctx context.Context, name string, opts []StepOption, w work) (*try, error) {
	t := &try{branch: b, ctx: ctx, name: name, kind: store.KindStep, work: w, cfg: stepConfig{retry: Retry{Max: 1}}}
	if w.tx != nil {
		t.kind = store.KindTx
	}
	for _, o := range opts {
		o.applyStep(&t.cfg)
	}
	if t.kind == store.KindTx && t.cfg.heartbeat > 0 {
		t.cfg.err = fmt.Errorf("%w: HeartbeatTimeout for a Tx step, which cannot have a heartbeat", ErrInvalid)
	}
	if t.cfg.err != nil {
		return nil, fmt.Errorf("step %q: %w", name, t.cfg.err)
	}
	if err := b.enter(); err != nil {
		return nil, err
	}
	if err := t.checkName(); err != nil {
		b.leave()
		return nil, err
	}
	return t, nil
}

// checkName refuses a name that would be hard to read wherever it is shown, before the
// step has a place. A history from before there was this rule goes on to replay.
func (t *try) checkName() error {
	if t.name != "" && printable(t.name) {
		return nil
	}
	b := t.branch
	if p := b.e.history.steps[joinPath(b.path, b.next)]; p != nil {
		if row := p.any(); row != nil && row.Kind == t.kind && row.Name == t.name {
			return nil
		}
	}
	return fmt.Errorf("%w: step name %q: want 1 or more characters, no control characters among them", ErrInvalid, t.name)
}

// look reads what the history knows of the step, and returns the row that
// settled it, if one did.
func (t *try) look() *store.Step {
	path, p := t.branch.past(t.kind, t.name)
	t.path = path
	return t.known(p)
}

// known takes over what went before.
func (t *try) known(p *past) *store.Step {
	t.failures, t.number = p.failures, p.attempts
	if p.retry != nil {
		t.wake = p.retry.WakeAt
	}
	return p.final
}

// next makes one attempt and records it. It returns the row that settles the
// step, nil when another attempt is to follow, or the error that says why
// there is none: the run was asked to stop.
//
// A run spends most of its time in here, so what is needed before and after
// the attempt is kept out of this frame: with it, stacks would double.
func (t *try) next() (*store.Step, error) {
	if err := t.wait(); err != nil {
		return nil, err
	}
	t.branch.e.replayed()
	t.number++
	t.started = now()
	err := t.attempt()
	defer t.ends()
	if err == errShutdown {
		t.branch.e.fail(errDraining)
	}
	if err != nil && (errors.Is(err, ErrSealed) || isUnregistered(err)) {
		t.branch.e.fail(fmt.Errorf("step %q: %w", t.name, err)) // with the key, or the workflow, it will have another outcome
	}
	if t.tx != nil {
		if row := t.tx.committed(t.branch.e); row != nil {
			return row, nil
		}
	}
	return t.record(err)
}

// wait holds the attempt back until it is due.
func (t *try) wait() error {
	t.branch.e.checkHalt()
	if err := t.branch.stopped(); err != nil {
		return err
	}
	if !t.wake.After(now()) {
		return nil
	}
	t.branch.e.wait(&waiter{at: t.wake, firm: t.branch.firm}, nil)
	return t.branch.stopped()
}

// record decides what an attempt's end means for the step, and commits it.
func (t *try) record(err error) (*store.Step, error) {
	b, e := t.branch, t.branch.e
	var out []byte
	if err == nil {
		out, err = t.encode()
	}
	row := t.row()
	stop := b.asked()
	switch {
	case err == nil:
		row.Status, row.Output = store.StepSucceeded, out
	case !b.firm && context.Cause(e.ctx) == errReturned:
		row.Status, row.Error = store.StepCancelled, recorded(errReturned)
	case stop != nil:
		row.Status, row.Error = store.StepCancelled, recorded(stop)
	case t.cfg.retry.again(err, t.failures):
		t.failures++
		row.Status, row.Error = store.StepRetrying, recorded(err)
		row.WakeAt = row.EndedAt.Add(t.cfg.retry.delay(t.failures))
		t.wake = row.WakeAt
	default:
		row.Status, row.Error = store.StepFailed, recorded(err)
	}
	b.record(row)
	switch row.Status {
	case store.StepCancelled:
		e.checkHalt()
		return nil, stop
	case store.StepRetrying:
		return nil, nil
	}
	return row, nil
}

// row of the attempt that just ended.
func (t *try) row() *store.Step {
	return &store.Step{Path: t.path, Attempt: t.number, Kind: t.kind, Name: t.name, StartedAt: t.started, EndedAt: now()}
}

// encode returns the output in the form that is stored.
func (t *try) encode() (out []byte, err error) {
	defer catch(&err) // a panic in the user's MarshalJSON
	if out, err = t.output(); err != nil {
		return nil, Permanent(fmt.Errorf("encode output: %w", err))
	}
	if most := t.branch.e.rt.cfg.MaxPayload; len(out) > most {
		return nil, Permanent(tooLarge("output", len(out), most))
	}
	return out, nil
}

// attempt runs the function once.
func (t *try) attempt() (err error) {
	a := &attempt{run: t.branch.e, path: t.path, number: t.number, name: t.name, kind: t.kind}
	if t.heart != nil {
		t.heart.begin(t.number)
		a.heart.Store(t.heart)
	}
	ctx := t.branch.attemptContext(t.ctx, a)
	err = errExited
	began := t.branch.e.rt.isolate(ctx, t.branch.e.def.name+"/"+t.name, t.cfg.compute, func() {
		err = t.run(ctx)
	})
	if began != nil {
		err = t.explain(context.Cause(ctx), began)
	}
	if t.heart = a.heart.Load(); t.heart != nil {
		t.heart.end(err != nil)
	}
	return err
}

// run is the attempt itself, where it was given a place: waiting for one counts
// neither for its timeout nor for its duration.
func (t *try) run(ctx context.Context) (err error) {
	t.begins()
	if t.tx != nil {
		return t.transact(ctx)
	}
	if t.cfg.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.cfg.timeout, ErrTimeout)
		defer cancel()
	}
	if t.cfg.heartbeat > 0 {
		silent, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		attemptOf(ctx).beating().watch(t.cfg.heartbeat, cancel)
		ctx = silent
	}
	if err = t.protected(ctx, t.do); err != nil {
		err = t.explain(context.Cause(ctx), err)
	}
	return err
}

func (t *try) protected(ctx context.Context, do func(context.Context) error) (err error) {
	defer catch(&err)
	if len(t.branch.e.rt.reg.stepWrappers) > 0 {
		return t.doThrough(ctx, do)
	}
	return do(ctx)
}

// explain names the end of the context as the cause of an error that came of it.
func (t *try) explain(cause, err error) error {
	switch {
	case cause == errShutdown:
		return errShutdown // cut short by us: it runs again
	case cause == ErrTimeout && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout)):
		return fmt.Errorf("%w after %v", ErrTimeout, t.cfg.timeout)
	case cause == ErrHeartbeat && (errors.Is(err, context.Canceled) || errors.Is(err, ErrHeartbeat)):
		return fmt.Errorf("%w for %v", ErrHeartbeat, t.cfg.heartbeat)
	}
	return err
}

func tooLarge(what string, size, limit int) error {
	return fmt.Errorf("%w: %s is %w: %d bytes, at most %d are allowed", ErrInvalid, what, ErrTooLarge, size, limit)
}
