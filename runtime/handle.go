package runtime

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

type (
	// Run is one execution of a workflow, as stored.
	Run = store.Run
	// Status is the state of a run.
	Status = store.Status
	// Filter selects runs.
	Filter = store.Filter
)

// Handle refers to a run. Safe for concurrent use.
type Handle[Out any] struct {
	rt *Runtime
	id string
	e  *execution // while it is known to be loaded here; may be nil
}

// Handle returns a handle for a run of the workflow.
// Errors: [ErrNotFound]; [ErrExists] when the run is another workflow's. Inside a
// run it does not look, for that would not be recorded; [Handle.Result] does.
func (w *Workflow[In, Out]) Handle(ctx context.Context, id string) (*Handle[Out], error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return nil, err
	}
	if branchOf(ctx) != nil {
		if err := ValidateID(id); err != nil {
			return nil, err
		}
		return &Handle[Out]{rt: rt, id: id}, nil
	}
	run, err := rt.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if run.Workflow != w.def.name {
		return nil, fmt.Errorf("%w: %s is a run of %s, not of %s", ErrExists, id, run.Workflow, w.def.name)
	}
	return &Handle[Out]{rt: rt, id: id}, nil
}

// ID returns the id of the run.
func (h *Handle[Out]) ID() string { return h.id }

// Status returns the present state of the run.
func (h *Handle[Out]) Status(ctx context.Context) (Status, error) {
	run, err := h.rt.Get(ctx, h.id)
	return run.Status, err
}

// Cancel asks the run to stop; see [Runtime.Cancel].
func (h *Handle[Out]) Cancel(ctx context.Context, opts ...CancelOption) error {
	_, err := h.rt.current().Cancel(ctx, h.id, opts...)
	return err
}

// Result waits for the end of the run and returns its output, or a [*RunError]
// when it failed, was cancelled or is stuck. ctx ends the wait, not the run. What
// cannot be opened for want of a key is [ErrSealed].
//
// Inside a run the result is recorded like that of a step, a stuck run is waited
// for until it was mended, and a failure is a [*StepError]. While a run waits
// for another it takes no memory.
func (h *Handle[Out]) Result(ctx context.Context) (Out, error) {
	var out Out
	var data []byte
	var err error
	if b := branchOf(ctx); b != nil {
		data, err = b.result(h.id)
	} else {
		var run Run
		if run, err = h.await(ctx); err == nil {
			data, err = runResult(&run)
		}
	}
	if err != nil {
		return out, err
	}
	if b := branchOf(ctx); b != nil {
		err = b.decode(data, &out)
	} else {
		err = h.rt.cfg.Codec.Decode(data, &out)
	}
	if err != nil {
		return out, fmt.Errorf("decode output of run %s: %w", h.id, err)
	}
	return out, nil
}

func (h *Handle[Out]) await(ctx context.Context) (Run, error) {
	if h.e != nil {
		select {
		case <-h.e.done:
			// A run that was cancelled or got stuck may have been resumed.
			if run := h.e.ended; run != nil && (run.Status == store.Succeeded || run.Status == store.Failed) {
				return *run, nil
			}
		case <-ctx.Done():
			return Run{}, context.Cause(ctx)
		}
	}
	return h.rt.current().Wait(ctx, h.id)
}

// runResult is what a run gives, from its record.
func runResult(run *Run) ([]byte, error) {
	if run.Status == store.Succeeded {
		return run.Output, nil
	}
	e := &RunError{RunID: run.ID, Workflow: run.Workflow, Status: run.Status, Message: "no error was recorded"}
	if run.Error != nil {
		e.Code, e.Message = run.Error.Code, run.Error.Message
		if run.Error.Sealed != "" {
			return nil, &sealedRunError{e}
		}
	}
	return nil, e
}

// sealedRunError is the failure of a run whose text cannot be opened: what it
// says instead is no outcome to go by.
type sealedRunError struct{ *RunError }

func (e *sealedRunError) Unwrap() error        { return e.RunError }
func (e *sealedRunError) Is(target error) bool { return target == ErrSealed }
