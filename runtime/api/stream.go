package api

import (
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// endJSON ends a stream.
type endJSON struct {
	Status store.Status `json:"status" jsonschema:"how the run ended"`
}

var streamOp = operation{
	id: "readStream", tag: "messages", summary: "What a run writes, as it comes",
	text: "Server-sent events, from the beginning or from where offset or Last-Event-ID say, until the run has ended. " +
		"A comment comes every 15 s at least. When the connection ends without the event end, connect again with Last-Event-ID, as a browser does.",
	query: []param{{name: "offset", text: "the first item, counted from 0; it has precedence over Last-Event-ID",
		schema: with(&jsonschema.Schema{Type: "integer", Minimum: new(0.0)}, "0"), example: 3}},
	headers: []param{{name: "Last-Event-ID", text: "the id of the last item that was seen: begin with the next one", schema: anyText, example: "2"}},
	replies: []reply{{status: http.StatusOK, text: "the items", events: []event{
		{text: "an item", id: "its offset", of: reflect.TypeFor[payload](), example: payload(`"a line"`)},
		{name: notJSON, text: "an item that is not JSON, in base64", id: "its offset", of: reflect.TypeFor[string](), example: "AHN3MQ=="},
		{name: "end", text: "the run has ended; no more comes", of: reflect.TypeFor[endJSON](), example: endJSON{store.Succeeded}},
	}}},
	codes: []string{"not_found", "too_many_waiting"}, depth: reading,
}

// stream sends what a run writes as server-sent events: each item under its
// offset as id, and at the end one of the type "end" with the run's status. It
// begins at ?offset=, or after the item that Last-Event-ID names, as a browser
// does when it connects again.
func (a *api) stream(w http.ResponseWriter, r *http.Request) error {
	from, err := offsetOf(r)
	if err != nil {
		return err
	}
	id, name := runID(r), mux.Vars(r)["name"]
	// Before the first byte: afterwards there is no status to answer with.
	if err := a.checkStream(r, id, name); err != nil {
		return err
	}
	leave, err := a.mayWait(r)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := a.closer.until(r.Context())
	defer cancel()
	s, more := openStream(w, r)
	defer s.close()
	if !more {
		return nil
	}
	items := make(chan iterated)
	go follow(a.rt.Stream(ctx, id, name, runtime.From(from)), items, ctx.Done())
	defer func() {
		cancel()
		for range items { // until it has returned
		}
	}()
	for {
		select {
		case it, more := <-items:
			switch {
			case it.err != nil, ctx.Err() != nil:
				return nil // closing, or the client has gone: it connects again
			case !more:
				return a.endStream(s, r, id)
			}
			err = s.sendItem(it.item.Offset, a.rt.Reveal(it.item.Value))
		case <-s.still.C:
			err = s.sayStill()
		}
		if err != nil {
			return nil // the client has gone
		}
	}
}

// endStream tells that there will be no more.
func (a *api) endStream(s *eventStream, r *http.Request, id string) error {
	ctx, cancel := bounded(r)
	defer cancel()
	if run, err := a.rt.Get(ctx, id); err == nil {
		s.send("", "end", endJSON{run.Status}) //nolint:errcheck // the client has gone
	}
	return nil
}

// checkStream is an error when there is nothing to follow.
func (a *api) checkStream(r *http.Request, id, name string) error {
	ctx, cancel := bounded(r)
	defer cancel()
	return a.rt.CheckStream(ctx, id, name)
}

// iterated is a step of an iteration.
type iterated struct {
	item runtime.Item
	err  error
}

// follow sends what an iteration gives, then closes the channel.
func follow(seq iter.Seq2[runtime.Item, error], to chan<- iterated, done <-chan struct{}) {
	defer close(to)
	for item, err := range seq {
		select {
		case to <- iterated{item, err}:
		case <-done:
			return
		}
	}
}

func offsetOf(r *http.Request) (int64, error) {
	q := r.URL.Query()
	if q.Has("offset") {
		n, err := strconv.ParseInt(q.Get("offset"), 10, 64)
		if err != nil || n < 0 {
			return 0, bad("offset", q.Get("offset"), "a whole number from 0")
		}
		return n, nil
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || n < 0 || n+1 < 0 {
		return 0, invalid(fmt.Sprintf("Last-Event-ID is %.40q: want the id of an item, a whole number from 0", last))
	}
	return n + 1, nil
}

// notJSON is the type of the events whose item is not JSON: one who does not know
// it must not take it for a string.
const notJSON = "base64"

func (s *eventStream) sendItem(offset int64, value []byte) error {
	id := strconv.FormatInt(offset, 10)
	item, raw := orNull(value)
	if raw != nil {
		return s.send(id, notJSON, raw)
	}
	return s.send(id, "", item)
}
