package api

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// stamp is a time as it is written: RFC 3339, UTC, microseconds. The zero time
// is left out.
type stamp struct{ time.Time }

func (t stamp) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000Z"`), nil
}

// runJSON is a run as clients see it. What is not there is left out.
type runJSON struct {
	ID         string            `json:"id" jsonschema:"its id"`
	Workflow   string            `json:"workflow" jsonschema:"the workflow it executes"`
	Status     store.Status      `json:"status" jsonschema:"its status; stuck: it needs a person"`
	Input      payload           `json:"input,omitzero" jsonschema:"its input"`
	InputRaw   []byte            `json:"input_base64,omitempty" jsonschema:"its input, where that is not JSON: of a codec of the program's own, or sealed with a key that is not given"`
	Output     payload           `json:"output,omitzero" jsonschema:"its output, once it has succeeded"`
	OutputRaw  []byte            `json:"output_base64,omitempty" jsonschema:"its output, where that is not JSON"`
	Error      *store.Failure    `json:"error,omitzero"`
	Queue      string            `json:"queue,omitzero" jsonschema:"its queue"`
	Partition  string            `json:"partition,omitzero" jsonschema:"its partition of the queue"`
	StartKey   string            `json:"start_key,omitzero" jsonschema:"the key of dedup or debounce it was started under"`
	Priority   int               `json:"priority" jsonschema:"higher first"`
	Labels     map[string]string `json:"labels,omitempty" jsonschema:"its labels"`
	Version    string            `json:"version,omitzero" jsonschema:"the version of the program it was started under"`
	Attempt    int               `json:"attempt" jsonschema:"how many executions have begun: each recovery after a crash and each resume adds one"`
	ParentID   string            `json:"parent_id,omitzero" jsonschema:"the run that started it"`
	ForkedFrom string            `json:"forked_from,omitzero" jsonschema:"the run whose history it took over a part of"`
	CreatedAt  stamp             `json:"created_at,omitzero" jsonschema:"when it was created"`
	StartedAt  stamp             `json:"started_at,omitzero" jsonschema:"when it first began"`
	EndedAt    stamp             `json:"ended_at,omitzero" jsonschema:"when it ended"`
	WakeAt     stamp             `json:"wake_at,omitzero" jsonschema:"when it begins, or goes on, at the latest"`
	Deadline   stamp             `json:"deadline,omitzero" jsonschema:"when it is cancelled, if it has not ended"`
	Executor   string            `json:"executor,omitzero" jsonschema:"the process that holds or last held it"`
	TraceID    string            `json:"trace_id,omitzero" jsonschema:"its trace, 32 hexadecimal digits"`
	Pinned     bool              `json:"pinned,omitzero" jsonschema:"only processes of its version execute it"`
	Aside      bool              `json:"aside,omitzero" jsonschema:"it is pinned, and waits for a process of its version"`
}

var (
	getOp = tagged(operation{
		id: "getRun", tag: "runs", summary: "One run",
		query:   []param{waits("until when to wait for it to end or get stuck", "0s")},
		replies: []reply{runReply(http.StatusOK, "the run")},
		codes:   []string{"not_found", "too_many_waiting"}, depth: reading,
	})
	cancelOp = operation{
		id: "cancelRun", tag: "runs", summary: "Ask a run to stop",
		text: "It is durable when the answer comes: the run ends cancelled, whatever its code does. A run whose code cannot run here, because it is stuck or pinned to another version, " +
			"cannot undo what it did, so that is a conflict: resume it first, or end it without_compensations.",
		query:   []param{{name: "without_compensations", text: "end a run whose code cannot run: what it did stays done", schema: with(&jsonschema.Schema{Type: "boolean"}, "false"), example: true}},
		replies: []reply{runReply(http.StatusOK, "the run")},
		codes:   []string{"not_found", "conflict"}, depth: writing,
	}
	resumeOp = operation{
		id: "resumeRun", tag: "runs", summary: "Continue a stuck or cancelled run from its history",
		replies: []reply{runReply(http.StatusOK, "the run")},
		codes:   []string{"not_found", "conflict"}, depth: writing,
	}
	deleteOp = operation{
		id: "deleteRun", tag: "runs", summary: "Remove an ended run",
		text:    "It is unknown from then on; its room is freed in the background.",
		replies: []reply{emptyReply},
		codes:   []string{"not_found", "conflict"}, depth: writing,
	}
)

func (a *api) runOf(r *runtime.Run) runJSON {
	v := runJSON{
		ID: r.ID, Workflow: r.Workflow, Status: r.Status, Error: r.Error,
		Queue: r.Queue, Partition: r.Partition, StartKey: r.StartKey, Priority: r.Priority, Labels: r.Labels, Version: r.Version, Pinned: r.Pinned, Aside: r.Aside, Attempt: r.Attempt,
		ParentID: r.ParentID, ForkedFrom: r.ForkedFrom, Executor: r.Executor,
		CreatedAt: stamp{r.CreatedAt}, StartedAt: stamp{r.StartedAt}, EndedAt: stamp{r.EndedAt},
		WakeAt: stamp{r.WakeAt}, Deadline: stamp{r.Deadline},
		TraceID: hex.EncodeToString(r.Trace.TraceID[:]),
	}
	v.Input, v.InputRaw = split(a.rt.Reveal(r.Input))
	v.Output, v.OutputRaw = split(a.rt.Reveal(r.Output))
	return v
}

// runID returns the id in the path.
func runID(r *http.Request) string { return mux.Vars(r)["id"] }

// get answers one run; with ?wait= once it has ended or is stuck, or the time
// is over.
func (a *api) get(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitParam(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := a.rt.Get(ctx, runID(r))
	if err != nil {
		return err
	}
	if wait > 0 && !settled(&run) {
		release, err := a.mayWait(r)
		if err != nil {
			return err
		}
		defer release()
		if run, err = a.await(w, r, run, wait); err != nil {
			return err
		}
	}
	return answerRead(w, r, a.runOf(&run))
}

func (a *api) cancel(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	opts, err := cancelOptions(r.URL.Query())
	if err != nil {
		return err
	}
	run, err := a.rt.Cancel(ctx, runID(r), opts...)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.runOf(&run))
}

func cancelOptions(q url.Values) ([]runtime.CancelOption, error) {
	switch v := q.Get("without_compensations"); {
	case v == "true":
		return []runtime.CancelOption{runtime.WithoutCompensations()}, nil
	case v != "false" && q.Has("without_compensations"):
		return nil, bad("without_compensations", v, "true or false")
	}
	return nil, nil
}

func (a *api) resume(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := a.rt.Resume(ctx, runID(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.runOf(&run))
}

// delete removes an ended run and answers nothing.
func (a *api) delete(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if err := a.rt.Delete(ctx, runID(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// locate says where a run is found.
func (a *api) locate(w http.ResponseWriter, id string) {
	w.Header().Set("Location", a.cfg.Prefix+"/v1/runs/"+url.PathEscape(id))
}
