package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

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

// payload is a stored value: JSON as it is, anything else (a codec of the
// program's own wrote it) as a string in base64.
type payload []byte

func (p payload) MarshalJSON() ([]byte, error) {
	if json.Valid(p) {
		return p, nil
	}
	return json.Marshal([]byte(p))
}

// runJSON is a run as clients see it. What is not there is left out.
type runJSON struct {
	ID         string            `json:"id"`
	Workflow   string            `json:"workflow"`
	Status     store.Status      `json:"status"`
	Input      payload           `json:"input,omitzero"`
	Output     payload           `json:"output,omitzero"`
	Error      *store.Failure    `json:"error,omitzero"`
	Queue      string            `json:"queue,omitzero"`
	Partition  string            `json:"partition,omitzero"`
	StartKey   string            `json:"start_key,omitzero"`
	Priority   int               `json:"priority"`
	Labels     map[string]string `json:"labels,omitempty"`
	Version    string            `json:"version,omitzero"`
	Attempt    int               `json:"attempt"`
	ParentID   string            `json:"parent_id,omitzero"`
	ForkedFrom string            `json:"forked_from,omitzero"`
	CreatedAt  stamp             `json:"created_at,omitzero"`
	StartedAt  stamp             `json:"started_at,omitzero"`
	EndedAt    stamp             `json:"ended_at,omitzero"`
	WakeAt     stamp             `json:"wake_at,omitzero"`
	Deadline   stamp             `json:"deadline,omitzero"`
	Executor   string            `json:"executor,omitzero"`
	TraceID    string            `json:"trace_id,omitzero"`
	Pinned     bool              `json:"pinned,omitzero"`
	Aside      bool              `json:"aside,omitzero"` // it is pinned, and waits for a process of its version
}

func (a *api) runOf(r *runtime.Run) runJSON {
	v := runJSON{
		ID: r.ID, Workflow: r.Workflow, Status: r.Status, Error: r.Error,
		Queue: r.Queue, Partition: r.Partition, StartKey: r.StartKey, Priority: r.Priority, Labels: r.Labels, Version: r.Version, Pinned: r.Pinned, Aside: r.Aside, Attempt: r.Attempt,
		ParentID: r.ParentID, ForkedFrom: r.ForkedFrom, Executor: r.Executor,
		CreatedAt: stamp{r.CreatedAt}, StartedAt: stamp{r.StartedAt}, EndedAt: stamp{r.EndedAt},
		WakeAt: stamp{r.WakeAt}, Deadline: stamp{r.Deadline},
		TraceID: hex.EncodeToString(r.Trace.TraceID[:]),
	}
	if len(r.Input) > 0 {
		v.Input = a.rt.Reveal(r.Input)
	}
	if len(r.Output) > 0 {
		v.Output = a.rt.Reveal(r.Output)
	}
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
		release, err := a.mayWait()
		if err != nil {
			return err
		}
		defer release()
		if run, err = a.await(w, r, run, wait); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, a.runOf(&run))
}

// history answers the run in the form in which it is exported.
func (a *api) history(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	h, err := a.rt.Export(ctx, runID(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, h)
}

func (a *api) cancel(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := a.rt.Cancel(ctx, runID(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.runOf(&run))
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
