package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// The fuzz targets send what clients might, straight to the handler: no panic, no 5xx, each answer as it is
// described, each refusal a problem, and what was accepted comes back as it was sent. Their seeds are tests.

// send gives a request to the handler; headers are name and value in turn.
func (s *server) send(t *testing.T, method, path, query, body string, headers ...string) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := (&http.Request{
		Method: method, URL: &url.URL{Path: path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: cmp.Or(s.host, "localhost"), RemoteAddr: "127.0.0.1:1",
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}).WithContext(ctx)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(&beginning{w, cancel}, req)
	a := answer{status: w.Code, header: w.Header(), body: w.Body.String(), request: req}
	if a.status >= 500 {
		t.Errorf("%s %q ?%q: %d %s", method, path, query, a.status, a.body)
	}
	if a.status == http.StatusMovedPermanently && tidy(path) != path {
		return a
	}
	// What is accepted may be more than is described: a duration of +1s.
	if _, _, err := s.contract.answered(req, a); err != nil {
		t.Errorf("%s %q ?%q %q: %v", method, path, query, headers, err)
	}
	if a.status/100 != 2 && a.status != http.StatusNotModified && a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %q ?%q: %d without a problem: %s", method, path, query, a.status, a.body)
	}
	return a
}

// beginning is a client that leaves once the first events of a stream have come.
type beginning struct {
	*httptest.ResponseRecorder
	leave func()
}

func (b *beginning) Flush() {
	if b.Body.Len() > 0 {
		b.leave()
	}
}

// tidy is a path as the router wants it.
func tidy(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	if c := path.Clean(p); !strings.HasSuffix(p, "/") || c == "/" {
		return c
	} else {
		return c + "/"
	}
}

// compact is JSON without its spaces, as the engine keeps it; empty when it is none.
func sameJSON(a, b []byte) bool {
	var x, y any
	da, db := json.NewDecoder(bytes.NewReader(a)), json.NewDecoder(bytes.NewReader(b))
	da.UseNumber()
	db.UseNumber()
	return da.Decode(&x) == nil && db.Decode(&y) == nil && reflect.DeepEqual(x, y)
}

func FuzzPath(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	ops := slices.DeleteFunc(s.contract.operations(), func(op describedOp) bool { return !strings.Contains(op.path, "{") })
	slices.SortFunc(ops, func(a, b describedOp) int { return strings.Compare(a.id, b.id) })
	for i, name := range []string{"a", "", "a b", "../..", "a/../../ping", "%2e%2e", "x\r\nSet-Cookie: a=b", "\x00", "<script>", "ä", strings.Repeat("x", 300), "'; DROP TABLE runs"} {
		for j := range 8 {
			f.Add(uint8(8*i+j), name, name)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, first, second string) {
		op := ops[int(which)%len(ops)]
		p := op.path
		for _, v := range []string{first, second} {
			if at, end := strings.IndexByte(p, '{'), strings.IndexByte(p, '}'); at >= 0 {
				p = p[:at] + strings.NewReplacer("{", "(", "}", ")").Replace(v) + p[end+1:]
			}
		}
		s.send(t, op.method, p, "", "1")
	})
}

func FuzzQuery(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	s.begun(f, "order", "?id=seed&wait=10s", "{}")
	for _, q := range []string{
		"", "status=failed,stuck&status=queued", "since=1h&until=2026-01-31T12:00:00+01:00", "limit=0", "limit=1e3", "limit=0x10", "cursor=djE6YQ", "cursor=%00",
		"label.a=b&label.c=d", "label.=x", "label.a%0Ab=c", "queue=", "queue=one&partition=p", "dedup=a&on_duplicate=reject", "debounce=a&quiet=1s&max_wait=2s",
		"delay=1h&priority=-3&deadline=2h", "delay=-1s", "delay=9999999999h", "delay=2562047h47m16.854775807s", "deadline=9999-12-31T23:59:59Z", "deadline=2026-02-30T00:00:00Z",
		"since=1h&since=2h", "a=1;b=2", "%zz", "id=a&id=b", "id=" + strings.Repeat("x", 201), "step=4.0.2", "step=..", "offset=9223372036854775807", "to=v2", "to=",
		"priority=99999999999999999999", "wait=0s", "parent=seed", "version=%ff", "label.%ff=%ff", "label.b=%fa", "since=0000-01-01T00:00:00Z", "until=292277026596h",
	} {
		for which := range uint8(8) {
			f.Add(which, q)
		}
	}
	calls := []struct{ method, path string }{
		{"GET", "/v1/runs"}, {"POST", "/v1/workflows/sleeper/runs"}, {"POST", "/v1/runs/seed/fork"},
		{"GET", "/v1/runs/seed/streams/s"}, {"POST", "/v1/runs/seed/version"}, {"POST", "/v1/schedules/yearly/trigger"},
		{"GET", "/v1/runs:watch"}, {"GET", "/v1/runs/seed/watch"},
	}
	f.Fuzz(func(t *testing.T, which uint8, query string) {
		if strings.Contains(query, "wait=") && !strings.Contains(query, "wait=0s") {
			return // that takes time
		}
		c := calls[int(which)%len(calls)]
		a := s.send(t, c.method, c.path, query, "")
		if c.method != "POST" || a.status/100 != 2 || strings.Contains(c.path, "version") {
			return
		}
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatalf("a malformed query was accepted: %q", query)
		}
		// The same key gives the run of an earlier start, which may have had other labels.
		if q.Has("id") || q.Has("dedup") || q.Has("debounce") {
			return
		}
		run := s.send(t, "GET", "/v1/runs/"+a.get(t, "id"), "", "").json(t)
		labels, _ := run["labels"].(map[string]any)
		for key := range q {
			if name, ok := strings.CutPrefix(key, "label."); ok && labels[name] != q.Get(key) {
				t.Errorf("label %q is %q, stored as %q", name, q.Get(key), labels[name])
			}
		}
		if n, err := strconv.Atoi(q.Get("priority")); q.Has("priority") && (err != nil || run["priority"] != float64(n)) {
			t.Errorf("priority %q is stored as %v", q.Get("priority"), run["priority"])
		}
	})
}

func FuzzInput(f *testing.F) {
	s := newServer(f, api.Config{MaxBody: 10_000}, runtime.Config{})
	for _, body := range []string{
		"", "1", "null", `{"item":"tea","count":3}`, `{"count":1e400}`, `{"count":1.5}`, `{"count":"3"}`, `{"item":"\ud800"}`, `{"a":1,"a":2}`, "[", "\"\xff\"", "\xef\xbb\xbf1", `{"item":"` + "\x00" + `"}`,
		strings.Repeat("[", 9_999), strings.Repeat("x", 10_001), " 1 ", "1 2", "1e999", "-0", "123456789012345678901234567890", `{"count":9223372036854775808}`, `"</script>\u2028"`,
	} {
		f.Add(body, "application/json")
	}
	for _, media := range []string{"", "text/plain", "application/json; charset=utf-8", "application/json; charset=x", "application/vnd.x+json", ";", "a/b; q=\"", "application/json\r\n"} {
		f.Add("1", media)
	}
	f.Fuzz(func(t *testing.T, body, media string) {
		for _, workflow := range []string{"gated", "order"} {
			a := s.send(t, "POST", "/v1/workflows/"+workflow+"/runs", "delay=1h", body, "Content-Type", media)
			if a.status/100 != 2 {
				continue
			}
			run := s.send(t, "GET", "/v1/runs/"+a.get(t, "id"), "", "")
			var v struct{ Input json.RawMessage }
			if err := json.Unmarshal([]byte(run.body), &v); err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSpace(body); !sameJSON(v.Input, []byte(want)) && (want != "" || v.Input != nil) {
				t.Errorf("input %q is stored as %q", body, v.Input)
			}
		}
	})
}

func FuzzBulk(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	for _, body := range []string{
		`{}`, `{"all":true}`, `{"status":"failed","label":{"a":"b"},"since":"1h","until":"2026-01-31T12:00:00Z","limit":3}`, `{"status":["failed","stuck"],"dry_run":true}`, `{"queue":""}`, `{"queue":null}`,
		`{"limit":-1}`, `{"limit":9223372036854775807,"all":true}`, `{"cursor":"djE6YQ","all":true}`, `{"cursor":"x"}`, `{"since":"\u0000"}`, `[]`, `null`, `{"ALL":true}`, `{"all":true}{}`, `{"status":[null]}`, `{"status":5}`, `{"workflow":"\ud800"}`, "",
	} {
		f.Add(uint8(0), body)
		f.Add(uint8(1), body)
		f.Add(uint8(2), body)
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		verb := []string{"cancel", "resume", "delete"}[which%3]
		a := s.send(t, "POST", "/v1/runs:"+verb, "", body)
		var filter map[string]any
		if a.status == http.StatusOK && json.Unmarshal([]byte(body), &filter) == nil {
			if dry, _ := filter["dry_run"].(bool); dry && a.json(t)["changed"] != 0.0 {
				t.Errorf("%s %s: a dry run changed runs: %s", verb, body, a.body)
			}
		}
	})
}

func FuzzBackfill(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	for _, body := range []string{
		`{"from":"2020-01-01T00:00:00Z","until":"2022-06-01T00:00:00+02:00"}`, `{"from":"24h"}`, `{"from":"9223372036s"}`, `{"from":"1970-01-01T00:00:00Z","until":"9999-12-31T23:59:59Z"}`,
		`{"from":"0001-01-01T00:00:00Z"}`, `{"from":1}`, `{"from":"1h","until":"2h"}`, `{"from":"2020-01-01T00:00:00+25:00"}`, `{"until":"1h"}`, `[]`, ``, `{"from":"1h","x":1}`, `{"from":" 1h"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		a := s.send(t, "POST", "/v1/schedules/yearly/backfill", "", body)
		if a.status != http.StatusAccepted {
			return
		}
		if again := s.send(t, "POST", "/v1/schedules/yearly/backfill", "", body); again.status != http.StatusAccepted || again.json(t)["created"] != 0.0 {
			t.Errorf("%s again: %d %s", body, again.status, again.body)
		}
	})
}

func FuzzQueueSettings(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	for _, body := range []string{
		`{}`, `{"paused":true}`, `{"concurrency":5,"per_executor":2,"rate":"10/1m+3"}`, `{"partition_concurrency":1,"partition_rate":"5/1h"}`, `{"rate":""}`, `{"rate":"1/1ns"}`, `{"rate":"1000000/1ms+1000000"}`,
		`{"rate":"-1/1s"}`, `{"rate":"1/"}`, `{"rate":null}`, `{"concurrency":-1}`, `{"concurrency":1e3}`, `{"concurrency":9223372036854775807}`, `null`, `[]`, ``, `{}{}`, `{"Paused":true}`, `{"rate":"01/1h0m0s+0"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s.send(t, "POST", "/v1/queues/one/reset", "", "")
		a := s.send(t, "PATCH", "/v1/queues/one", "", body)
		if a.status != http.StatusOK {
			return
		}
		// What is answered can be sent again, and changes nothing.
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"name", "depth", "running", "changed", "defined"} {
			delete(got, name)
		}
		same, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if again := s.send(t, "PATCH", "/v1/queues/one", "", string(same)); again.status != http.StatusOK || again.body != a.body {
			t.Errorf("%s gives %s, which sent again gives %d %s", body, a.body, again.status, again.body)
		}
	})
}

func FuzzMessage(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	s.begun(f, "teller", "?id=seed&delay=1h", "")
	for _, c := range [][3]string{
		{"go", "k", "1"}, {"go", `"k"`, "null"}, {"go", "", ""}, {"$x", "k", "1"}, {"go", "a b", "1"}, {"go", strings.Repeat("k", 201), "{"}, {"\r\n", "\r\nX: y", "\x00"}, {"go", `"`, "1"}, {"go", `""`, "1"}, {"go", "a/b", "[[[["},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, topic, key, body string) {
		if strings.Contains(topic, "/") {
			return // another path
		}
		a := s.send(t, "POST", "/v1/runs/seed/messages/"+topic, "", body, "Idempotency-Key", key)
		if a.status/100 != 2 {
			return
		}
		if again := s.send(t, "POST", "/v1/runs/seed/messages/"+topic, "", body, "Idempotency-Key", key); again.status != http.StatusOK || again.json(t)["new"] != false {
			t.Errorf("topic %q, key %q: sent again: %d %s", topic, key, again.status, again.body)
		}
		s.send(t, "POST", "/v1/runs/seed/updates/"+topic, "wait=0s", body, "Idempotency-Key", key)
	})
}

func FuzzHeaders(f *testing.F) {
	s := newServer(f, api.Config{}, runtime.Config{})
	s.begun(f, "order", "?id=seed&wait=10s", "{}")
	for _, c := range [][3]string{
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a", "0"}, {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "", "-1"}, {"ff-", `"a"`, "x"},
		{"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01-x", "\r\n", "9223372036854775807"}, {strings.Repeat("0", 1000), strings.Repeat("a", 1000), strings.Repeat("9", 100)},
	} {
		f.Add(c[0], c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, trace, key, last string) {
		a := s.send(t, "POST", "/v1/workflows/gated/runs", "delay=1h", "", "traceparent", trace)
		if id := a.get(t, "trace_id"); a.status != http.StatusAccepted || len(id) != 32 || id == strings.Repeat("0", 32) {
			t.Errorf("traceparent %q: %d %s", trace, a.status, a.body)
		}
		if a := s.send(t, "POST", "/v1/workflows/gated/runs", "delay=1h", "", "Idempotency-Key", key); a.status == http.StatusAccepted {
			if id := a.get(t, "id"); id != key && `"`+id+`"` != key {
				t.Errorf("Idempotency-Key %q: run %q", key, id)
			}
		}
		for _, path := range []string{"/v1/runs/seed/streams/s", "/v1/runs/seed/watch", "/v1/runs:watch"} {
			s.send(t, "GET", path, "", "", "Last-Event-ID", last)
		}
		s.send(t, "GET", "/v1/openapi.json", "", "", "If-None-Match", last)
	})
}
