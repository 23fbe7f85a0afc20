package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// problem is the body of an error.
type problem struct {
	status             int
	code, detail       string
	title, contentType string
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	m := a.json(t)
	if m["type"] != "about:blank" || m["status"] != float64(a.status) {
		t.Errorf("the body does not agree with the status %d: %s", a.status, a.body)
	}
	return problem{a.status, a.get(t, "code"), a.get(t, "detail"), a.get(t, "title"), a.header.Get("Content-Type")}
}

func TestBadRequests(t *testing.T) {
	s := newServer(t, api.Config{MaxBody: 1000}, runtime.Config{MaxPayload: 900})
	s.begun(t, "echo", "?id=taken&wait=10s", "1")
	s.begun(t, "echo", "?id=asleep&delay=1h", "1")
	const start = "/v1/workflows/order/runs"
	const jsonType = "application/json"
	long := strings.Repeat("x", 201)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code, detail             string
	}{
		{"unknown workflow", "POST", "/v1/workflows/nope/runs", "{}", nil, 404, "not_found",
			`workflow "nope": not found; registered: again, broken, counter, echo, gated, listener, lost, order, sleeper, tangled, teller`},
		{"malformed JSON", "POST", start, `{"item":`, nil, 400, "invalid", "input of order: malformed JSON at byte 8: unexpected end of JSON input"},
		{"malformed JSON in the middle", "POST", start, `{"item" 1}`, nil, 400, "invalid", "input of order: malformed JSON at byte 9: invalid character '1' after object key"},
		{"two values", "POST", start, `{} {}`, nil, 400, "invalid", "input of order: malformed JSON at byte 4: invalid character '{' after top-level value"},
		{"wrong type of a field", "POST", start, `{"item":"a","count":"three"}`, nil, 400, "invalid", `input of order: field "count": want an integer, got a JSON string`},
		{"wrong type of the whole", "POST", start, `[1]`, nil, 400, "invalid", "input of order: want a JSON object, got a JSON array"},
		{"no input", "POST", start, "", nil, 400, "invalid", "input of order is empty: want a JSON object, such as {}"},
		{"unknown field", "POST", start, `{"item":"a","cuont":3}`, nil, 400, "invalid", `input of order: field "cuont" is not known; known are: item, count`},
		{"not UTF-8", "POST", "/v1/workflows/echo/runs", "\"\xff\"", nil, 400, "invalid", "the body is not UTF-8"},
		{"body too large", "POST", start, `"` + strings.Repeat("x", 1000) + `"`, nil, 413, "too_large", "the body is too large: at most 1000 bytes are allowed"},
		{"payload too large", "POST", "/v1/workflows/echo/runs", `"` + strings.Repeat("x", 900) + `"`, nil, 413, "too_large", "input is too large: 902 bytes, at most 900 are allowed"},
		{"form", "POST", start, "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type",
			`Content-Type is "application/x-www-form-urlencoded": want application/json (with curl: -H 'Content-Type: application/json')`},
		{"broken content type", "POST", start, "{}", []string{"Content-Type", ";"}, 415, "unsupported_media_type",
			`Content-Type is ";": want application/json (with curl: -H 'Content-Type: application/json')`},
		{"other charset", "POST", start, "{}", []string{"Content-Type", "application/json; charset=latin1"}, 415, "unsupported_media_type",
			`Content-Type is "application/json; charset=latin1": want application/json (with curl: -H 'Content-Type: application/json')`},
		{"bad id", "POST", start + "?id=a%20b", "{}", nil, 400, "invalid",
			`run id "a b": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"empty id", "POST", start + "?id=", "{}", nil, 400, "invalid",
			`run id "": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"empty key", "POST", start, "{}", []string{"Idempotency-Key", ""}, 400, "invalid",
			`run id "": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"long key", "POST", start, "{}", []string{"Idempotency-Key", long}, 400, "invalid",
			`run id "` + long + `": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"key and id", "POST", start + "?id=a", "{}", []string{"Idempotency-Key", "b"}, 400, "invalid",
			"the Idempotency-Key header and ?id= differ: want one of them, or both the same"},
		{"id of another workflow", "POST", start + "?id=taken", "{}", nil, 409, "exists", "run exists: taken is a run of echo, not of order"},
		{"unknown parameter", "POST", start + "?prio=1", "{}", nil, 400, "invalid",
			`unknown parameter "prio": want id, queue, partition, dedup, on_duplicate, debounce, quiet, max_wait, delay, priority, deadline, label.NAME or wait`},
		{"empty label name", "POST", start + "?label.=1", "{}", nil, 400, "invalid", `label "": want 1 to 63 letters, digits or any of . _ / -`},
		{"label of the engine", "POST", start + "?label.stepwell.schedule=nightly", "{}", nil, 400, "invalid", `label "stepwell.schedule": names that begin with "stepwell." are kept for the engine`},
		{"label value", "POST", start + "?label.a=x%1b[2J", "{}", nil, 400, "invalid", `label "a": value "x\x1b[2J": want text without control characters`},
		{"bad label name", "POST", start + "?label.a%20b=1", "{}", nil, 400, "invalid", `label "a b": want 1 to 63 letters, digits or any of . _ / -`},
		{"parameter twice", "POST", start + "?id=a&id=b", "{}", nil, 400, "invalid", "parameter id is given 2 times: want one"},
		{"label that is not UTF-8", "POST", start + "?label.a=%ff", "{}", nil, 400, "invalid", `parameter "label.a" is not UTF-8`},
		{"label name that is not UTF-8", "POST", start + "?label.%ff=a", "{}", nil, 400, "invalid", `parameter "label.\xff" is not UTF-8`},
		{"version that is not UTF-8", "POST", "/v1/runs/asleep/version?to=%ff", "", nil, 400, "invalid", `parameter "to" is not UTF-8`},
		{"malformed query", "POST", start + "?id=%zz", "{}", nil, 400, "invalid", `malformed query: invalid URL escape "%zz"`},
		{"unknown queue", "POST", start + "?queue=two", "{}", nil, 404, "not_found", `queue "two": not found; registered: one`},
		{"empty queue", "POST", start + "?queue=", "{}", nil, 400, "invalid", `queue is "": want the name of a queue`},
		{"empty partition", "POST", start + "?queue=one&partition=", "{}", nil, 400, "invalid", `partition is "": want a key, such as the name of a tenant`},
		{"partition of no queue", "POST", start + "?partition=a", "{}", nil, 400, "invalid", `partition "a": only a run with a queue has one`},
		{"bad partition", "POST", start + "?queue=one&partition=a%20b", "{}", nil, 400, "invalid",
			`partition "a b": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"empty dedup", "POST", start + "?dedup=", "{}", nil, 400, "invalid",
			`key "": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"bad policy", "POST", start + "?dedup=a&on_duplicate=x", "{}", nil, 400, "invalid", `on_duplicate is "x": want return or reject`},
		{"policy of no key", "POST", start + "?on_duplicate=reject", "{}", nil, 400, "invalid", `on_duplicate is given without dedup`},
		{"dedup and debounce", "POST", start + "?dedup=a&debounce=a&quiet=1s", "{}", nil, 400, "invalid", `dedup and debounce: want one of them`},
		{"debounce without quiet", "POST", start + "?debounce=a", "{}", nil, 400, "invalid",
			`debounce with 0s of quiet within 0s: want more than 0 of quiet, and 0 or as much at least to wait at most`},
		{"debounce with a short wait", "POST", start + "?debounce=a&quiet=2s&max_wait=1s", "{}", nil, 400, "invalid",
			`debounce with 2s of quiet within 1s: want more than 0 of quiet, and 0 or as much at least to wait at most`},
		{"debounce with a delay", "POST", start + "?debounce=a&quiet=2s&delay=1s", "{}", nil, 400, "invalid", `debounce and a delay: want one of them`},
		{"bad quiet", "POST", start + "?debounce=a&quiet=x", "{}", nil, 400, "invalid", `quiet is "x": want a duration of 0s or more, such as 90s or 24h`},
		{"bad delay", "POST", start + "?delay=1", "{}", nil, 400, "invalid", `delay is "1": want a duration of 0s or more, such as 90s or 24h`},
		{"negative delay", "POST", start + "?delay=-1s", "{}", nil, 400, "invalid", `delay is "-1s": want a duration of 0s or more, such as 90s or 24h`},
		{"bad priority", "POST", start + "?priority=high", "{}", nil, 400, "invalid", `priority is "high": want a whole number from -1073741824 to 1073741824`},
		{"bad deadline", "POST", start + "?deadline=soon", "{}", nil, 400, "invalid",
			`deadline is "soon": want a time such as 2026-01-31T12:00:00Z, or a duration after now such as 1h`},
		{"bad wait", "POST", start + "?wait=x", "{}", nil, 400, "invalid", `wait is "x": want a duration from 0s to 60s, such as 10s`},
		{"long wait", "POST", start + "?wait=61s", "{}", nil, 400, "invalid", `wait is "61s": want a duration from 0s to 60s, such as 10s`},

		{"unknown run", "GET", "/v1/runs/nope", "", nil, 404, "not_found", `run "nope": not found`},
		{"run with a bad id", "GET", "/v1/runs/a%20b", "", nil, 400, "invalid",
			`run id "a b": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"parameter of get", "GET", "/v1/runs/taken?x=1", "", nil, 400, "invalid", `unknown parameter "x": want wait`},
		{"steps of an unknown run", "GET", "/v1/runs/nope/steps", "", nil, 404, "not_found", `run "nope": not found`},
		{"parameter of steps", "GET", "/v1/runs/taken/steps?x=1", "", nil, 400, "invalid", `unknown parameter "x": this call takes none`},
		{"history of an unknown run", "GET", "/v1/runs/nope/history", "", nil, 404, "not_found", `run "nope": not found`},
		{"parameter of history", "GET", "/v1/runs/taken/history?format=1", "", nil, 400, "invalid", `unknown parameter "format": this call takes none`},
		{"cancel an unknown run", "POST", "/v1/runs/nope/cancel", "", nil, 404, "not_found", `run "nope": not found`},
		{"resume an unknown run", "POST", "/v1/runs/nope/resume", "", nil, 404, "not_found", `run "nope": not found`},
		{"resume an ended run", "POST", "/v1/runs/taken/resume", "", nil, 409, "conflict",
			"resume run taken: conflict: it is succeeded, only a stuck or cancelled run can be resumed"},

		{"delete an unknown run", "DELETE", "/v1/runs/nope", "", nil, 404, "not_found", `run "nope": not found`},
		{"delete a run with a bad id", "DELETE", "/v1/runs/a%20b", "", nil, 400, "invalid",
			`run id "a b": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"parameter of delete", "DELETE", "/v1/runs/taken?force=1", "", nil, 400, "invalid", `unknown parameter "force": this call takes none`},
		{"delete a run that has not ended", "DELETE", "/v1/runs/asleep", "", nil, 409, "conflict",
			"delete run asleep: conflict: it is delayed, only a run that has ended can be deleted"},

		{"unknown status", "GET", "/v1/runs?status=done", "", nil, 400, "invalid",
			`unknown status "done": want queued, delayed, running, waiting, succeeded, failed, cancelled or stuck`},
		{"limit zero", "GET", "/v1/runs?limit=0", "", nil, 400, "invalid", `limit is "0": want a whole number from 1 to 1000`},
		{"limit too high", "GET", "/v1/runs?limit=1001", "", nil, 400, "invalid", `limit is "1001": want a whole number from 1 to 1000`},
		{"bad since", "GET", "/v1/runs?since=now", "", nil, 400, "invalid",
			`since is "now": want a time such as 2026-01-31T12:00:00Z, or a duration before now such as 1h`},
		{"bad cursor", "GET", "/v1/runs?cursor=123", "", nil, 400, "invalid", `cursor is "123": want the next of an answer to the same call`},
		{"misspelt filter", "GET", "/v1/runs?workflows=a", "", nil, 400, "invalid",
			`unknown parameter "workflows": want status, workflow, version, queue, label.NAME, since, until, parent, limit or cursor`},

		{"bulk without a body", "POST", "/v1/runs:cancel", "", nil, 400, "invalid", `the body is empty: want a filter such as {"status":["failed"]}`},
		{"bulk of everything", "POST", "/v1/runs:delete", "{}", nil, 400, "invalid", "the filter excludes nothing, and all runs would be deleted: say all if that is meant"},
		{"bulk with a misspelt filter", "POST", "/v1/runs:delete", `{"all":true,"workflows":"a"}`, nil, 400, "invalid", `the body: unknown field "workflows"`},
		{"bulk with an unknown status", "POST", "/v1/runs:delete", `{"status":["done"]}`, nil, 400, "invalid",
			`the body: unknown status "done": want queued, delayed, running, waiting, succeeded, failed, cancelled or stuck`},
		{"bulk cancel of ended runs", "POST", "/v1/runs:cancel", `{"status":"failed"}`, nil, 400, "invalid",
			"a run that is failed cannot be cancelled: want queued, delayed, running, waiting, stuck"},
		{"bulk resume of failed runs", "POST", "/v1/runs:resume", `{"status":["failed"]}`, nil, 400, "invalid",
			"a run that is failed cannot be resumed: want cancelled, stuck"},
		{"bulk with a wrong type", "POST", "/v1/runs:cancel", `{"workflow":1}`, nil, 400, "invalid", `field "workflow" is a JSON number, which is not allowed there`},
		{"bulk with no object", "POST", "/v1/runs:cancel", `[]`, nil, 400, "invalid", `the body is a JSON array, which is not allowed there`},
		{"bulk with two filters", "POST", "/v1/runs:cancel", `{"all":true}{}`, nil, 400, "invalid", `the body: more than one JSON value`},
		{"bulk with a bad time", "POST", "/v1/runs:delete", `{"until":"soon"}`, nil, 400, "invalid",
			`until is "soon": want a time such as 2026-01-31T12:00:00Z, or a duration before now such as 1h`},
		{"bulk with a bad cursor", "POST", "/v1/runs:delete", `{"all":true,"cursor":"x"}`, nil, 400, "invalid", `cursor is "x": want the next of an answer to the same call`},
		{"bulk with a bad limit", "POST", "/v1/runs:delete", `{"all":true,"limit":-1}`, nil, 400, "invalid", `limit is "-1": want a whole number from 1, or 0 for all`},
		{"bulk with a parameter", "POST", "/v1/runs:delete?all=1", `{}`, nil, 400, "invalid", `unknown parameter "all": this call takes none`},
		{"bulk form", "POST", "/v1/runs:delete", `all=true`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type",
			`Content-Type is "application/x-www-form-urlencoded": want application/json (with curl: -H 'Content-Type: application/json')`},
		{"wrong method on bulk", "GET", "/v1/runs:cancel", "", nil, 405, "method_not_allowed", "this path takes POST"},

		{"pause an unknown schedule", "POST", "/v1/schedules/nope/pause", "", nil, 404, "not_found", `schedule "nope": not found; known: yearly`},
		{"resume an unknown schedule", "POST", "/v1/schedules/nope/resume", "", nil, 404, "not_found", `schedule "nope": not found; known: yearly`},
		{"trigger an unknown schedule", "POST", "/v1/schedules/nope/trigger", "", nil, 404, "not_found", `schedule "nope": not found; known: yearly`},
		{"trigger with a bad id", "POST", "/v1/schedules/yearly/trigger?id=a%20b", "", nil, 400, "invalid",
			`run id "a b": want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit`},
		{"backfill an unknown schedule", "POST", "/v1/schedules/nope/backfill", `{"from":"1h"}`, nil, 404, "not_found", `schedule "nope": not found; known: yearly`},
		{"backfill without a body", "POST", "/v1/schedules/yearly/backfill", "", nil, 400, "invalid",
			`the body is empty: want a range such as {"from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}`},
		{"backfill from nowhere", "POST", "/v1/schedules/yearly/backfill", `{"until":"2026-01-01T00:00:00Z"}`, nil, 400, "invalid",
			`from is "": want a time such as 2026-01-31T12:00:00Z, or a duration before now such as 1h`},
		{"backfill the wrong way round", "POST", "/v1/schedules/yearly/backfill", `{"from":"2021-01-01T00:00:00Z","until":"2020-01-01T00:00:00Z"}`, nil, 400, "invalid",
			"backfill from 2021-01-01T00:00:00Z until 2020-01-01T00:00:00Z: want two times, the first before the second"},
		{"backfill the future", "POST", "/v1/schedules/yearly/backfill", `{"from":"2021-01-01T00:00:00Z","until":"9000-01-01T00:00:00Z"}`, nil, 400, "invalid",
			"backfill until 9000-01-01T00:00:00Z: that is in the future"},
		{"backfill with a misspelt field", "POST", "/v1/schedules/yearly/backfill", `{"from":"1h","to":"0s"}`, nil, 400, "invalid", `the body: unknown field "to"`},
		{"parameter of schedules", "GET", "/v1/schedules?paused=1", "", nil, 400, "invalid", `unknown parameter "paused": this call takes none`},
		{"wrong method on a schedule", "GET", "/v1/schedules/yearly/pause", "", nil, 405, "method_not_allowed", "this path takes POST"},

		{"unknown path", "GET", "/v1/nope", "", nil, 404, "not_found", "no such path; the API is below /v1/"},
		{"wrong method", "DELETE", "/v1/runs", "", nil, 405, "method_not_allowed", "this path takes GET, HEAD"},
		{"wrong method on a start", "GET", start, "", nil, 405, "method_not_allowed", "this path takes POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := c.headers
			if headers == nil {
				headers = []string{"Content-Type", jsonType}
			}
			got := s.do(t, c.method, c.path, c.body, headers...).problem(t)
			want := problem{c.status, c.code, c.detail, http.StatusText(c.status), "application/problem+json"}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(problem{})); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", c.method, c.path, diff)
			}
		})
	}
	if n := len(s.page(t, "").ids); n != 2 {
		t.Errorf("%d runs exist: bad requests started some", n)
	}
	if a := s.do(t, "DELETE", "/v1/runs", ""); a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", a.header.Get("Allow"))
	}
}

// TestChunkedBody: the bound holds when the size is not announced.
func TestChunkedBody(t *testing.T) {
	s := newServer(t, api.Config{MaxBody: 100}, runtime.Config{})
	chunked := func(body string) answer {
		a, err := s.try(t.Context(), "POST", "/v1/workflows/echo/runs?wait=10s", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := chunked(`"` + strings.Repeat("x", 98) + `"`); a.status != http.StatusOK {
		t.Errorf("a body of 100 bytes: %d %s", a.status, a.body)
	}
	if a := chunked(`"` + strings.Repeat("x", 99) + `"`); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 101 bytes: %d %s, want 413", a.status, a.body)
	}
}

// TestBodiesBound: all bodies together are bounded, and what was taken is
// given back.
func TestBodiesBound(t *testing.T) {
	s := newServer(t, api.Config{MaxBody: 100, MaxBodies: 150}, runtime.Config{})
	release, slow := make(chan struct{}), make(chan answer, 1)
	go func() {
		for {
			a, err := s.try(context.Background(), "POST", "/v1/workflows/echo/runs", &lateBody{release})
			if err != nil {
				t.Error(err)
			}
			if err != nil || a.status != http.StatusServiceUnavailable { // else the other came first
				slow <- a
				return
			}
		}
	}()
	body := `"` + strings.Repeat("x", 90) + `"`
	start := func() answer { return s.do(t, "POST", "/v1/workflows/echo/runs", body) }
	eventually(t, "the second body is refused", func() bool {
		a := start()
		return a.status == http.StatusServiceUnavailable && a.get(t, "code") == "overloaded" && a.header.Get("Retry-After") != ""
	})
	close(release)
	if a := <-slow; a.status != http.StatusAccepted {
		t.Errorf("the slow request: %d %s", a.status, a.body)
	}
	eventually(t, "there is room again", func() bool { return start().status == http.StatusAccepted })
}

// lateBody is a body that comes once it is released.
type lateBody struct{ release chan struct{} }

func (b *lateBody) Read(p []byte) (int, error) {
	<-b.release
	return copy(p, "1"), io.EOF
}

func TestWaitingClientsBound(t *testing.T) {
	s := newServer(t, api.Config{MaxWaiting: 1}, runtime.Config{})
	first := make(chan answer, 1)
	go func() {
		a, err := s.try(context.Background(), "POST", "/v1/workflows/gated/runs?id=first&wait=30s", nil)
		if err != nil {
			t.Error(err)
		}
		first <- a
	}()
	eventually(t, "the first client waits", func() bool { return len(s.page(t, "").ids) == 1 })
	second := s.do(t, "POST", "/v1/workflows/echo/runs?id=second&wait=30s", "1")
	if second.status != http.StatusTooManyRequests || second.get(t, "code") != "too_many_waiting" || second.header.Get("Retry-After") == "" {
		t.Errorf("the second client: %d %s, want 429 with Retry-After", second.status, second.body)
	}
	if a := s.do(t, "GET", "/v1/runs/second", ""); a.status != http.StatusNotFound {
		t.Errorf("the refused start made a run: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/workflows/echo/runs", "1"); a.status != http.StatusAccepted {
		t.Errorf("a start that does not wait: %d %s", a.status, a.body)
	}
	close(s.gate)
	if a := <-first; a.status != http.StatusOK || a.get(t, "output") != "through" {
		t.Errorf("the first client: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/workflows/echo/runs?wait=30s", "1"); a.status != http.StatusOK {
		t.Errorf("once the place is free: %d %s", a.status, a.body)
	}
}

// TestClientGone: a client that leaves gives its place back.
func TestClientGone(t *testing.T) {
	s := newServer(t, api.Config{MaxWaiting: 1}, runtime.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := s.try(ctx, "POST", "/v1/workflows/gated/runs?wait=60s", nil)
		gone <- err
	}()
	eventually(t, "the client waits", func() bool { return len(s.page(t, "").ids) == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, "its place is free", func() bool {
		return s.do(t, "POST", "/v1/workflows/echo/runs?wait=10s", "1").status == http.StatusOK
	})
}

// TestClosing: at a shutdown nobody is kept waiting, and nothing new begins.
func TestClosing(t *testing.T) {
	closing := make(chan struct{})
	s := newServer(t, api.Config{Closing: closing}, runtime.Config{})
	waiting := make(chan answer, 1)
	go func() {
		a, err := s.try(context.Background(), "POST", "/v1/workflows/gated/runs?id=w&wait=60s", nil)
		if err != nil {
			t.Error(err)
		}
		waiting <- a
	}()
	eventually(t, "the client waits", func() bool { return len(s.page(t, "?status=running").ids) == 1 })
	close(closing)
	if a := <-waiting; a.status != http.StatusAccepted || a.get(t, "id") != "w" || a.get(t, "status") != "running" {
		t.Errorf("the waiting client: %d %s, want 202", a.status, a.body)
	}
	a := s.do(t, "POST", "/v1/workflows/echo/runs", "1")
	if a.status != http.StatusServiceUnavailable || a.get(t, "code") != "draining" || a.header.Get("Retry-After") == "" {
		t.Errorf("a start: %d %s, want 503 with Retry-After", a.status, a.body)
	}
	if a := s.do(t, "GET", "/v1/runs/w", ""); a.status != http.StatusOK {
		t.Errorf("a look: %d %s, want 200", a.status, a.body)
	}
}

// TestPayloadsStayOut: the log never shows what runs carry.
func TestPayloadsStayOut(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.do(t, "POST", "/v1/workflows/order/runs?wait=10s&label.a=hidden-label", `{"item":"hidden-input","count":1}`)
	s.do(t, "POST", "/v1/workflows/order/runs", `{"item":"hidden-input","count":"hidden-value"}`)
	log := s.log.String()
	if !strings.Contains(log, "/v1/workflows/{name}/runs") {
		t.Fatalf("the log does not show the requests:\n%s", log)
	}
	if strings.Contains(log, "hidden") {
		t.Errorf("the log shows a payload:\n%s", log)
	}
}
