package api

import (
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/runtime"
)

var forkParams = []string{"step", "id", "queue", "delay", "priority", "deadline", "label."}

// fork begins a run with a part of another's history. The same id again
// answers the run that has it.
func (a *api) fork(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	opts, err := startOptions(r, q)
	if err != nil {
		return err
	}
	if q.Has("step") && q.Get("step") == "" {
		return bad("step", "", "the path of a step or a branch, such as 4 or 4.0.2, or no step at all for the one that failed")
	}
	if a.closing() {
		return runtime.ErrDraining
	}
	ctx, cancel := bounded(r)
	defer cancel()
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	run, err := a.rt.Fork(ctx, runID(r), q.Get("step"), opts...)
	if err != nil {
		return err
	}
	a.locate(w, run.ID)
	return answer(w, http.StatusAccepted, a.runOf(&run))
}

// setVersion gives a run another version.
func (a *api) setVersion(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	to := r.URL.Query().Get("to")
	if to == "" {
		return bad("to", to, "the version that is to execute the run")
	}
	run, err := a.rt.SetVersion(ctx, runID(r), to)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.runOf(&run))
}
