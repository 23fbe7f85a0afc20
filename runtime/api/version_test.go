package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestVersions(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{PinVersion: true})
	s.begun(t, "sleeper", "?id=s", "")
	eventually(t, "it waits", func() bool { return s.status(t, "s") == "waiting" })
	if got := s.page(t, "?version=v-test").ids; cmp.Diff([]string{"s"}, got) != "" {
		t.Errorf("runs of the version: %v", got)
	}
	if got := s.page(t, "?version=v-other").ids; len(got) != 0 {
		t.Errorf("runs of another version: %v", got)
	}
	a := s.do(t, "POST", "/v1/runs/s/version?to=v-other", "")
	if a.status != http.StatusOK || a.get(t, "version") != "v-other" || a.json(t)["pinned"] != true {
		t.Fatalf("set the version: %d %s", a.status, a.body)
	}
	// The next time somebody would have it, it is set aside.
	s.begun(t, "listener", "?id=d", "")
	eventually(t, "it waits", func() bool { return s.status(t, "d") == "waiting" })
	if a := s.do(t, "POST", "/v1/runs/d/version?to=v-other", ""); a.status != http.StatusOK {
		t.Fatalf("set the version: %d %s", a.status, a.body)
	}
	s.do(t, "POST", "/v1/runs/d/messages/word", `"hello"`)
	eventually(t, "it is set aside", func() bool { return s.do(t, "GET", "/v1/runs/d", "").json(t)["aside"] == true })
	stats, _ := s.do(t, "GET", "/v1/stats", "").json(t)["aside"].(map[string]any)
	if d := cmp.Diff(map[string]any{"v-other": 1.0}, stats); d != "" {
		t.Errorf("stats of what was set aside (-want +got):\n%s", d)
	}
	if a := s.do(t, "POST", "/v1/runs/d/version?to=v-test", ""); a.status != http.StatusOK || a.json(t)["aside"] != nil {
		t.Errorf("set the version back: %d %s", a.status, a.body)
	}
	eventually(t, "it waits for the next message", func() bool {
		return len(s.copied(t, "d")) == 2 && s.status(t, "d") == "waiting"
	})
	if a := s.do(t, "POST", "/v1/runs:cancel", `{"version":"v-test","dry_run":true}`); a.json(t)["matched"] != 1.0 {
		t.Errorf("bulk by version: %d %s", a.status, a.body)
	}
	for path, want := range map[string]struct {
		status int
		detail string
	}{
		"/v1/runs/d/version":                                {400, "to is"},
		"/v1/runs/d/version?to=":                            {400, "to is"},
		"/v1/runs/d/version?version=v":                      {400, "unknown parameter"},
		"/v1/runs/d/version?to=" + strings.Repeat("v", 201): {400, "want 1 to 200 bytes"},
		"/v1/runs/nope/version?to=v":                        {404, `run "nope": not found`},
	} {
		if p := s.do(t, "POST", path, "").problem(t); p.status != want.status || !strings.Contains(p.detail, want.detail) {
			t.Errorf("%s: %+v, want %+v", path, p, want)
		}
	}
}
