package api

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// eventJSON is an event of a run.
type eventJSON struct {
	RunID    string  `json:"run_id" jsonschema:"the run"`
	Key      string  `json:"key" jsonschema:"the key of the event"`
	Value    payload `json:"value,omitzero" jsonschema:"the value that was set last"`
	ValueRaw []byte  `json:"value_base64,omitempty" jsonschema:"that value, where it is not JSON"`
	SetAt    stamp   `json:"set_at" jsonschema:"when it was set"`
}

var eventOp = tagged(operation{
	id: "getEvent", tag: "messages", summary: "An event of a run",
	text:  "The value that the run set last under the key.",
	query: []param{waits("until when to wait for the run to set it", "0s")},
	replies: []reply{{status: http.StatusOK, text: "the event", of: reflect.TypeFor[eventJSON](),
		example: eventJSON{RunID: "order-17", Key: "progress", Value: payload(`{"done":3,"of":10}`), SetAt: exampleTime(5)}}},
	codes: []string{"not_found", "not_set", "conflict", "too_many_waiting"}, depth: reading,
})

// event answers an event of a run; with ?wait= once it is set, or the time is
// over.
func (a *api) event(w http.ResponseWriter, r *http.Request) error {
	wait, err := waitParam(r.URL.Query())
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	if wait > 0 {
		leave, err := a.mayWait(r)
		if err != nil {
			cancel()
			return err
		}
		defer leave()
		cancel()
		ctx, cancel = a.waitContext(w, r, wait)
	}
	defer cancel()
	v := eventJSON{RunID: runID(r), Key: mux.Vars(r)["key"]}
	e, err := a.rt.Event(ctx, v.RunID, v.Key, wait)
	switch {
	case err == nil:
		v.Value, v.ValueRaw = orNull(a.rt.Reveal(e.Value))
		v.SetAt = stamp{e.SetAt}
		return answerRead(w, r, v)
	case errors.Is(err, runtime.ErrTimeout), errors.Is(err, errWaited), errors.Is(err, runtime.ErrDraining):
		return &requestError{http.StatusNotFound, "not_set", "the run has not set the event yet"}
	}
	return err
}
