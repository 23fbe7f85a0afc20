package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Future is the result of a branch begun with [Go].
type Future[T any] struct {
	f   *future
	val T
	err error
}

// Awaitable is any [Future], for [Select].
type Awaitable interface{ awaited() *future }

func (f *Future[T]) awaited() *future { return f.f }

// future is a Future without its type.
type future struct {
	e    *execution // nil outside a run
	done chan struct{}
	// guarded by e.mu
	over    bool
	waiters []*waiter
}

// errExited: the user's function left by Goexit on its own account.
var errExited = errors.New("function called runtime.Goexit")

// Go runs fn as a branch of its own, concurrently. Its steps are counted for
// themselves, so their order relative to other branches does not matter. When
// the workflow function returns, branches still under way are ended and what
// they did since their last step is not recorded.
//
// The branch itself is not recorded: in replay fn runs again, over its
// recorded steps. Outside a run fn just runs in a goroutine.
func Go[T any](ctx context.Context, fn func(context.Context) (T, error)) *Future[T] {
	f := &Future[T]{f: &future{done: make(chan struct{})}}
	body := func(ctx context.Context) {
		f.err = errExited
		defer catch(&f.err)
		f.val, f.err = fn(ctx)
	}
	b := branchOf(ctx)
	if b == nil {
		go func() {
			defer close(f.f.done)
			body(ctx)
		}()
		return f
	}
	if err := b.enter(); err != nil {
		f.err = err
		close(f.f.done)
		return f
	}
	defer b.leave()
	f.f.e = b.e
	b.e.branch(ctx, f.f, b.child(b.fork()), body)
	return f
}

// branch runs body as a new branch and completes f when it is over.
func (e *execution) branch(ctx context.Context, f *future, b *branch, body func(context.Context)) {
	e.mu.Lock()
	e.active++
	e.mu.Unlock()
	e.wg.Go(func() {
		defer func() {
			// After a halt nobody waits any more: all leave.
			if !e.halted.Load() {
				e.complete(f)
			}
		}()
		body(b.context(ctx))
		if err := b.returned(); err != nil && !e.halted.Load() {
			e.fail(err)
		}
	})
}

func (e *execution) complete(f *future) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f.over = true
	close(f.done)
	for _, w := range f.waiters {
		e.wakeLocked(w)
	}
	f.waiters = nil
	if e.active--; e.active == 0 {
		e.startIdleLocked()
	}
}

// await blocks until one of the futures is over.
func (e *execution) await(fs ...*future) {
	w := &waiter{}
	e.wait(w, func() {
		for _, f := range fs {
			if f.over {
				e.wakeLocked(w)
				return
			}
		}
		for _, f := range fs {
			f.waiters = append(f.waiters, w)
		}
	})
}

func (f *future) isOver() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Wait returns what the branch returned. After a request to stop it still
// waits: the branch ends by itself then.
func (f *Future[T]) Wait(ctx context.Context) (T, error) {
	var none T
	b := branchOf(ctx)
	if b == nil || f.f.e == nil {
		select {
		case <-f.f.done:
			return f.val, f.err
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
	if b.e != f.f.e {
		return none, fmt.Errorf("%w: the future belongs to another run", ErrInvalid)
	}
	if err := b.enter(); err != nil {
		return none, err
	}
	defer b.leave()
	if !f.f.isOver() {
		b.e.await(f.f)
	}
	return f.val, f.err
}

// Select waits for the first of the futures and returns its index. Which one
// it was is recorded, so replay takes the same way. It works inside a run only.
func Select(ctx context.Context, futures ...Awaitable) (int, error) {
	b := branchOf(ctx)
	if b == nil {
		return -1, fmt.Errorf("select: %w", ErrNotInRun)
	}
	if len(futures) == 0 {
		return -1, fmt.Errorf("%w: select without futures", ErrInvalid)
	}
	fs := make([]*future, len(futures))
	for i, f := range futures {
		if fs[i] = f.awaited(); fs[i].e != b.e && !fs[i].isOver() {
			return -1, fmt.Errorf("%w: future %d belongs to another run", ErrInvalid, i)
		}
	}
	if err := b.enter(); err != nil {
		return -1, err
	}
	defer b.leave()
	path, p := b.past(store.KindSelect, "")
	if p.final != nil {
		return b.replaySelect(fs, p.final)
	}
	if err := b.stopped(); err != nil {
		return -1, err
	}
	at := now()
	b.e.await(fs...)
	// A branch that ended because the run was stopped has won nothing.
	if err := b.stopped(); err != nil {
		return -1, err
	}
	first := 0
	for !fs[first].isOver() {
		first++
	}
	data, err := JSON{}.Encode(first)
	if err != nil {
		return -1, err
	}
	b.record(&store.Step{Path: path, Attempt: 1, Kind: store.KindSelect, Status: store.StepSucceeded, Output: data, StartedAt: at, EndedAt: now()})
	return first, nil
}

// replaySelect waits for the one that was first: its steps are recorded, so it
// will be over too.
func (b *branch) replaySelect(fs []*future, row *store.Step) (int, error) {
	var first int
	if err := (JSON{}).Decode(row.Output, &first); err != nil || first < 0 || first >= len(fs) {
		b.e.fail(fmt.Errorf("%w: select at %s had recorded future %s of %d", ErrNondeterministic, row.Path, row.Output, len(fs)))
	}
	if !fs[first].isOver() {
		b.e.await(fs[first])
	}
	return first, nil
}

// Map runs fn for every item, each in a branch of its own, at most limit at a
// time (0: all at once), and returns the results in the order of the items.
// All of them run, whatever happens to the others; the error is that of the
// first item, in order, that failed.
func Map[In, Out any](ctx context.Context, items []In, limit int, fn func(context.Context, In) (Out, error)) ([]Out, error) {
	if limit <= 0 || limit > len(items) {
		limit = len(items)
	}
	outs, errs := make([]Out, len(items)), make([]error, len(items))
	one := func(ctx context.Context, i int) {
		errs[i] = errExited
		defer catch(&errs[i])
		outs[i], errs[i] = fn(ctx, items[i])
	}
	if err := forEach(ctx, len(items), limit, one); err != nil {
		return nil, err
	}
	for i, err := range errs {
		if err != nil {
			return outs, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return outs, nil
}
