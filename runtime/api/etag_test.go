package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// TestETags: each read that is described to have a tag is answered 304 to a
// client that shows it, and in full again once something has changed.
func TestETags(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "teller", "?id=seed", "")
	eventually(t, "the run waits, out of memory", func() bool { return s.status(t, "seed") == "waiting" })
	paths := []string{"/v1/runs/seed", "/v1/runs/seed?wait=0s", "/v1/runs", "/v1/runs/seed/steps", "/v1/runs/seed/history", "/v1/workflows", "/v1/queues", "/v1/schedules", "/v1/stats", "/v1/runs/seed/events/begun"}
	tags := map[string]string{}
	for _, path := range paths {
		a := s.do(t, "GET", path, "")
		tag := a.header.Get("ETag")
		tags[path] = tag
		if a.status != http.StatusOK || len(tag) < 8 || a.header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d, ETag %q, Cache-Control %q", path, a.status, tag, a.header.Get("Cache-Control"))
		}
		if path == "/v1/stats" { // which tells the rate of commits, of the last second
			continue
		}
		for _, known := range []string{tag, "W/" + tag, `"other", ` + tag + `, W/"more"`, "*"} {
			if b := s.do(t, "GET", path, "", "If-None-Match", known); b.status != http.StatusNotModified || b.body != "" || b.header.Get("ETag") != tag {
				t.Errorf("%s with %q: %d %q, ETag %q; want 304", path, known, b.status, b.body, b.header.Get("ETag"))
			}
		}
		for _, known := range []string{`"other"`, strings.Trim(tag, `"`), tag[:len(tag)-2] + `"`, `"`, ""} {
			if b := s.do(t, "GET", path, "", "If-None-Match", known); b.status != http.StatusOK || b.body != a.body {
				t.Errorf("%s with %q: %d; want the answer", path, known, b.status)
			}
		}
	}
	if a := s.do(t, "GET", "/v1/stats", "", "If-None-Match", "*"); a.status != http.StatusNotModified {
		t.Errorf("stats: %d", a.status)
	}
	s.do(t, "POST", "/v1/runs/seed/messages/go", "")
	s.do(t, "GET", "/v1/runs/seed?wait=10s", "")
	s.do(t, "POST", "/v1/queues/one/pause", "")
	s.do(t, "POST", "/v1/schedules/yearly/pause", "")
	same := []string{"/v1/workflows", "/v1/runs/seed/events/begun"}
	for _, path := range paths {
		a := s.do(t, "GET", path, "", "If-None-Match", tags[path])
		if want := slices.Contains(same, path); want != (a.status == http.StatusNotModified) {
			t.Errorf("%s after changes: %d %s", path, a.status, a.body)
		}
	}
	if a := s.do(t, "GET", "/v1/runs/none/steps", "", "If-None-Match", "*"); a.status != http.StatusNotFound || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("steps of no run: %d %v", a.status, a.header)
	}
}
