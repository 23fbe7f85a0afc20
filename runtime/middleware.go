package runtime

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Middleware wraps the runs and steps of a runtime: for logging, metrics,
// tenancy, a tracker of errors. It is a [Definition]: hand it to [New] or to
// app.Main with the rest. Of several the first is outermost.
//
// A wrapper calls next once, with its ctx or one made from it, so that it can
// add values; [Current] tells it where it is. It returns the error of next or
// another one. It cannot make a success of a failure: when it returns nil, the
// error of next stands. A panic in it is caught like one of the code it wraps,
// whose panics it sees as a [*PanicError].
type Middleware struct {
	// Run wraps the function of a workflow. It is called anew for every
	// execution of the run, so also when the run goes on after a wait or a
	// crash; but an execution that is left in between never returns from next,
	// and only deferred calls run. What comes after next is thus reached once,
	// unless the process dies before the end is committed. It is code of the
	// workflow: it should start no steps of its own.
	Run func(ctx context.Context, next func(context.Context) error) error
	// Step wraps each attempt of a step, inside its timeout; a step whose
	// outcome is recorded is not attempted. The error that it returns is the
	// attempt's, so retries go by it.
	Step func(ctx context.Context, next func(context.Context) error) error
}

type wrapper func(ctx context.Context, next func(context.Context) error) error

func (m Middleware) register(r *registry) error {
	if m.Run == nil && m.Step == nil {
		return fmt.Errorf("%w: middleware wraps nothing: want Run or Step", ErrInvalid)
	}
	if m.Run != nil {
		r.runWrappers = append(r.runWrappers, m.Run)
	}
	if m.Step != nil {
		r.stepWrappers = append(r.stepWrappers, m.Step)
	}
	return nil
}

// through calls inner inside all wrappers. inside tells whether a context that
// a wrapper hands on still belongs where it should.
func through(ctx context.Context, ws []wrapper, inside func(context.Context) bool, inner func(context.Context) error) (err error) {
	if len(ws) == 0 {
		return inner(ctx)
	}
	defer catch(&err)
	var called atomic.Bool
	var below error
	err = ws[0](ctx, func(ctx context.Context) error {
		switch {
		case called.Swap(true):
			return misused("called next twice")
		case !inside(ctx):
			below = misused("called next with a context that is not made from its own")
		default:
			below = through(ctx, ws[1:], inside, inner)
		}
		return below
	})
	switch {
	case err != nil:
		return err
	case !called.Load():
		return misused("returned without an error and without calling next")
	}
	return below
}

func misused(how string) error {
	return Permanent(fmt.Errorf("%w: a middleware %s", ErrInvalid, how))
}

// callThrough calls the function of the run.
func (b *branch) callThrough(call call) (out []byte, err error) {
	ctx := b.context(b.e.ctx)
	ws := b.e.rt.reg.runWrappers
	if len(ws) == 0 {
		return call(ctx)
	}
	err = through(ctx, ws, func(ctx context.Context) bool { return branchOf(ctx) == b }, func(ctx context.Context) (err error) {
		out, err = call(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// doThrough calls the function of the step, do.
func (t *try) doThrough(ctx context.Context, do func(context.Context) error) error {
	a := attemptOf(ctx)
	return through(ctx, t.branch.e.rt.reg.stepWrappers, func(ctx context.Context) bool { return attemptOf(ctx) == a }, func(ctx context.Context) (err error) {
		defer catch(&err)
		return do(ctx)
	})
}
