package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// tell sets an event, writes to a stream, and does the rest when it is told to.
func tell(ctx context.Context, _ any) (string, error) {
	if err := runtime.SetEvent(ctx, "begun", map[string]int{"n": 1}); err != nil {
		return "", err
	}
	for _, line := range []string{"one\ntwo", "three"} {
		if err := runtime.Write(ctx, "log", line); err != nil {
			return "", err
		}
	}
	if _, err := runtime.Receive[any](ctx, "go", runtime.Forever); err != nil {
		return "", err
	}
	if err := runtime.SetEvent(ctx, "later", nil); err != nil {
		return "", err
	}
	return "done", runtime.Write(ctx, "log", 4)
}

func TestEvents(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "teller", "?id=t-1", "")
	path := "/v1/runs/t-1/events/"
	a := s.do(t, "GET", path+"begun?wait=10s", "")
	if m := a.json(t); a.status != http.StatusOK || !strings.HasPrefix(a.body, `{"run_id":"t-1","key":"begun","value":{"n":1},"set_at":"20`) || len(m) != 4 {
		t.Errorf("event: %d %s", a.status, a.body)
	}
	for _, query := range []string{"", "?wait=10ms"} {
		if a := s.do(t, "GET", path+"later"+query, ""); a.status != http.StatusNotFound || a.get(t, "code") != "not_set" {
			t.Errorf("not set yet, %q: %d %s", query, a.status, a.body)
		}
	}
	got := make(chan answer, 1)
	go func() {
		a, err := s.try(t.Context(), "GET", path+"later?wait=10s", nil)
		if err != nil {
			a.body = err.Error()
		}
		got <- a
	}()
	s.do(t, "POST", "/v1/runs/t-1/messages/go", "")
	if a := <-got; a.status != http.StatusOK || !strings.Contains(a.body, `"value":null`) {
		t.Errorf("waited for: %d %s", a.status, a.body)
	}
	s.do(t, "GET", "/v1/runs/t-1?wait=10s", "")
	for _, c := range []struct {
		path   string
		status int
		code   string
	}{
		{path + "never?wait=10s", http.StatusConflict, "conflict"},
		{path + "$x", http.StatusBadRequest, "invalid"},
		{path + "begun?wait=x", http.StatusBadRequest, "invalid"},
		{path + "begun?offset=1", http.StatusBadRequest, "invalid"},
		{"/v1/runs/none/events/begun", http.StatusNotFound, "not_found"},
	} {
		if a := s.do(t, "GET", c.path, ""); a.status != c.status || a.get(t, "code") != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.path, a.status, a.body, c.status, c.code)
		}
	}
}

func TestStreams(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "teller", "?id=t-1", "")
	path := "/v1/runs/t-1/streams/log"
	got := make(chan answer, 1)
	go func() { // follows while it is written
		a, err := s.try(t.Context(), "GET", path, nil)
		if err != nil {
			a.body = err.Error()
		}
		got <- a
	}()
	s.do(t, "POST", "/v1/runs/t-1/messages/go", "")
	one, two, three := "id: 0\ndata: \"one\\ntwo\"\n\n", "id: 1\ndata: \"three\"\n\n", "id: 2\ndata: 4\n\n"
	end := "event: end\ndata: {\"status\":\"succeeded\"}\n\n"
	a := <-got
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "text/event-stream" || a.body != one+two+three+end {
		t.Errorf("stream: %d %q", a.status, a.body)
	}
	for _, c := range []struct{ path, last, want string }{
		{path + "?offset=1", "", two + three + end},
		{path, "1", three + end},
		{path + "?offset=0", "1", one + two + three + end},
		{path + "?offset=9", "", end},
		{"/v1/runs/t-1/streams/other", "", end},
	} {
		var headers []string
		if c.last != "" {
			headers = []string{"Last-Event-ID", c.last}
		}
		if a := s.do(t, "GET", c.path, "", headers...); a.status != http.StatusOK || a.body != c.want {
			t.Errorf("%s after %q: %d %q, want %q", c.path, c.last, a.status, a.body, c.want)
		}
	}
	for _, c := range []struct {
		path, last string
		status     int
		code       string
	}{
		{path + "?offset=-1", "", http.StatusBadRequest, "invalid"},
		{path, "x", http.StatusBadRequest, "invalid"},
		{"/v1/runs/t-1/streams/$x", "", http.StatusBadRequest, "invalid"},
		{"/v1/runs/none/streams/log", "", http.StatusNotFound, "not_found"},
	} {
		if a := s.do(t, "GET", c.path, "", "Last-Event-ID", c.last); a.status != c.status || a.get(t, "code") != c.code {
			t.Errorf("%s after %q: %d %s, want %d %s", c.path, c.last, a.status, a.body, c.status, c.code)
		}
	}
}

func TestAStreamTakesAPlaceAndEndsWithTheServer(t *testing.T) {
	closing := make(chan struct{})
	s := newServer(t, api.Config{MaxWaiting: 1, Closing: closing}, runtime.Config{})
	s.begun(t, "teller", "?id=t-1", "")
	got := make(chan answer, 1)
	go func() {
		a := answer{status: http.StatusTooManyRequests}
		for a.status == http.StatusTooManyRequests { // the look below may be there first
			var err error
			if a, err = s.try(t.Context(), "GET", "/v1/runs/t-1/streams/log?offset=7", nil); err != nil {
				a.body = err.Error()
			}
		}
		got <- a
	}()
	eventually(t, "the place is taken", func() bool {
		return s.do(t, "GET", "/v1/runs/t-1/events/later?wait=1ms", "").status == http.StatusTooManyRequests
	})
	close(closing)
	if a := <-got; a.status != http.StatusOK || a.body != "" {
		t.Errorf("stream: %d %q", a.status, a.body)
	}
}
