package api

import (
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// updateWait is how long an update waits for its answer by default.
const updateWait = 10 * time.Second

// updateJSON answers an update. Without a response it is still under way: the same
// request with the key as its Idempotency-Key waits on.
type updateJSON struct {
	RunID       string       `json:"run_id" jsonschema:"the run"`
	Update      string       `json:"update" jsonschema:"the name of the update"`
	Key         string       `json:"key" jsonschema:"its key: with it as Idempotency-Key the call waits on"`
	Status      updateStatus `json:"status" jsonschema:"whether the run has answered"`
	Response    payload      `json:"response,omitzero" jsonschema:"the answer of the run"`
	ResponseRaw []byte       `json:"response_base64,omitempty" jsonschema:"that answer, where it is not JSON"`
}

type updateStatus string

const (
	answered updateStatus = "answered"
	pending  updateStatus = "pending"
)

var updateOp = operation{
	id: "updateRun", tag: "messages", summary: "Ask something of a run, and wait for its answer",
	text:    "Without a key of the caller's the server makes one. The same call with the key that was answered waits on, and asks nothing twice.",
	query:   []param{waits("until when to wait for the answer", "10s")},
	headers: []param{idempotencyParam},
	body:    &body{text: "the request, whatever the run expects; none is null", schema: anyJSON, example: map[string]any{"street": "High Street 1"}},
	replies: []reply{
		{status: http.StatusOK, text: "the answer", of: reflect.TypeFor[updateJSON](), example: updateJSON{RunID: "order-17", Update: "address", Key: "k-1", Status: answered, Response: payload(`true`)}},
		{status: http.StatusAccepted, text: "the request is stored, and not answered yet", of: reflect.TypeFor[updateJSON](),
			example: updateJSON{RunID: "order-17", Update: "address", Key: "k-1", Status: pending}},
	},
	codes: []string{"not_found", "conflict", "too_many_waiting", "update_rejected", "update_failed"}, depth: writing,
}

// update sends the body to the handler of a run and waits for its answer.
func (a *api) update(w http.ResponseWriter, r *http.Request) error {
	wait := updateWait
	if q := r.URL.Query(); q.Has("wait") {
		var err error
		if wait, err = waitParam(q); err != nil {
			return err
		}
	}
	req, opts, release, err := a.request(w, r)
	if err != nil {
		return err
	}
	defer release()
	leave, err := a.mayWait(r)
	if err != nil {
		return err
	}
	defer leave()
	u := updateJSON{RunID: runID(r), Update: mux.Vars(r)["name"]}
	ctx, cancel := bounded(r)
	u.Key, err = a.rt.SendUpdate(ctx, u.RunID, u.Update, req, opts...)
	cancel()
	if err != nil {
		return err
	}
	release() // a client that waits holds no body
	ctx, cancel = a.waitContext(w, r, max(wait, time.Second))
	defer cancel()
	resp, err := a.rt.Answer(ctx, u.RunID, u.Update, u.Key, wait)
	if ue, ok := errors.AsType[*runtime.UpdateError](err); ok {
		code := "update_failed"
		if ue.Rejected {
			code = "update_rejected"
		}
		return &requestError{http.StatusUnprocessableEntity, code, ue.Error()}
	}
	switch {
	case err == nil:
		u.Status = answered
		u.Response, u.ResponseRaw = orNull(resp)
		return answer(w, http.StatusOK, u)
	case errors.Is(err, runtime.ErrTimeout), errors.Is(err, errWaited), errors.Is(err, runtime.ErrDraining):
		u.Status = pending
		return answer(w, http.StatusAccepted, u)
	}
	return err
}
