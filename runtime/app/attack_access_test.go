package app_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stepwell/stepwell/runtime/ui"
)

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// TestEveryRouteAsksWhoItIs: without a token, with a wrong one, with a viewer's,
// and for another site's page nobody gets further than he may, on any route; the
// answer does not tell what is there, and nothing is stored.
func TestEveryRouteAsksWhoItIs(t *testing.T) {
	tg := newTarget(t)
	cookie := []string{"Cookie", "stepwell=" + tg.session(t, adminToken)}
	viewerCookie := []string{"Cookie", "stepwell=" + tg.session(t, viewerToken)}
	rows := tg.rows(t)
	nobody := map[int]bool{http.StatusUnauthorized: true, http.StatusTooManyRequests: true}
	for _, r := range tg.routes {
		if tg.open(r) {
			continue
		}
		var bodies []string
		for _, run := range []string{"done", "waits", "nope"} {
			p := path(r, run, -1, "")
			for _, headers := range [][]string{
				nil, bearer("wrong"), bearer(""), bearer(adminToken[1:]), {"Authorization", adminToken}, {"Authorization", "Basic " + adminToken},
				{"Cookie", "stepwell=" + adminToken}, {"Cookie", "__Host-stepwell=x; stepwell="}, {"X-Role", "admin"}, {"X-Forwarded-For", "127.0.0.1"}, {"Host", "localhost"},
			} {
				a := tg.send(t, r.Method, p, "{}", headers...)
				if tg.check(t, a); !nobody[a.status] {
					t.Errorf("%s: %d, want 401", a.what, a.status)
				}
				if headers == nil {
					bodies = append(bodies, a.body)
				}
			}
			if a := tg.send(t, r.Method, p, "{}", "Accept", "text/html"); a.status != 401 {
				t.Errorf("%s: %d, want 401", a.what, a.status)
			} else {
				tg.check(t, a)
			}
			reads := r.Method == "GET" || r.Method == "HEAD"
			for _, headers := range [][]string{bearer(viewerToken), viewerCookie} {
				a := tg.send(t, r.Method, p, "{}", headers...)
				tg.check(t, a)
				if a.status == 401 || a.status != 403 && !reads || a.status == 403 && reads && !tg.asks(r) {
					t.Errorf("%s: a viewer gets %d", a.what, a.status)
				}
			}
			if reads {
				continue
			}
			for _, foreign := range [][]string{{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
				for _, who := range [][]string{nil, bearer(adminToken), cookie} {
					a := tg.send(t, r.Method, p, "{}", append(foreign, who...)...)
					if tg.check(t, a); a.status != http.StatusForbidden {
						t.Errorf("%s: %d, want 403", a.what, a.status)
					}
				}
			}
		}
		if bodies[0] != bodies[1] || bodies[0] != bodies[2] {
			t.Errorf("%s %s tells nobody in particular what is there: %q", r.Method, r.Path, bodies)
		}
		// Another method, however it is named.
		for _, method := range []string{"PUT", "TRACE", "CONNECTX", "get", "PROPFIND", "OPTIONS"} {
			a := tg.send(t, method, path(r, "waits", -1, ""), "{}", bearer(viewerToken)...)
			if tg.check(t, a); a.status != 403 && a.status != 405 {
				t.Errorf("%s: %d, want 403 or 405", a.what, a.status)
			}
			a = tg.send(t, r.Method, path(r, "waits", -1, ""), "{}", append([]string{"X-HTTP-Method-Override", method}, bearer(viewerToken)...)...)
			tg.check(t, a)
		}
	}
	if now := tg.rows(t); now != rows {
		t.Errorf("rows before and after:\n%s\n%s", rows, now)
	}
	// None of this was refused for another reason.
	for _, r := range tg.routes {
		for _, headers := range [][]string{bearer(adminToken), cookie} {
			if tg.open(r) {
				continue
			}
			if a := tg.send(t, r.Method, path(r, "nope", -1, ""), "{}", headers...); a.status == 401 || a.status == 403 {
				t.Errorf("%s: an admin gets %d: %s", a.what, a.status, a.body)
			} else {
				tg.check(t, a)
			}
		}
	}
}

// asks tells whether a page only asks for what it then posts: it may be kept
// from a viewer.
func (tg *target) asks(r ui.Route) bool {
	return slices.Contains(tg.routes, ui.Route{Method: http.MethodPost, Path: r.Path})
}

// session logs in and returns the session's id.
func (tg *target) session(t *testing.T, token string) string {
	t.Helper()
	a := tg.send(t, "POST", "/ui/login", url.Values{"token": {token}}.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		return c.Value
	}
	t.Fatalf("no session: %d %s", a.status, a.body)
	return ""
}

// TestPathsThatAreNotClean lead nowhere that the clean ones do not.
func TestPathsThatAreNotClean(t *testing.T) {
	tg := newTarget(t)
	for _, p := range []string{
		"//v1/runs", "/v1//runs", "/v1/./runs", "/v1/../v1/runs", "/ui/../v1/runs", "/v1/ping/../runs", "/v1/ping/%2e%2e/runs", "/ui/assets/../runs",
		"/ui/assets/..%2fruns", "/ui/assets/%2e%2e/runs", "/ui/assets/..", "/ui/assets//../../v1/runs", "/open/../v1/runs", "/open/..;/v1/runs", "/v1/ping;/../runs", "/%76%31/runs",
		"/V1/runs", "/v1/runs/", "/v1/runs%00", "/v1%2fruns", "/ui/assets/..%5c..%5cruns", "/ui/login/../runs", "/ui/login/%2e%2e/runs", "/ui/logout/../runs", "/v1/ping/", "/open/", "/ui/login/",
	} {
		a := tg.send(t, "GET", p, "")
		if a.status != 401 && a.status != 404 && a.status != 400 {
			t.Errorf("GET %s without a token: %d to %q, %.200s", p, a.status, a.header.Get("Location"), a.body)
		}
		a = tg.send(t, "POST", p, "{}", bearer(viewerToken)...)
		if a.status != 403 && a.status != 404 && a.status != 400 && a.status != 405 {
			t.Errorf("POST %s by a viewer: %d to %q", p, a.status, a.header.Get("Location"))
		}
	}
	for _, p := range []string{"/ui/assets/../../../../etc/passwd", "/ui/assets/..%2f..%2f..%2f..%2fetc%2fpasswd", "/ui/assets/%2e%2e/ui.go", "/ui/assets/", "/ui/assets/style.css/../../x", "/ui/../../etc/passwd"} {
		for _, who := range [][]string{nil, bearer(adminToken)} {
			if a := tg.send(t, "GET", p, "", who...); a.status == 200 {
				t.Errorf("GET %s: %d %.200s", p, a.status, a.body)
			}
		}
	}
}
