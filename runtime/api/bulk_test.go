package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestBulk(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	for i := range 20 {
		s.begun(t, "echo", fmt.Sprintf("?id=e%d&delay=1h&label.n=%d", i, i%2), "1")
		s.begun(t, "order", fmt.Sprintf("?id=o%d&delay=1h", i), `{"count":3}`)
	}
	call := func(verb, body, want string) string {
		t.Helper()
		a := s.do(t, "POST", "/v1/runs:"+verb, body, "Content-Type", "application/json")
		if a.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", verb, body, a.status, a.body)
		}
		m := a.json(t)
		got := fmt.Sprint(m["matched"], m["changed"], m["skipped"], m["dry_run"])
		if got != want {
			t.Errorf("%s %s: %s, want %s", verb, body, got, want)
		}
		next, _ := m["next"].(string)
		return next
	}
	count := func(query string) int { t.Helper(); return len(s.page(t, query).ids) }

	call("cancel", `{"workflow":"echo","label":{"n":"1"},"dry_run":true}`, "10 0 0 true")
	if n := count("?status=delayed"); n != 40 {
		t.Fatalf("a dry run left %d", n)
	}
	call("cancel", `{"workflow":"echo","label":{"n":"1"}}`, "10 10 0 false")
	call("cancel", `{"workflow":"echo","since":"1h","until":"0s","queue":""}`, "10 10 0 false")
	if c, d := count("?status=cancelled"), count("?status=delayed&workflow=order"); c != 20 || d != 20 {
		t.Fatalf("%d cancelled, %d of the others left", c, d)
	}
	call("resume", `{"label":{"n":"0"}}`, "0 0 0 false")
	call("resume", `{"label":{"n":"0"},"status":"cancelled"}`, "10 10 0 false")
	eventually(t, "what was resumed succeeds", func() bool { return count("?status=succeeded") == 10 })

	next := call("delete", `{"status":["succeeded","cancelled"],"limit":15}`, "15 15 0 false")
	if next == "" {
		t.Fatal("no next after the limit")
	}
	if next = call("delete", `{"status":["succeeded","cancelled"],"limit":15,"cursor":"`+next+`"}`, "5 5 0 false"); next != "" {
		t.Errorf("a next %q after the last", next)
	}
	call("cancel", `{"all":true}`, "20 20 0 false")
	call("delete", `{"until":"1h"}`, "0 0 0 false")
	call("delete", `{"all":true}`, "20 20 0 false")
	if n := count(""); n != 0 {
		t.Errorf("%d runs left", n)
	}
	// Counts with nothing to count are there all the same.
	if a := s.do(t, "POST", "/v1/runs:delete", `{"all":true}`); strings.TrimSpace(a.body) != `{"matched":0,"changed":0,"skipped":0,"dry_run":false}` {
		t.Errorf("body %s", a.body)
	}
}

// TestCancelStuck: what a stuck run did cannot be undone, so it has to be told to
// end all the same.
func TestCancelStuck(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	for _, id := range []string{"a", "b"} {
		s.begun(t, "lost", "?id="+id, "")
		if a := s.do(t, "GET", "/v1/runs/"+id+"?wait=10s", ""); a.get(t, "status") != "stuck" {
			t.Fatalf("it is not stuck: %s", a.body)
		}
	}
	if a := s.do(t, "POST", "/v1/runs/a/cancel", ""); a.status != http.StatusConflict || !strings.Contains(a.body, "cancel it without compensations") || s.status(t, "a") != "stuck" {
		t.Errorf("without a word: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/runs/a/cancel?without_compensations=yes", ""); a.status != http.StatusBadRequest {
		t.Errorf("neither yes nor no: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/runs/a/cancel?without_compensations=true", ""); a.status != http.StatusOK || a.get(t, "status") != "cancelled" {
		t.Errorf("told to: %d %s", a.status, a.body)
	}
	for _, c := range []struct{ body, want string }{
		{`{"workflow":"lost"}`, `"matched":0`},
		{`{"status":"stuck"}`, "without compensations"},
		{`{"workflow":"lost","without_compensations":true}`, `"changed":1`},
	} {
		if a := s.do(t, "POST", "/v1/runs:cancel", c.body, "Content-Type", "application/json"); !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %s; want %s", c.body, a.body, c.want)
		}
	}
	if got := s.status(t, "b"); got != "cancelled" {
		t.Errorf("b is %s", got)
	}
}
