package api

import (
	"net/http"
	"reflect"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// messageJSON answers a message.
type messageJSON struct {
	RunID string `json:"run_id" jsonschema:"the run it was sent to"`
	Topic string `json:"topic" jsonschema:"its topic"`
	// New: it was stored now; false when one with its key had been sent before.
	New bool `json:"new" jsonschema:"it was stored now; false when one with its key had been sent before"`
}

var sendOp = operation{
	id: "sendMessage", tag: "messages", summary: "Send a message to a run",
	text:    "It is durable when the answer comes. The run receives the messages of a topic in their order, each once.",
	headers: []param{idempotencyParam},
	body:    &body{text: "the message, whatever the run expects; none is null", schema: anyJSON, example: true},
	replies: []reply{
		{status: http.StatusAccepted, text: "it was stored now", of: reflect.TypeFor[messageJSON](), example: messageJSON{"order-17", "approved", true}},
		{status: http.StatusOK, text: "one with its key had been sent before", of: reflect.TypeFor[messageJSON](), example: messageJSON{"order-17", "approved", false}},
	},
	codes: []string{"not_found", "conflict"}, depth: writing,
}

// send sends the body as a message to a run. It is durable when the answer
// comes; with an Idempotency-Key it can be repeated.
func (a *api) send(w http.ResponseWriter, r *http.Request) error {
	payload, opts, release, err := a.request(w, r)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := bounded(r)
	defer cancel()
	m := messageJSON{RunID: runID(r), Topic: mux.Vars(r)["topic"]}
	if m.New, err = a.rt.Send(ctx, m.RunID, m.Topic, payload, opts...); err != nil {
		return err
	}
	status := http.StatusAccepted
	if !m.New {
		status = http.StatusOK
	}
	return answer(w, status, m)
}

// request reads what is sent to a run: the body, and the key that makes it
// repeatable.
func (a *api) request(w http.ResponseWriter, r *http.Request) (payload []byte, opts []runtime.SendOption, release func(), err error) {
	if a.closing() {
		return nil, nil, nil, runtime.ErrDraining
	}
	if _, ok := r.Header[idempotencyKey]; ok {
		key := unquoted(r.Header.Get(idempotencyKey))
		if key == "" {
			return nil, nil, nil, invalid("the Idempotency-Key header is empty: leave it out, or give each message its own")
		}
		opts = append(opts, runtime.MessageKey(key))
	}
	payload, release, err = a.body(w, r)
	return payload, opts, release, err
}
