package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stepwell/stepwell/store"
)

// ErrContinued matches what [ContinueAs] returns when the run may go on: a
// middleware that reports errors can tell it from a failure.
var ErrContinued = errors.New("the run continues with a new input")

// ContinueAs lets a run that goes on for very long begin anew, with a new
// input and an empty history, so that neither its history nor the time of its
// replays grows without end. The workflow function has to return the error:
//
//	return out, runtime.ContinueAs(ctx, next)
//
// The run keeps its id, parent, deadline, labels, trace and place in its queue,
// and the messages that it has not taken; whoever waits for its result waits
// on. An update that was taken and not answered fails with [ErrContinued].
// Branches still under way are ended, as at any return, and compensations that
// were registered are forgotten, as when the run succeeds. Places in the code
// are counted on from the old history, so the ids of children and keys made
// from them never come twice. The old history is unknown at once and removed in
// the background, when its spans were sent.
//
// Nothing has happened until the function returns it, and then the switch is one
// commit: a crash before it replays the old history, one after it begins the new.
//
// Errors: [ErrNotInRun], also in a step; [ErrInvalid] when the input does not
// fit the workflow or is [ErrTooLarge]; [ErrCancelled] or [ErrDeadline] when the
// run was asked to stop, which ends it instead.
func ContinueAs[In any](ctx context.Context, in In) error {
	b := branchOf(ctx)
	if b == nil {
		return fmt.Errorf("continue: %w", ErrNotInRun)
	}
	b.e.checkHalt()
	if err := b.stopped(); err != nil {
		return err
	}
	cfg := &b.e.rt.cfg
	input, err := cfg.Codec.Encode(in)
	if err != nil {
		return fmt.Errorf("continue: encode input: %w", err)
	}
	if len(input) > cfg.MaxPayload {
		return tooLarge("input", len(input), cfg.MaxPayload)
	}
	if err := b.e.def.check(cfg.Codec, input); err != nil {
		return fmt.Errorf("%w: input of %s: %w", ErrInvalid, b.e.def.name, err)
	}
	return &continuedError{input}
}

// continuedError asks for the run to continue.
type continuedError struct{ input []byte }

func (e *continuedError) Error() string        { return ErrContinued.Error() }
func (e *continuedError) Is(target error) bool { return target == ErrContinued }

// continues notes how the run goes on, if that is what err asks for.
func (e *execution) continues(b *branch, err error) bool {
	c, ok := errors.AsType[*continuedError](err)
	if ok {
		base := b.next
		if base == e.run.Base {
			base++ // without a call in between the paths of patches, which have the base in them, must not come twice either
		}
		e.next = &store.Continuation{Input: c.input, Base: base, At: now()}
	}
	return ok
}

// goOn commits that the run continues. From here on this execution has nothing
// to do with it any more.
func (e *execution) goOn() {
	answers, err := e.answers()
	if err != nil {
		e.end(*stuck(err))
		return
	}
	e.next.Events = answers
	var c store.Continued
	err = e.rt.persist(nil, func() (err error) {
		c, err = e.rt.store.Continue(context.Background(), e.claim, *e.next)
		return err
	})
	switch {
	case err != nil: // stale, or the store is gone: recovery decides
	case c.Stopped:
		// The next execution sees it, and has the function end the run.
		e.release()
	default:
		if c.Left {
			e.rt.janitor.deleted()
		}
		e.rt.cfg.Logger.LogAttrs(e.ctx, slog.LevelDebug, "run continues with a new input", slog.String("run_id", e.run.ID), slog.String("workflow", e.run.Workflow))
	}
}
