package api

import (
	"net/http"
	"reflect"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/runtime"
)

var forkOp = operation{
	id: "forkRun", tag: "runs", summary: "Begin a run with a part of another's history",
	text: "The new run takes over what the other recorded before the step, and executes the rest anew. The same id again answers the run that has it.",
	query: append([]param{
		{name: "step", text: "the path of the step or branch to begin with; without it, the one that failed; a run that was compensated needs it", schema: pathSchema, example: "4.0.2"},
	}, startParams("id", "queue", "delay", "priority", "deadline", "label.")...),
	headers: []param{idempotencyParam, traceParam},
	replies: []reply{{status: http.StatusAccepted, text: "the new run", of: reflect.TypeFor[runJSON](), example: exampleFork, headers: location}},
	codes:   []string{"not_found", "conflict", "exists", "too_large"}, depth: writing,
}

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

var setVersionOp = operation{
	id: "setVersion", tag: "runs", summary: "Give a run another version",
	text:    "A run that is pinned waits for a process of its version; from now on it is one of the version given.",
	query:   []param{{name: "to", text: "the version that is to execute the run", schema: anyText, required: true, example: "v2"}},
	replies: []reply{runReply(http.StatusOK, "the run")},
	codes:   []string{"not_found", "conflict"}, depth: writing,
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
