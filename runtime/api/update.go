package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// updateWait is how long an update waits for its answer by default.
const updateWait = 10 * time.Second

// updateJSON answers an update. Without a response it is still under way: the same
// request with the key as its Idempotency-Key waits on.
type updateJSON struct {
	RunID    string  `json:"run_id"`
	Update   string  `json:"update"`
	Key      string  `json:"key"`
	Status   string  `json:"status"`
	Response payload `json:"response,omitzero"`
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
	leave, err := a.mayWait()
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
		u.Status, u.Response = "answered", resp
		if len(resp) == 0 {
			u.Response = payload("null")
		}
		return answer(w, http.StatusOK, u)
	case errors.Is(err, runtime.ErrTimeout), errors.Is(err, errWaited), errors.Is(err, runtime.ErrDraining):
		u.Status = "pending"
		return answer(w, http.StatusAccepted, u)
	}
	return err
}
