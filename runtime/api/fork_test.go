package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestFork(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "order", "?id=o&wait=10s", `{"item":"tea","count":3}`)
	s.begun(t, "broken", "?id=b&wait=10s", "")
	a := s.do(t, "POST", "/v1/runs/b/fork?id=b2&queue=one&priority=4&label.k=v", "")
	if a.status != http.StatusAccepted || a.header.Get("Location") != "/v1/runs/b2" || a.get(t, "forked_from") != "b" || a.get(t, "queue") != "one" {
		t.Fatalf("fork at the failed step: %d %s", a.status, a.body)
	}
	if again := s.do(t, "POST", "/v1/runs/b/fork", "", "Idempotency-Key", "b2"); again.get(t, "created_at") != a.get(t, "created_at") {
		t.Errorf("the same fork again: %d %s", again.status, again.body)
	}
	end := s.do(t, "GET", "/v1/runs/b2?wait=10s", "")
	if end.get(t, "status") != "failed" || end.get(t, "forked_from") != "b" {
		t.Errorf("the fork ended as %s", end.body)
	}
	f := s.do(t, "POST", "/v1/runs/o/fork?step=0&id=o2", "")
	if f.status != http.StatusAccepted {
		t.Fatalf("fork at a step: %d %s", f.status, f.body)
	}
	s.do(t, "GET", "/v1/runs/o2?wait=10s", "")
	cancelled := s.begun(t, "order", "?id=c&delay=1h", `{"count":1}`)
	s.do(t, "POST", "/v1/runs/"+cancelled+"/cancel", "")
	if a := s.do(t, "POST", "/v1/runs/c/fork", ""); a.status != http.StatusAccepted {
		t.Errorf("fork a cancelled run at its end: %d %s", a.status, a.body)
	}
	if got, want := s.copied(t, "o2"), []bool{false}; cmp.Diff(want, got) != "" {
		t.Errorf("copied steps of a fork at its first: %v", got)
	}
}

// TestForkOptions: a fork heeds what a start does.
func TestForkOptions(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "broken", "?id=b&wait=10s", "")
	trace := "0af7651916cd43dd8448eb211c80319c"
	a := s.do(t, "POST", "/v1/runs/b/fork?delay=1h&deadline=2h", "", "traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	if a.status != http.StatusAccepted || a.get(t, "status") != "delayed" || a.get(t, "trace_id") != trace {
		t.Errorf("fork: %d %s", a.status, a.body)
	}
	for field, want := range map[string]time.Duration{"wake_at": time.Hour, "deadline": 2 * time.Hour} {
		at, err := time.Parse(time.RFC3339, a.get(t, field))
		if d := time.Until(at); err != nil || d > want || d < want-time.Minute {
			t.Errorf("%s is %s, want in %v", field, a.get(t, field), want)
		}
	}
}

func TestForkShowsCopiedSteps(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "sleeper", "?id=s", "")
	eventually(t, "it sleeps", func() bool { return len(s.copied(t, "s")) == 1 })
	s.do(t, "POST", "/v1/runs/s/cancel", "")
	eventually(t, "it is cancelled", func() bool { return s.status(t, "s") == "cancelled" })
	if a := s.do(t, "POST", "/v1/runs/s/fork?id=s2", ""); a.status != http.StatusAccepted {
		t.Fatalf("fork: %d %s", a.status, a.body)
	}
	if got := s.copied(t, "s2"); cmp.Diff([]bool{true}, got) != "" {
		t.Errorf("copied steps: %v, want one", got)
	}
}

// copied tells of each step of a run whether it is shown as copied.
func (s *server) copied(t *testing.T, id string) (copied []bool) {
	t.Helper()
	var v struct{ Steps []struct{ Copied bool } }
	if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/runs/"+id+"/steps", "").body), &v); err != nil {
		t.Fatal(err)
	}
	for _, step := range v.Steps {
		copied = append(copied, step.Copied)
	}
	return copied
}

func TestForkRefuses(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "broken", "?id=b&wait=10s", "")
	s.begun(t, "echo", "?id=e&wait=10s", "1")
	for _, c := range []struct {
		path   string
		status int
		code   string
		detail string
	}{
		{"/v1/runs/nope/fork", 404, "not_found", `run "nope": not found`},
		{"/v1/runs/b/fork?step=7", 404, "not_found", `step 7 of run "b": not found`},
		{"/v1/runs/b/fork?step=", 400, "invalid", "step is"},
		{"/v1/runs/b/fork?step=break", 400, "invalid", `step "break": want the path`},
		{"/v1/runs/e/fork", 400, "invalid", "run e is succeeded: name the step"},
		{"/v1/runs/b/fork?id=e", 409, "exists", "e is not a fork of b"},
		{"/v1/runs/b/fork?id=-", 400, "invalid", "run id"},
		{"/v1/runs/b/fork?queue=nope", 404, "not_found", `queue "nope"`},
		{"/v1/runs/b/fork?priority=x", 400, "invalid", "priority is"},
		{"/v1/runs/b/fork?wait=1s", 400, "invalid", "unknown parameter"},
	} {
		p := s.do(t, "POST", c.path, "").problem(t)
		if p.status != c.status || p.code != c.code || !strings.Contains(p.detail, c.detail) {
			t.Errorf("%s: %+v, want %d %s %q", c.path, p, c.status, c.code, c.detail)
		}
	}
	if a := s.do(t, "GET", "/v1/runs/b/fork", ""); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d %s", a.status, a.body)
	}
}
