package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestPing(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	if a := s.do(t, "GET", "/v1/ping", ""); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("ping: %d %q, want 204 and no body", a.status, a.body)
	}
	if a := s.do(t, "HEAD", "/v1/stats", ""); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: %d %q, want 200 and no body", a.status, a.body)
	}
}

// TestRun holds the JSON of a run to the contract, field by field.
func TestRun(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{Executor: "me"})
	trace := "0af7651916cd43dd8448eb211c80319c"
	a := s.do(t, "POST", "/v1/workflows/order/runs?id=r-1&queue=one&partition=acme&priority=7&label.team=a%26b&label.x=&deadline=1h&wait=10s",
		` {"item": "tea", "count": 3} `, "traceparent", "00-"+trace+"-b7ad6b7169203331-01", "Content-Type", "application/json; charset=utf-8")
	if a.status != http.StatusOK {
		t.Fatalf("start: %d %s", a.status, a.body)
	}
	if got := a.header.Get("Location"); got != "/v1/runs/r-1" {
		t.Errorf("Location is %q", got)
	}
	got := a.json(t)
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)
	for _, name := range []string{"created_at", "started_at", "ended_at", "deadline"} {
		if v, _ := got[name].(string); !stamp.MatchString(v) {
			t.Errorf("%s is %v: want RFC 3339 with microseconds in UTC", name, got[name])
		}
		delete(got, name)
	}
	want := map[string]any{
		"id": "r-1", "workflow": "order", "status": "succeeded", "input": map[string]any{"item": "tea", "count": 3.0}, "output": 3.0,
		"queue": "one", "partition": "acme", "priority": 7.0, "labels": map[string]any{"team": "a&b", "x": ""}, "version": "v-test", "attempt": 1.0,
		"executor": "me", "trace_id": trace,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if again := s.do(t, "GET", "/v1/runs/r-1", ""); again.body != a.body {
		t.Errorf("the run, read again, differs:\n%s%s", a.body, again.body)
	}
}

func TestFailedRun(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	a := s.do(t, "POST", "/v1/workflows/broken/runs?wait=10s", "")
	e, _ := a.json(t)["error"].(map[string]any)
	if a.status != http.StatusOK || a.get(t, "status") != "failed" || !strings.Contains(fmt.Sprint(e["message"]), "it broke") {
		t.Errorf("a run that failed: %d %s", a.status, a.body)
	}
	if strings.Contains(a.body, `"input"`) {
		t.Errorf("a run without input shows one: %s", a.body)
	}
}

func TestSteps(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "broken", "?wait=10s", "")
	var got struct{ Steps []map[string]any }
	if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/runs/"+id+"/steps", "").body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Steps) != 1 {
		t.Fatalf("steps: %v, want one", got.Steps)
	}
	step := got.Steps[0]
	attempts, _ := step["attempts"].([]any)
	if len(attempts) != 2 {
		t.Fatalf("attempts: %v, want two", attempts)
	}
	for i, a := range attempts {
		m := a.(map[string]any)
		if diff := cmp.Diff([]string{"ended_at", "error", "started_at"}, slices.Sorted(maps.Keys(m))); diff != "" {
			t.Errorf("fields of attempt %d (-want +got):\n%s", i+1, diff)
		}
	}
	first := attempts[0].(map[string]any)
	if step["started_at"] != first["started_at"] {
		t.Errorf("the step began at %v, its first attempt at %v", step["started_at"], first["started_at"])
	}
	for _, name := range []string{"attempts", "started_at", "ended_at"} {
		delete(step, name)
	}
	want := map[string]any{
		"path": "0", "name": "break", "kind": "step", "status": "failed", "attempt": 2.0,
		"error": map[string]any{"message": "it broke"},
	}
	if diff := cmp.Diff(want, step); diff != "" {
		t.Errorf("step (-want +got):\n%s", diff)
	}
	if a := s.do(t, "GET", "/v1/runs/"+s.begun(t, "echo", "?wait=10s", "1")+"/steps", ""); a.body != `{"steps":[]}`+"\n" {
		t.Errorf("steps of a run without any: %s", a.body)
	}
}

// TestHistory: the answer is an exported history, and fits the code it came from.
func TestHistory(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "order", "?wait=10s", `{"item":"<tea>","count":3}`)
	a := s.do(t, "GET", "/v1/runs/"+id+"/history", "")
	h, err := runtime.ParseHistory([]byte(a.body))
	if a.status != http.StatusOK || err != nil {
		t.Fatalf("history: %d %s: %v", a.status, a.body, err)
	}
	if h.Run.ID != id || len(h.Steps) != 1 || h.Steps[0].Name != "count" || !strings.HasPrefix(a.body, `{"stepwell_history":1,`) {
		t.Errorf("not the history of the run: %s", a.body)
	}
	if err := runtime.Replay(t.Context(), h, s.definitions()...); err != nil {
		t.Error(err)
	}
}

func TestIdempotentStart(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	start := func(headers ...string) answer { return s.do(t, "POST", "/v1/workflows/gated/runs", "", headers...) }
	first := start("Idempotency-Key", "order-17")
	if strings.Contains(first.body, `"input"`) {
		t.Errorf("it was started without an input and shows one: %s", first.body)
	}
	if first.status != http.StatusAccepted || first.get(t, "id") != "order-17" {
		t.Fatalf("first start: %d %s", first.status, first.body)
	}
	// The draft standard quotes the key.
	if second := start("Idempotency-Key", `"order-17"`); second.status != http.StatusAccepted || second.get(t, "created_at") != first.get(t, "created_at") {
		t.Errorf("second start: %d %s, want the same run", second.status, second.body)
	}
	close(s.gate)
	eventually(t, "the run succeeds", func() bool { return s.status(t, "order-17") == "succeeded" })
	if third := start("Idempotency-Key", "order-17"); third.status != http.StatusOK || third.get(t, "output") != "through" {
		t.Errorf("start after the end: %d %s, want 200 and the output", third.status, third.body)
	}
	if n := len(s.page(t, "").ids); n != 1 {
		t.Errorf("%d runs were made, want 1", n)
	}
}

func TestWaitIsOver(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	live := func(a answer) bool { st := a.get(t, "status"); return st == "running" || st == "queued" }
	a := s.do(t, "POST", "/v1/workflows/gated/runs?wait=20ms", "")
	if a.status != http.StatusAccepted || !live(a) || a.header.Get("Location") == "" {
		t.Errorf("a wait that is over: %d %s, want 202 and a Location", a.status, a.body)
	}
	id := a.get(t, "id")
	if a := s.do(t, "GET", "/v1/runs/"+id+"?wait=20ms", ""); a.status != http.StatusOK || !live(a) {
		t.Errorf("a run that does not end: %d %s", a.status, a.body)
	}
	close(s.gate)
	if a := s.do(t, "GET", "/v1/runs/"+id+"?wait=10s", ""); a.get(t, "status") != "succeeded" || a.get(t, "output") != "through" {
		t.Errorf("a run that ends: %d %s", a.status, a.body)
	}
}

func TestCancelAndResume(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "sleeper", "", "")
	if a := s.do(t, "POST", "/v1/runs/"+id+"/resume", ""); a.status != http.StatusConflict || a.get(t, "code") != "conflict" {
		t.Errorf("resume a live run: %d %s, want 409", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/runs/"+id+"/cancel", ""); a.status != http.StatusOK || a.get(t, "id") != id {
		t.Errorf("cancel: %d %s", a.status, a.body)
	}
	eventually(t, "the run is cancelled", func() bool { return s.status(t, id) == "cancelled" })
	if a := s.do(t, "POST", "/v1/runs/"+id+"/cancel", ""); a.status != http.StatusConflict {
		t.Errorf("cancel an ended run: %d %s, want 409", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/runs/"+id+"/resume", ""); a.status != http.StatusOK {
		t.Errorf("resume: %d %s", a.status, a.body)
	}
	eventually(t, "the run goes on", func() bool { st := s.status(t, id); return st == "running" || st == "waiting" })
}

type page struct {
	ids  []string
	next string
}

func (s *server) page(t *testing.T, query string) page {
	t.Helper()
	a := s.do(t, "GET", "/v1/runs"+query, "")
	if a.status != http.StatusOK {
		t.Fatalf("list %s: %d %s", query, a.status, a.body)
	}
	var v struct {
		Runs []struct{ ID string }
		Next string
	}
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatal(err)
	}
	p := page{next: v.Next}
	for _, r := range v.Runs {
		p.ids = append(p.ids, r.ID)
	}
	return p
}

func TestListFilters(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "echo", "?id=a&label.team=red&wait=10s", "1")
	s.begun(t, "echo", "?id=b&label.team=blue&label.kind=x&wait=10s", "1")
	s.begun(t, "broken", "?id=c&wait=10s", "")
	s.begun(t, "gated", "?id=d&queue=one", "")
	s.begun(t, "gated", "?id=e&delay=1h", "")
	between := s.do(t, "GET", "/v1/runs/c", "").get(t, "created_at")
	for _, c := range []struct {
		query string
		want  string
	}{
		{"", "e d c b a"},
		{"?status=succeeded", "b a"},
		{"?status=failed,delayed", "e c"},
		{"?status=failed&status=delayed", "e c"},
		{"?workflow=echo", "b a"},
		{"?queue=one", "d"},
		{"?queue=", "e c b a"},
		{"?label.team=red", "a"},
		{"?label.team=blue&label.kind=x", "b"},
		{"?label.team=red&label.kind=x", ""},
		{"?parent=a", ""},
		{"?since=" + between, "e d c"},
		{"?until=" + between, "b a"},
		{"?since=1h", "e d c b a"},
		{"?until=1h", ""},
		{"?limit=2", "e d"},
		{"?workflow=none", ""},
	} {
		if got := strings.Join(s.page(t, c.query).ids, " "); got != c.want {
			t.Errorf("GET /v1/runs%s: %q, want %q", c.query, got, c.want)
		}
	}
	if a := s.do(t, "GET", "/v1/runs?workflow=none", ""); a.body != `{"runs":[]}`+"\n" {
		t.Errorf("an empty list: %s", a.body)
	}
}

// TestListPages walks through all pages while new runs come in: nothing is
// shown twice, and nothing that was there is left out.
func TestListPages(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	var want []string
	for i := range 45 {
		want = append(want, s.begun(t, "echo", fmt.Sprintf("?id=r%d", i), "1"))
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 7, 15, 44, 45, 1000} {
		var got []string
		query, pages := fmt.Sprintf("?limit=%d", limit), 0
		for next := ""; ; pages++ {
			p := s.page(t, query+next)
			if len(p.ids) > limit {
				t.Fatalf("limit %d: a page of %d", limit, len(p.ids))
			}
			for _, id := range p.ids {
				if strings.HasPrefix(id, "r") {
					got = append(got, id)
				}
			}
			s.begun(t, "echo", "", "1")
			if p.next == "" {
				break
			}
			next = "&cursor=" + p.next
		}
		if limit < 45 {
			// The first page also shows runs of the rounds before.
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, diff)
			}
		}
	}
	// The last page says that it is.
	s2 := newServer(t, api.Config{}, runtime.Config{})
	s2.begun(t, "echo", "", "1")
	s2.begun(t, "echo", "", "1")
	if p := s2.page(t, "?limit=2"); p.next != "" {
		t.Errorf("two runs, limit 2: there is a next page %q", p.next)
	}
}

// TestHeavyPage: a page ends before it becomes too much for memory.
func TestHeavyPage(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	heavy := `"` + strings.Repeat("x", 1<<20-2) + `"`
	for range 8 {
		s.begun(t, "echo", "?wait=10s", heavy) // 1 MiB in, 1 MiB out
	}
	first := s.page(t, "")
	if len(first.ids) < 4 || len(first.ids) > 6 || first.next == "" {
		t.Fatalf("a page of %d runs of 2 MiB each, next %q: want about 8 MiB and another page", len(first.ids), first.next)
	}
	if second := s.page(t, "?cursor="+first.next); len(first.ids)+len(second.ids) != 8 || second.next != "" {
		t.Errorf("the pages have %d and %d runs, want 8 together", len(first.ids), len(second.ids))
	}
}

func TestStats(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "gated", "?queue=one", "")
	s.begun(t, "gated", "?queue=one", "")
	s.begun(t, "gated", "?delay=1h", "")
	eventually(t, "one run has its place in the queue", func() bool { return len(s.page(t, "?status=running").ids) == 1 })
	got := s.do(t, "GET", "/v1/stats", "").json(t)
	runs, _ := got["runs"].(map[string]any)
	if runs["running"] != 1.0 || runs["queued"] != 1.0 || runs["delayed"] != 1.0 || runs["stuck"] != 0.0 || len(runs) != 8 {
		t.Errorf("runs: %v", runs)
	}
	if queues, want := fmt.Sprint(got["queues"]), "map[depth:1 name:one running:1]"; !strings.Contains(queues, want) {
		t.Errorf("queues: %s, want %s among them", queues, want)
	}
	for _, name := range []string{"commits_per_s", "oldest_queued_at", "next_wake_at", "loaded", "commits"} {
		if got[name] == nil {
			t.Errorf("%s is missing: %v", name, got)
		}
	}
	at, err := time.Parse(time.RFC3339, fmt.Sprint(got["next_wake_at"]))
	if d := time.Until(at); err != nil || d < 50*time.Minute || d > time.Hour {
		t.Errorf("next_wake_at is %v, want in an hour", got["next_wake_at"])
	}
}
