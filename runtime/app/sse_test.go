package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEvents: a stream goes on over lost connections where it left off, and
// ends with what the server refuses.
func TestEvents(t *testing.T) {
	var asked []string
	answers := []func(http.ResponseWriter){
		func(w http.ResponseWriter) {
			fmt.Fprint(w, ": hello\n\nid: 1\nevent: run\ndata: {\"a\":\ndata: 1}\n\nid: 2\ndata: x\n\nid: 3\ndata: cut off")
		},
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
		func(w http.ResponseWriter) { fmt.Fprint(w, "id:4\r\ndata:y\r\n\r\nevent: end\ndata: {}\n\n") },
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusGone) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Last-Event-ID")+" "+r.Header.Get("Accept"))
		answers[0](w)
		answers = answers[1:]
	}))
	defer s.Close()
	c := &client{base: s.URL}
	var got, connected []string
	var last error
	for e, err := range c.events(t.Context(), "/", nil, func(err error) { connected = append(connected, fmt.Sprint(err != nil)) }) {
		if last = err; err == nil {
			got = append(got, e.id+" "+e.name+" "+string(e.data))
		}
	}
	if diff := cmp.Diff([]string{"1 run {\"a\":\n1}", "2  x", "4  y", " end {}"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{" text/event-stream", "2 text/event-stream", "2 text/event-stream", "4 text/event-stream"}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if want := "false true true false true"; strings.Join(connected, " ") != want {
		t.Errorf("told %v, want %s", connected, want)
	}
	if p, ok := asProblem(last); !ok || p.status != http.StatusGone {
		t.Errorf("it ended with %v, want what the server refused", last)
	}

	// One who has enough is let go; a server that is not there is no stream.
	answers = append(answers, func(w http.ResponseWriter) { fmt.Fprint(w, "data: 1\n\ndata: 2\n\n") })
	for range c.events(t.Context(), "/", nil, func(error) {}) {
		break
	}
	s.Close()
	for _, err := range c.events(t.Context(), "/", nil, func(error) { t.Error("a server that never was there is lost") }) {
		if _, ok := errors.AsType[*unreachableError](err); !ok {
			t.Errorf("without a server: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.events(ctx, "/", nil, func(error) {}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of the context: %v", err)
		}
	}
}
