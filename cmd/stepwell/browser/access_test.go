package browser

import (
	"net/http"
	"slices"
	"testing"
)

const (
	adminSecret  = "browser-test-admin-secret"
	viewerSecret = "browser-test-viewer-secret"
	tokens       = "STEPWELL_TOKENS=admin:" + adminSecret + ",viewer:" + viewerSecret
)

func (p *tab) logIn(secret string) {
	p.t.Helper()
	p.find("heading", "Stepwell")
	p.fill("Token", secret)
	p.press("button", "Log in")
}

func TestLogInAndOut(t *testing.T) {
	s := serveShop(t, "", tokens)
	p := open(t, s)
	p.expect(http.StatusUnauthorized)
	p.open("/ui/runs?status=failed")
	p.at("/ui/login.*")

	p.logIn("browser-test-wrong-secret")
	p.find("alert", "…")
	p.none("heading", "Runs")
	if n := p.answered(http.StatusUnauthorized); n != 1 {
		t.Errorf("the wrong token was answered with %d %d times, want once", http.StatusUnauthorized, n)
	}

	// The way back to where one wanted to go.
	p.logIn(adminSecret)
	p.at(`/ui/runs\?status=failed`)
	p.find("heading", "Runs")
	if cookies := value[string](p, "document.cookie"); cookies != "" {
		t.Errorf("a script can read the session: %q", cookies)
	}
	loads := p.guard.documents()
	p.press("button", "Log out")
	p.at("/ui/login.*")
	if p.guard.documents() == loads {
		t.Error("logged out without a new page")
	}
	p.open("/ui/runs")
	p.at("/ui/login.*")
}

// TestViewer sees everything and is offered no change; what is sent all the same is refused.
func TestViewer(t *testing.T) {
	s := serveShop(t, "", tokens)
	s.token = adminSecret
	s.reaches(s.start("approval", "?id=approval", "null"), "waiting")
	p := open(t, s)
	p.open("/ui/")
	p.logIn(viewerSecret)
	p.find("heading", "Overview")
	p.sees("Viewer")
	for _, path := range viewerPages {
		p.open(path)
		p.settle()
		for _, th := range p.things("button") {
			if th.name != "Log out" && th.name != "Light or dark" && th.name != "Search" && th.name != "Menu" {
				t.Errorf("%s offers a viewer the button %q", path, th.name)
			}
		}
		for _, link := range p.things("link") {
			if slices.Contains([]string{"Cancel", "Resume", "Fork", "Delete", "Send a message", "Pause", "Trigger", "Backfill"}, link.name) {
				t.Errorf("%s offers a viewer the link %q", path, link.name)
			}
		}
		for _, form := range value[[]string](p, `[...document.querySelectorAll("form[method=post]")].map(f => new URL(f.action).pathname)`) {
			if form != "/ui/logout" {
				t.Errorf("%s has a form for a viewer that posts to %s", path, form)
			}
		}
	}
	p.expect(http.StatusForbidden)
	for _, post := range []string{"/ui/runs:do", "/v1/runs/approval/cancel"} {
		status := value[int](p, `(async () => (await fetch("`+post+`", {method: "POST", headers: {"Content-Type": "application/x-www-form-urlencoded"}, body: "do=cancel&all=1"})).status)()`)
		if status != http.StatusForbidden {
			t.Errorf("%s answers a viewer %d, want %d", post, status, http.StatusForbidden)
		}
	}
	if got := s.status("approval"); got != "waiting" {
		t.Errorf("the run is %s after what a viewer sent", got)
	}
}

var viewerPages = []string{"/ui/", "/ui/runs", "/ui/runs/approval", "/ui/workflows", "/ui/workflows/approval", "/ui/queues", "/ui/queues/mail", "/ui/schedules", "/ui/health"}
