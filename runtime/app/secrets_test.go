package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// talk takes payloads in all ways there are, and gives them back.
func talk(ctx context.Context, in any) (any, error) {
	err := runtime.OnUpdate(ctx, "ask", func(ctx context.Context, v string) (string, error) {
		return v, runtime.Write(ctx, "said", v)
	}, runtime.Validate(func(_ context.Context, v string) error {
		if strings.HasPrefix(v, "no") {
			return errors.New("will not hear of it")
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	heard, err := runtime.Receive[any](ctx, "topic", time.Minute)
	if err != nil {
		return nil, err
	}
	if err := runtime.SetEvent(ctx, "heard", heard); err != nil {
		return nil, err
	}
	return runtime.Step(ctx, "repeat", func(context.Context) (any, error) { return []any{in, heard}, nil })
}

// TestNothingSecretIsWritten: no token and no session's id reaches log, traces
// or files, whichever way it is shown; no payload reaches log or traces.
func TestNothingSecretIsWritten(t *testing.T) {
	var traces syncBuilder
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(&traces, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	dir := t.TempDir()
	const wrong, weak, payload = "WRONG-TOKEN-1f0e9d8c7b6a", "weak99", "PAYLOAD-5a4b3c2d"
	p := serve(t, dir, asProgram+"=talk", "STEPWELL_TOKENS=admin:"+adminToken+",viewer:"+viewerToken+",viewer:"+weak, "STEPWELL_LOG_LEVEL=debug",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_BLRP_SCHEDULE_DELAY=50")
	p.token = adminToken

	// Payloads, good and bad.
	p.start("?id=w&wait=10s", `{"for":"1ms"}`)
	// Not one that fails in the workflow's own code: what an error says is that code's own, and logged.
	for _, body := range []string{`"%s"`, `{"%[1]s":"%[1]s"}`, `{"a":"%s"`, `%s`, `{"for":{"%s":1}}`, `["%s"] x`, strings.Repeat("%[1]s", 1<<17)} {
		body = fmt.Sprintf(body, payload)
		for _, workflow := range []string{"echo", "work", "talk", "nowhere"} {
			p.do("POST", "/v1/workflows/"+workflow+"/runs", body)
		}
	}
	p.do("POST", "/v1/workflows/talk/runs?id=talk", `"`+payload+`"`)
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/v1/runs/talk/updates/ask", `"yes ` + payload + `"`}, {"POST", "/v1/runs/talk/updates/ask", `"no ` + payload + `"`},
		{"POST", "/v1/runs/talk/updates/ask", `{"` + payload + `":1}`}, {"POST", "/v1/runs/talk/updates/other?wait=50ms", `"` + payload + `"`},
		{"POST", "/v1/runs/talk/messages/topic", `{"` + payload}, {"POST", "/v1/runs/talk/messages/topic", `"` + payload + `"`},
		{"GET", "/v1/runs/talk?wait=10s", ""}, {"GET", "/v1/runs/talk/events/heard", ""}, {"GET", "/v1/runs/talk/streams/said", ""},
		{"GET", "/v1/runs/talk/history", ""}, {"GET", "/v1/runs/talk/steps", ""}, {"POST", "/v1/runs/talk/fork?step=repeat", ""},
		{"POST", "/v1/runs/talk/messages/topic", `"` + payload + `"`}, {"POST", "/v1/runs:cancel", `{"` + payload + `":1}`}, {"PATCH", "/v1/queues/one", `{"` + payload + `":1}`},
	} {
		p.do(call.method, call.path, call.body)
	}
	if _, run := p.do("GET", "/v1/runs/talk", ""); !strings.Contains(fmt.Sprint(run["output"]), payload) {
		t.Fatalf("the run has not passed its payload on: %v", run)
	}

	// Tokens, right and wrong, where they belong and where not.
	session := ""
	for _, secret := range []string{viewerToken, weak, wrong, wrong, wrong, wrong, wrong, wrong, weak, adminToken} {
		p.token = secret
		for _, path := range []string{"/v1/runs", "/ui/", "/ui/runs", "/closed", "/v1/runs?limit=x", "/v1/runs?token=" + secret, "/v1/runs/" + url.PathEscape("x?token="+secret)} {
			p.do("GET", path, "")
			p.do("DELETE", path, "")
		}
		p.token = ""
		req, err := http.NewRequest("GET", "http://"+p.api+"/ui/?access_token="+secret, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", secret)
		req.AddCookie(&http.Cookie{Name: "stepwell", Value: secret})
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
		b := newBrowser(t, "http://"+p.api)
		b.open("POST", "/ui/login", url.Values{"token": {secret}, "next": {"/ui/?token=" + secret}})
		b.open("POST", "/ui/login?token="+secret, url.Values{})
		b.open("GET", "/ui/", nil)
		u, _ := url.Parse(b.base)
		for _, c := range b.c.Jar.Cookies(u) {
			session = c.Value
		}
		b.open("GET", "/ui/?"+url.Values{"x": {session}}.Encode(), nil)
		b.open("POST", "/ui/logout", url.Values{})
	}
	if len(session) < 43 {
		t.Fatalf("no session was begun: %q", session)
	}
	eventually(t, "traces and log have been shipped", func() bool {
		return strings.Contains(traces.String(), "repeat") && strings.Contains(traces.String(), "wrong token")
	})
	p.signal(9)
	p.ended(10 * time.Second)

	written := map[string]string{"the log": p.logged(), "traces and shipped log": traces.String()}
	files, err := filepath.Glob(filepath.Join(dir, "data", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v; want the database and its log", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		written[f] = string(b)
	}
	if !strings.Contains(written["the log"], `"route":"/v1/workflows/{name}/runs"`) {
		t.Error("the log does not tell of requests: is it at level debug?")
	}
	for where, text := range written {
		for what, secret := range map[string]string{"admin's token": adminToken, "viewer's token": viewerToken, "weak token": weak, "wrong token": wrong, "session": session} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s tells the %s: ...%q", where, what, text[max(0, at-200):at+len(secret)])
			}
		}
		if at := strings.Index(text, payload); at >= 0 && !strings.Contains(where, "stepwell.db") {
			t.Errorf("%s tells a payload: ...%q", where, text[max(0, at-300):at+len(payload)])
		}
	}
}

// syncBuilder is a strings.Builder for several goroutines.
type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
