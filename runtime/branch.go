package runtime

import (
	"context"
	goruntime "runtime"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/store"
)

// branch is one line of execution inside a run. It counts its calls; the count
// and the branch's own path make the path of a step.
type branch struct {
	e    *execution
	path string // empty: the run itself
	next int
	busy atomic.Bool
	firm bool // of a compensation: a request to stop does not concern it
	// patches holds what was decided for the branch; see [Patched].
	patches map[string]bool
}

// child returns a branch that begins in b, which is in a call.
func (b *branch) child(path string) *branch { return &branch{e: b.e, path: path, patches: b.patches} }

type (
	branchKey  struct{}
	attemptKey struct{}
)

// branchOf returns the branch that ctx carries; nil outside a run and inside a
// step.
func branchOf(ctx context.Context) *branch {
	b, _ := ctx.Value(branchKey{}).(*branch)
	return b
}

// context returns the context of the branch's workflow code.
func (b *branch) context(parent context.Context) context.Context {
	return context.WithValue(parent, branchKey{}, b)
}

// enter begins a call on the branch. It does not return when the execution was
// halted.
func (b *branch) enter() error {
	b.e.checkHalt()
	if !b.busy.CompareAndSwap(false, true) {
		return ErrBranchBusy
	}
	return nil
}

func (b *branch) leave() { b.busy.Store(false) }

// take returns the index and path of the next call.
func (b *branch) take() (int, string) {
	i := b.next
	b.next++
	return i, joinPath(b.path, i)
}

// past looks the next call up in the history. A call that does not match ends
// the goroutine and parks the run.
func (b *branch) past(kind store.Kind, name string) (string, *past) {
	index, path := b.take()
	p, err := b.e.history.find(b.path, index, path, kind, name)
	if err != nil {
		b.e.fail(err)
	}
	if p == nil {
		p = &nothing
	}
	// A run that was asked to stop goes on to its end without anything new.
	if b.e.replay != nil && p.final == nil && b.stopped() == nil {
		b.e.replayed()
	}
	return path, p
}

// fork returns the path for a branch that begins here.
func (b *branch) fork() string {
	_, path := b.take()
	if err := b.e.history.branchAt(path); err != nil {
		b.e.fail(err)
	}
	return path
}

// returned is an error when the history of the branch goes on.
func (b *branch) returned() error {
	return b.e.history.beyond(b.path, b.next, "the end of the function")
}

// stopped returns the error that new calls get once the run was asked to stop.
// It does not return when the function has failed and nothing new may begin.
func (b *branch) stopped() error {
	if b.firm {
		return nil
	}
	cause, closing := b.e.stopState()
	switch {
	case cause != store.StopNone:
		return stopError(cause)
	case closing:
		goruntime.Goexit()
	}
	return nil
}

// asked returns an error when the run was asked to stop.
func (b *branch) asked() error {
	if b.firm {
		return nil
	}
	if cause := b.e.stopCause(); cause != store.StopNone {
		return stopError(cause)
	}
	return nil
}

// record commits a row of history. It does not return when the claim or the
// store is lost.
func (b *branch) record(row *store.Step) {
	e := b.e
	e.replayed()
	err := e.rt.persist(e.halting, func() error {
		return e.rt.store.Record(context.Background(), e.claim, row)
	})
	if err != nil {
		e.fail(err)
	}
}

// attempt is what a step's context carries.
type attempt struct {
	run    *execution
	path   string
	number int
	name   string
	kind   store.Kind
	heart  atomic.Pointer[heart] // once the step has one
}

// attemptOf returns the attempt of a step that ctx carries; nil outside a step.
func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

// attemptContext is the context of one attempt of a step. Inside it there is no
// branch: calls of this package run as if outside of a run.
type attemptContext struct {
	context.Context
	a *attempt
}

func (c attemptContext) Value(key any) any {
	switch key {
	case branchKey{}:
		return nil
	case attemptKey{}:
		return c.a
	}
	return c.Context.Value(key)
}

// attemptContext derives from the workflow's own, which may carry values and
// a deadline of the user's.
func (b *branch) attemptContext(parent context.Context, a *attempt) context.Context {
	ctx := context.Context(attemptContext{parent, a})
	if b.e.run.Trace.Sampled {
		t := b.e.run.Trace
		ctx = trace.ContextWithSpanContext(ctx, spanContext(t, store.StepSpanID(t, b.e.run.ID, a.path, a.number)))
	}
	return ctx
}
