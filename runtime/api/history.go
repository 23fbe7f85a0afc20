package api

import (
	"net/http"
	"reflect"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// historyJSON, historyRunJSON and historyRowJSON are what a [runtime.History] writes itself as. They describe it:
// nothing is encoded from them but the example.
type historyJSON struct {
	Format int              `json:"stepwell_history" jsonschema:"the version of the format"`
	Run    historyRunJSON   `json:"run"`
	Steps  []historyRowJSON `json:"steps" jsonschema:"the rows, in the order of their commits"`
}

type historyRunJSON struct {
	ID         string            `json:"id" jsonschema:"its id"`
	Workflow   string            `json:"workflow" jsonschema:"the workflow it executes"`
	Status     store.Status      `json:"status" jsonschema:"its status"`
	Input      payload           `json:"input,omitempty" jsonschema:"its input"`
	InputRaw   []byte            `json:"input_base64,omitempty" jsonschema:"its input, where that is not JSON"`
	Output     payload           `json:"output,omitempty" jsonschema:"its output"`
	OutputRaw  []byte            `json:"output_base64,omitempty" jsonschema:"its output, where that is not JSON"`
	Error      *store.Failure    `json:"error,omitempty"`
	Queue      string            `json:"queue,omitempty" jsonschema:"its queue"`
	Priority   int               `json:"priority,omitempty" jsonschema:"higher first"`
	Labels     map[string]string `json:"labels,omitempty" jsonschema:"its labels"`
	Version    string            `json:"version,omitempty" jsonschema:"the version of the program it was started under"`
	Attempt    int               `json:"attempt" jsonschema:"how many executions have begun"`
	ParentID   string            `json:"parent_id,omitempty" jsonschema:"the run that started it"`
	ForkedFrom string            `json:"forked_from,omitempty" jsonschema:"the run whose history it took over a part of"`
	Base       int               `json:"base,omitempty" jsonschema:"the index of its first call, where it went on anew"`
	Stop       string            `json:"stop,omitempty" jsonschema:"why it was asked to stop: cancelled or deadline"`
	CreatedAt  stamp             `json:"created_at,omitzero" jsonschema:"when it was created"`
	StartedAt  stamp             `json:"started_at,omitzero" jsonschema:"when it first began"`
	EndedAt    stamp             `json:"ended_at,omitzero" jsonschema:"when it ended"`
	WakeAt     stamp             `json:"wake_at,omitzero" jsonschema:"when it begins, or goes on, at the latest"`
	Deadline   stamp             `json:"deadline,omitzero" jsonschema:"when it is cancelled, if it has not ended"`
	Executor   string            `json:"executor,omitempty" jsonschema:"the process that holds or last held it"`
	TraceID    string            `json:"trace_id,omitempty" jsonschema:"its trace, 32 hexadecimal digits"`
}

type historyRowJSON struct {
	Path      string           `json:"path" jsonschema:"the place of the step"`
	Attempt   int              `json:"attempt" jsonschema:"the number of the attempt, from 1; 0 opens a wait"`
	Kind      store.Kind       `json:"kind" jsonschema:"what made the step"`
	Name      string           `json:"name,omitempty" jsonschema:"its name"`
	Status    store.StepStatus `json:"status" jsonschema:"what came of the attempt"`
	Output    payload          `json:"output,omitempty" jsonschema:"its result"`
	OutputRaw []byte           `json:"output_base64,omitempty" jsonschema:"its result, where that is not JSON"`
	Error     *store.Failure   `json:"error,omitempty"`
	StartedAt stamp            `json:"started_at,omitzero" jsonschema:"when it began"`
	EndedAt   stamp            `json:"ended_at,omitzero" jsonschema:"when it ended"`
	WakeAt    stamp            `json:"wake_at,omitzero" jsonschema:"when the wait ends, or the next attempt begins"`
	ChildID   string           `json:"child_id,omitempty" jsonschema:"the other run that it concerns; of an update, its key"`
}

var historyOp = tagged(operation{
	id: "getHistory", tag: "runs", summary: "A run with its history, as it is exported",
	text: "To keep as a test, and to replay against other code (stepwell replay).",
	replies: []reply{{status: http.StatusOK, text: "the history", of: reflect.TypeFor[historyJSON](), example: historyJSON{
		Format: runtime.HistoryFormat,
		Run:    historyRunJSON{ID: "order-17", Workflow: "checkout", Status: store.Succeeded, Input: payload(`{"item":"tea"}`), Output: payload(`"sent"`), Attempt: 1, CreatedAt: exampleTime(0)},
		Steps:  []historyRowJSON{{Path: "0", Attempt: 1, Kind: store.KindStep, Name: "charge", Status: store.StepSucceeded, Output: payload(`"pay-1"`), EndedAt: exampleTime(2)}},
	}}},
	codes: []string{"not_found"}, depth: reading,
})

// history answers the run in the form in which it is exported.
func (a *api) history(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	free, err := a.histories.take(ctx)
	if err != nil {
		return err
	}
	defer free()
	h, err := a.rt.Export(ctx, runID(r))
	if err != nil {
		return err
	}
	return answerRead(w, r, h)
}
