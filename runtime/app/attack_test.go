package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"
	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/runtime/app"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store/sqlite"
)

// hostile is what somebody might put into anything that is shown: in a page it
// would become elements, were it not escaped.
const hostile = `"'><xss x=y></title></textarea></script><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}${7*7}` + "\u202e"

// target is API and UI over runs whose texts are hostile, behind tokens. Its
// engine stands still, so that nothing changes but by requests.
type target struct {
	url    string
	routes []ui.Route
	log    syncBuilder
	db     *sql.DB
	count  *sql.Stmt
	dir    string
	client *http.Client // follows no redirect
}

func newTarget(t *testing.T) *target {
	tg := &target{dir: t.TempDir()}
	file := filepath.Join(tg.dir, "attacked.db")
	log := slog.New(slog.NewTextHandler(&tg.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	waits := runtime.Define("waits", func(ctx context.Context, in any) (any, error) { return in, runtime.Sleep(ctx, time.Hour) })
	defs := []runtime.Definition{
		echo(), waits, runtime.Define("talk", talk), runtime.NewQueue("one", runtime.QueueConfig{Concurrency: 1}),
		runtime.Define("fails", func(ctx context.Context, _ any) (any, error) {
			return runtime.Step(ctx, hostile, func(context.Context) (any, error) { return nil, errors.New(hostile) })
		}),
		runtime.Cron("yearly", "0 3 1 1 *", waits),
	}
	tg.fill(t, file, log, defs)

	st, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := runtime.New(st, runtime.Config{Logger: log, Version: "v-test"}, defs...)
	if err != nil {
		t.Fatal(err)
	}
	cfg := app.HandlerConfig{
		Access: access.Config{Tokens: bothTokens(), Open: []string{"/open"}},
		API:    api.Config{Logger: log, MaxBody: 64 << 10},
		UI: ui.Config{
			Health: func() []byte { return []byte(`{"status":"failing","reasons":[` + quoted(hostile) + `]}`) },
			Demos:  []ui.Demo{{Name: "demo", Title: hostile, Description: hostile, Start: func(context.Context, *runtime.Runtime) ([]string, error) { return nil, nil }}},
		},
	}
	h, err := app.Handler(rt, cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	tg.url = server.URL
	tg.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if tg.db, err = sql.Open("sqlite", "file:"+file+"?mode=ro"); err != nil {
		t.Fatal(err)
	}
	tg.prepareCount(t)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := errors.Join(tg.db.Close(), st.Close()); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(tg.log.String()) {
			if strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") || strings.Contains(line, "does not render") {
				t.Errorf("the log says %.1000s", line)
			}
		}
	})
	tg.routes = routesOf(t, rt, cfg)
	return tg
}

// fill runs an engine until there are runs of all kinds.
func (tg *target) fill(t *testing.T, file string, log *slog.Logger, defs []runtime.Definition) {
	st, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	rt, err := runtime.New(st, runtime.Config{Logger: log, Version: "v-test", Drain: -1}, defs...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	<-rt.Recovered()
	start := func(workflow, id string) {
		t.Helper()
		payload := []byte(`{` + quoted(hostile) + `:` + quoted(hostile) + `}`)
		if _, _, err := rt.Start(ctx, workflow, payload, runtime.ID(id), runtime.Labels(map[string]string{"k": hostile})); err != nil {
			t.Fatal(err)
		}
	}
	start("echo", "done")
	start("fails", "bad")
	start("waits", "waits")
	start("talk", "talk")
	if err := runtime.Send(rt.Context(ctx), "talk", "topic", hostile); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"done": "succeeded", "bad": "failed", "waits": "waiting", "talk": "succeeded"} {
		eventually(t, id+" is "+want, func() bool {
			run, err := rt.Get(ctx, id)
			return err == nil && run.Status.String() == want
		})
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// routesOf asks the routers what they answer, so that a new route is attacked
// at once.
func routesOf(t *testing.T, rt *runtime.Runtime, cfg app.HandlerConfig) []ui.Route {
	t.Helper()
	var routes []ui.Route
	router, ok := api.New(rt, cfg.API).(*mux.Router)
	if !ok {
		t.Fatal("the API's handler is no router any more: have it list its routes, and take them from there")
	}
	err := router.Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := r.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := r.GetMethods()
		if err != nil {
			return nil // answers that the method is wrong
		}
		for _, m := range methods {
			routes = append(routes, ui.Route{Method: m, Path: path})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := len(routes)
	routes = append(routes, ui.New(rt, cfg.UI).Routes()...)
	if n < 40 || len(routes) < n+5 {
		t.Fatalf("only %d and %d routes were found", n, len(routes)-n)
	}
	return append(routes, ui.Route{Method: "GET", Path: "/ui/login"}, ui.Route{Method: "POST", Path: "/ui/login"}, ui.Route{Method: "POST", Path: "/ui/logout"})
}

var variable = regexp.MustCompile(`([^/]*)/\{(\w+)(?::[^}]*)?\}`)

// path puts names that exist into a route's path; of the runs, this one. In
// place of the variable at the index there is a value, escaped; -1: of none.
func path(r ui.Route, run string, index int, value string) string {
	n := -1
	p := variable.ReplaceAllStringFunc(r.Path, func(part string) string {
		m := variable.FindStringSubmatch(part)
		if n++; n == index {
			return m[1] + "/" + value
		}
		name, ok := map[string]string{
			"runs": run, "workflows": "echo", "queues": "one", "schedules": "yearly", "updates": "ask", "streams": "said",
			"events": "heard", "messages": "topic", "demos": "demo",
		}[m[1]]
		if !ok {
			name = "x"
		}
		return m[1] + "/" + name
	})
	if strings.Contains(p, "/updates/") {
		p += "?wait=1ms"
	}
	return p
}

func variables(r ui.Route) int { return len(variable.FindAllString(r.Path, -1)) }

func (tg *target) open(r ui.Route) bool {
	return r.Path == "/v1/ping" || r.Path == "/ui/login" || r.Path == "/ui/logout"
}

// reply is what came back.
type reply struct {
	what   string
	status int
	header http.Header
	body   string
	stream bool // only the beginning of the body
}

// send makes a request, headers as name and value in turn. Of a stream of
// events only the first is read.
func (tg *target) send(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	what := fmt.Sprintf("%s %.120s, body %.60q, headers %.120q", method, path, body, headers)
	req, err := http.NewRequestWithContext(ctx, method, tg.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	// As it stands, and not as a URL is made proper.
	if req.URL.Opaque = path; strings.HasPrefix(path, "//") {
		req.URL.Opaque = "//" + req.URL.Host + path
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Add(headers[i], headers[i+1])
		}
	}
	resp, err := tg.client.Do(req)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return reply{what: what}
	}
	defer resp.Body.Close()
	r := reply{what: what, status: resp.StatusCode, header: resp.Header}
	if r.stream = strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream"); r.stream {
		stop := time.AfterFunc(5*time.Millisecond, cancel)
		defer stop.Stop()
		b := make([]byte, 16<<10)
		n, _ := resp.Body.Read(b)
		r.body = string(b[:n])
		return r
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s: the answer breaks off: %v", what, err)
	}
	r.body = string(b)
	return r
}

// rows counts the rows of each table.
func (tg *target) rows(t *testing.T) string {
	t.Helper()
	var all string
	if err := tg.count.QueryRow().Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// prepareCount makes the statement that does.
func (tg *target) prepareCount(t *testing.T) {
	names, err := tg.db.Query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	if err != nil {
		t.Fatal(err)
	}
	var counts []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, fmt.Sprintf("SELECT '%s ' || count(*) AS n FROM %q", name, name))
	}
	if err := errors.Join(names.Err(), names.Close()); err != nil {
		t.Fatal(err)
	}
	if tg.count, err = tg.db.Prepare("SELECT group_concat(n, ', ') FROM (" + strings.Join(counts, " UNION ALL ") + ")"); err != nil {
		t.Fatal(err)
	}
}

var inside = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error|panic|/root/|/tmp/|(?i:sqlite)|constraint failed|syntax error at|stack`)

// check says what no answer may be, whatever was asked.
func (tg *target) check(t *testing.T, r reply) {
	t.Helper()
	if r.status == 0 || r.status == 400 && r.body == "400 Bad Request" && strings.HasPrefix(r.header.Get("Content-Type"), "text/plain") {
		return // net/http has refused it
	}
	if r.status >= 500 {
		t.Errorf("%s: %d %.300s", r.what, r.status, r.body)
	}
	for _, secret := range []string{adminToken, viewerToken} {
		if strings.Contains(r.body, secret) || strings.Contains(fmt.Sprint(r.header), secret) {
			t.Errorf("%s: the answer holds a token", r.what)
		}
	}
	if r.status >= 400 && (inside.MatchString(r.body) || strings.Contains(r.body, tg.dir)) {
		t.Errorf("%s: %d tells of the inside: %.600s", r.what, r.status, r.body)
	}
	if r.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(r.header.Get("Content-Security-Policy"), "default-src 'none'") || r.header.Get("X-Injected") != "" {
		t.Errorf("%s: headers %v", r.what, r.header)
	}
	if to := r.header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`)) {
		t.Errorf("%s: leads to %q", r.what, to)
	}
	if strings.Contains(r.body, "<xss") && r.stream {
		t.Errorf("%s: an event holds elements that are not ours: %.300q", r.what, r.body)
	}
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	switch {
	case r.body == "" || r.stream:
	case kind == "application/json" || kind == "application/problem+json":
		if !json.Valid([]byte(r.body)) {
			t.Errorf("%s: %d, the body is no JSON: %.300q", r.what, r.status, r.body)
		}
		if r.status >= 400 && kind != "application/problem+json" {
			t.Errorf("%s: %d without a problem: %.300q", r.what, r.status, r.body)
		}
	case kind == "text/html":
		checkPage(t, r)
	default:
		t.Errorf("%s: %d with content type %q, %v: %.200q", r.what, r.status, r.header.Get("Content-Type"), err, r.body)
	}
}

// checkPage looks for what would execute, and for elements that are not ours.
func checkPage(t *testing.T, r reply) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader([]byte(r.body)))
	if err != nil {
		t.Errorf("%s: %v", r.what, err)
		return
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"xss", "iframe", "object", "embed", "base", "style"}, n.Data) {
			t.Errorf("%s: the page has an element %s", r.what, n.Data)
		}
		src := ""
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || a.Key == "style" || a.Key == "srcdoc":
				t.Errorf("%s: <%s %s=%q>", r.what, n.Data, a.Key, a.Val)
			case slices.Contains([]string{"href", "src", "action", "formaction", "hx-get", "hx-post", "sse-connect", "poster", "data"}, a.Key):
				u, err := url.Parse(a.Val)
				if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(a.Val, "//") {
					t.Errorf("%s: <%s %s=%q> leads elsewhere", r.what, n.Data, a.Key, a.Val)
				}
			}
			if a.Key == "src" {
				src = a.Val
			}
		}
		if n.Data == "script" && !strings.HasPrefix(src, "/ui/assets/") {
			t.Errorf("%s: a script from %q", r.what, src)
		}
	}
}
