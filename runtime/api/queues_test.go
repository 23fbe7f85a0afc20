package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestQueues(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	const plain = `{"name":"one","depth":0,"running":0,"paused":false,"concurrency":1,"per_executor":0,"rate":"","partition_concurrency":0,"partition_rate":"","changed":false,"defined":true}`
	want := func(what, method, path, body, want string) {
		t.Helper()
		a := s.do(t, method, path, body)
		if a.status != http.StatusOK {
			t.Errorf("%s: status %d", what, a.status)
		}
		if d := cmp.Diff(want+"\n", a.body); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	want("untouched", "GET", "/v1/queues", "", `{"queues":[`+plain+`]}`)
	paused := strings.NewReplacer(`"paused":false`, `"paused":true`, `"changed":false`, `"changed":true`).Replace(plain)
	want("pause", "POST", "/v1/queues/one/pause", "", paused)
	want("pause again", "POST", "/v1/queues/one/pause", "", paused)
	id := s.begun(t, "echo", "?queue=one", "1")
	want("list", "GET", "/v1/queues", "", `{"queues":[`+strings.Replace(paused, `"depth":0`, `"depth":1`, 1)+`]}`)
	if got := s.status(t, id); got != "queued" {
		t.Errorf("a run of a paused queue is %s", got)
	}
	if a := s.do(t, "POST", "/v1/queues/one/resume", ""); a.status != http.StatusOK || a.json(t)["paused"] != false {
		t.Errorf("resume: %d %s", a.status, a.body)
	}
	eventually(t, "the run goes on", func() bool { return s.status(t, id) == "succeeded" })
	want("settings", "PATCH", "/v1/queues/one", `{"rate":"10/1m+3","concurrency":5}`,
		strings.NewReplacer(`"concurrency":1`, `"concurrency":5`, `"rate":"",`, `"rate":"10/1m+3",`, `"changed":false`, `"changed":true`).Replace(plain))
	want("one setting more", "PATCH", "/v1/queues/one", `{"per_executor":2}`,
		strings.NewReplacer(`"concurrency":1`, `"concurrency":5`, `"rate":"",`, `"rate":"10/1m+3",`, `"changed":false`, `"changed":true`, `"per_executor":0`, `"per_executor":2`).Replace(plain))
	want("bounds of partitions", "PATCH", "/v1/queues/one", `{"partition_concurrency":1,"partition_rate":"5/1h","concurrency":1,"per_executor":0,"rate":""}`,
		strings.NewReplacer(`"partition_concurrency":0`, `"partition_concurrency":1`, `"partition_rate":""`, `"partition_rate":"5/1h"`, `"changed":false`, `"changed":true`).Replace(plain))
	want("reset", "POST", "/v1/queues/one/reset", "", plain)
}

func TestQueuesRefuse(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	const settings = "settings of a queue: want a JSON object with some of paused, concurrency, per_executor, rate, partition_concurrency and partition_rate: "
	for _, c := range []struct {
		method, path, body string
		status             int
		code, detail       string
	}{
		{"POST", "/v1/queues/two/pause", "", 404, "not_found", `queue "two": not found; registered: one`},
		{"POST", "/v1/queues/two/resume", "", 404, "not_found", `queue "two": not found; registered: one`},
		{"POST", "/v1/queues/two/reset", "", 404, "not_found", `queue "two": not found; registered: one`},
		{"PATCH", "/v1/queues/two", "{}", 404, "not_found", `queue "two": not found; registered: one`},
		{"PATCH", "/v1/queues/one", "", 400, "invalid", settings + "EOF"},
		{"PATCH", "/v1/queues/one", "{} {}", 400, "invalid", settings + "something follows it"},
		{"PATCH", "/v1/queues/one", "{}]", 400, "invalid", settings + "something follows it"},
		{"PATCH", "/v1/queues/one", `{"concurency":1}`, 400, "invalid", settings + `json: unknown field "concurency"`},
		{"PATCH", "/v1/queues/one", `{"concurrency":"many"}`, 400, "invalid", settings + `field "concurrency" is a JSON string, which is not allowed there`},
		{"PATCH", "/v1/queues/one", `[1]`, 400, "invalid", settings + `the body is a JSON array, which is not allowed there`},
		{"PATCH", "/v1/queues/one", `{"concurrency":-1}`, 400, "invalid", "queue one: a bound below zero"},
		{"PATCH", "/v1/queues/one", `{"rate":"fast"}`, 400, "invalid", settings + `rate "fast": want LIMIT/PER or LIMIT/PER+BURST, such as 100/1m or 100/1m+20`},
		{"GET", "/v1/queues?x=1", "", 400, "invalid", `unknown parameter "x": this call takes none`},
		{"DELETE", "/v1/queues", "", 405, "method_not_allowed", "this path takes GET, HEAD"},
	} {
		a := s.do(t, c.method, c.path, c.body)
		want := problem{c.status, c.code, c.detail, http.StatusText(c.status), "application/problem+json"}
		if d := cmp.Diff(want, a.problem(t), cmp.AllowUnexported(problem{})); d != "" {
			t.Errorf("%s %s %s (-want +got):\n%s", c.method, c.path, c.body, d)
		}
	}
}

// TestStartKeys: a key gives the run that holds it, or refuses.
func TestStartKeys(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	const start = "/v1/workflows/sleeper/runs"
	first := s.do(t, "POST", start+"?dedup=k", "1")
	if first.status != http.StatusAccepted || first.get(t, "start_key") != "k" {
		t.Fatalf("start: %d %s", first.status, first.body)
	}
	id := first.get(t, "id")
	for _, policy := range []string{"", "&on_duplicate=return"} {
		if a := s.do(t, "POST", start+"?dedup=k"+policy, "2"); a.status != http.StatusAccepted || a.get(t, "id") != id {
			t.Errorf("start with %q: %d %s, want the first run", policy, a.status, a.body)
		}
	}
	if a := s.do(t, "POST", start+"?dedup=k&on_duplicate=reject", "2"); a.status != http.StatusConflict || a.get(t, "code") != "exists" || !strings.Contains(a.get(t, "detail"), id) {
		t.Errorf("start that asks to be refused: %d %s", a.status, a.body)
	}
	const echo = "/v1/workflows/echo/runs"
	one := s.do(t, "POST", echo+"?debounce=d&quiet=1h&max_wait=2h", "1")
	two := s.do(t, "POST", echo+"?debounce=d&quiet=50ms&max_wait=2h&wait=10s", "2")
	if one.get(t, "status") != "delayed" || two.status != http.StatusOK || two.get(t, "id") != one.get(t, "id") || two.json(t)["output"] != 2.0 {
		t.Errorf("debounce: %d %s\nthen %d %s", one.status, one.body, two.status, two.body)
	}
}
