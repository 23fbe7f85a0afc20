package ui_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store"
)

// TestOverviewIsLive: counts and failures change while one looks.
func TestOverviewIsLive(t *testing.T) {
	s := newSite(t, ui.Config{})
	if a := s.get("/ui/"); !strings.Contains(a.body, "Nothing has run yet") || !strings.Contains(a.body, "curl --json '{}' "+s.url+"/v1/workflows/echo/runs") {
		t.Errorf("the empty overview does not say what to type:\n%s", a.body)
	}
	e := s.watch("/ui/watch")
	e.until("charts", "<svg")
	s.ended("fail", `"the reason"`, runtime.ID("broken"))
	if html := e.until("failures", "the reason"); !strings.Contains(html, "broken") {
		t.Errorf("the failure does not name its run:\n%s", html)
	}
	if a := s.get("/ui/"); strings.Contains(a.body, "Nothing has run yet") || !strings.Contains(a.body, "the reason") {
		t.Errorf("the overview after a run:\n%s", a.body)
	}
}

// TestWhatToType: with tokens the command has one, and a viewer is not told to
// start what they may not.
func TestWhatToType(t *testing.T) {
	role := "admin"
	s := newSite(t, ui.Config{Logout: true, Role: func(*http.Request) string { return role }})
	for _, path := range []string{"/ui/", "/ui/runs"} {
		role = "admin"
		want := `curl -H "Authorization: Bearer $STEPWELL_TOKEN" --json '{}' ` + s.url + "/v1/workflows/echo/runs"
		if pre := find(s.page(path), "pre"); len(pre) == 0 || text(pre[0]) != want {
			t.Errorf("%s does not say %s", path, want)
		}
		if pre := find(s.page("/ui/"), "pre"); len(pre) < 2 || text(pre[1]) != "STEPWELL_URL="+s.url+" stepwell runs start echo" {
			t.Error("the overview does not say what to type for the command line")
		}
		role = "viewer"
		if doc := s.page(path); len(find(doc, "pre")) > 0 || !strings.Contains(text(doc), "An admin starts runs") {
			t.Errorf("%s tells a viewer to start runs", path)
		}
	}
}

// TestOverviewCallsForHelp: what is stuck comes first.
func TestOverviewCallsForHelp(t *testing.T) {
	var broken atomic.Bool
	s := newSite(t, ui.Config{}, runtime.Define("changes", func(ctx context.Context, _ any) (any, error) {
		name := "a"
		if broken.Load() {
			name = "b"
		}
		if _, err := runtime.Step(ctx, name, func(context.Context) (int, error) { return 1, nil }); err != nil {
			return nil, err
		}
		_, err := runtime.Receive[int](ctx, "go", time.Hour)
		return nil, err
	}))
	run := s.start("changes", `1`, runtime.ID("needs-help"))
	for r, err := range s.rt.WatchRun(t.Context(), run.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == store.Waiting {
			break
		}
	}
	broken.Store(true)
	if _, err := s.rt.Send(t.Context(), run.ID, "go", []byte(`1`)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.rt.Wait(t.Context(), run.ID); err != nil || r.Status != store.Stuck {
		t.Fatalf("%v, %v", r.Status, err)
	}
	e := s.watch("/ui/watch")
	if html := e.until("trouble", "1 run needs a person"); !strings.Contains(html, "needs-help") || !strings.Contains(html, "status=stuck") {
		t.Errorf("the call names no run, or leads nowhere:\n%s", html)
	}
}

func TestDemo(t *testing.T) {
	s := newSite(t, ui.Config{Demos: []ui.Demo{
		{Name: "five", Title: "Start five", Start: func(ctx context.Context, rt *runtime.Runtime) (ids []string, err error) {
			for range 5 {
				run, _, err := rt.Start(ctx, "echo", []byte(`1`))
				if err != nil {
					return ids, err
				}
				ids = append(ids, run.ID)
			}
			return ids, nil
		}},
		{Name: "full", Title: "Full", Start: func(context.Context, *runtime.Runtime) ([]string, error) { return nil, runtime.ErrOverloaded }},
	}})
	form := find(s.page("/ui/"), "form", "action", "/ui/demos/five")
	if len(form) != 1 {
		t.Fatal("there is no button")
	}
	a := s.post("/ui/demos/five", nil)
	if a.code != http.StatusSeeOther || a.header.Get("Location") != "/ui/runs?note=started" {
		t.Fatalf("%d to %q", a.code, a.header.Get("Location"))
	}
	doc := s.page(a.header.Get("Location"))
	if n := len(listed(doc)); n != 5 || text(find(doc, "div", "id", "flash")[0]) != "Started." {
		t.Errorf("%d runs are listed, and the note is %q", n, text(find(doc, "div", "id", "flash")[0]))
	}
	if a := s.post("/ui/demos/full", nil); a.code != http.StatusServiceUnavailable || !strings.Contains(a.body, "Nothing was changed") {
		t.Errorf("overloaded: %d\n%s", a.code, a.body)
	}
}

// TestHealthPage shows a document in which much is amiss.
func TestHealthPage(t *testing.T) {
	doc := map[string]any{
		"status": "failing", "reasons": []string{hostile}, "phase": "ready", "memory_mb": 12.5, "uptime_s": 3725.0,
		"runs": map[string]int{"queued": 12345}, "sched_latency_ms": 1.5, "replica": map[string]any{"lag": hostile},
		"store":  map[string]any{"error": hostile, "free_bytes": -1, "log_bytes": 1 << 20, "canary": map[string]any{"ok": false, "error": hostile, "took_ms": 7.0}},
		"traces": map[string]any{"backlog": 3, "error": hostile},
	}
	var broken atomic.Bool
	s := newSite(t, ui.Config{Health: func() []byte {
		if broken.Load() {
			return []byte("{")
		}
		b, err := json.Marshal(doc)
		return append(b, errorText(err)...)
	}})
	main := text(find(s.page("/ui/health"), "main")[0])
	for _, want := range []string{"failing", hostile, "1 h 2 min", "12.5 MB", "12\u202f345", "unknown", "1.0 MiB", "7.0 ms", "1.5 ms"} {
		if !strings.Contains(main, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the page does not say %q:\n%s", want, main)
		}
	}
	if html := s.watch("/ui/watch").until("trouble", "failing"); !strings.Contains(html, "/ui/health") {
		t.Errorf("the overview does not lead to it:\n%s", html)
	}
	broken.Store(true)
	if a := s.get("/ui/health"); a.code != http.StatusServiceUnavailable {
		t.Errorf("without a document: %d", a.code)
	}
	without := newSite(t, ui.Config{})
	if a := without.get("/ui/health"); a.code != http.StatusNotFound || strings.Contains(a.body, `href="/ui/health"`) {
		t.Errorf("without a monitor: %d\n%s", a.code, a.body)
	}
}

func errorText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}
