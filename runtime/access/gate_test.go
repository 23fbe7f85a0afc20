package access_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime/access"
)

const (
	adminSecret  = "f3504b423fb38a63b214b6778bd93b3b"
	viewerSecret = "348a9377a6cf9bd2cf16ee57e55b01a4"
	weakSecret   = "geheim"
)

func tokens() []access.Token {
	return []access.Token{
		access.NewToken(access.Admin, adminSecret), access.NewToken(access.Viewer, viewerSecret), access.NewToken(access.Admin, weakSecret),
	}
}

// gate is one before a handler that answers with the role and the path.
func gate(cfg access.Config) http.Handler {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return access.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", access.RoleOf(r), r.URL.Path)
	}), cfg)
}

// loginPage shows what it was given, each on a line.
func loginPage(w http.ResponseWriter, status int, l access.Login) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "login\n%s\n%s\n%s", l.Action, l.Next, l.Problem)
}

// request has headers as name and value in turn; the host is Host's.
func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

func TestRoles(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Open: []string{"/open", "/"}})
	admin, viewer := bearer(adminSecret), bearer(viewerSecret)
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
		role         string
	}{
		{"GET", "/v1/runs", nil, 401, ""}, {"GET", "/ui/", nil, 401, ""}, {"GET", "/own", nil, 401, ""}, {"POST", "/v1/runs:cancel", nil, 401, ""},
		{"GET", "/v1/runs", bearer("wrong"), 401, ""}, {"GET", "/v1/runs", bearer(adminSecret + "x"), 401, ""}, {"GET", "/v1/runs", bearer(""), 401, ""},
		{"GET", "/v1/runs", []string{"Authorization", adminSecret}, 401, ""}, {"GET", "/v1/runs", []string{"Authorization", "Basic " + adminSecret}, 401, ""},
		{"GET", "/v1/runs", admin, 200, "admin"}, {"POST", "/v1/runs:cancel", admin, 200, "admin"}, {"GET", "/own", admin, 200, "admin"},
		{"GET", "/v1/runs", []string{"Authorization", "bearer  " + adminSecret}, 200, "admin"},
		{"GET", "/v1/runs", viewer, 200, "viewer"}, {"HEAD", "/v1/runs", viewer, 200, "viewer"}, {"GET", "/ui/runs", viewer, 200, "viewer"}, {"GET", "/ui", viewer, 200, "viewer"},
		{"POST", "/v1/runs:cancel", viewer, 403, ""}, {"DELETE", "/v1/runs/x", viewer, 403, ""}, {"PATCH", "/v1/queues/x", viewer, 403, ""},
		{"POST", "/ui/runs/x/cancel", viewer, 403, ""}, {"OPTIONS", "/v1/runs", viewer, 403, ""}, {"BREW", "/v1/runs", viewer, 403, ""},
		{"GET", "/own", viewer, 403, ""}, {"GET", "/v1", viewer, 200, "viewer"}, {"GET", "/v11/x", viewer, 403, ""}, {"GET", "/uis", viewer, 403, ""},
		// Wherever a router would take it.
		{"GET", "/v1/../own", viewer, 404, ""}, {"GET", "/v1/%2e%2e/own", admin, 404, ""}, {"GET", "//v1/runs", viewer, 404, ""}, {"GET", "/ui/../v1/runs", admin, 404, ""},
		{"GET", "/v1/runs//x", admin, 404, ""}, {"GET", "/own/../v1/runs", nil, 404, ""}, {"GET", "/open/../own", nil, 401, ""}, {"GET", "/v1/runs/", viewer, 200, "viewer"},
		{"GET", "/open", nil, 200, ""}, {"GET", "/", nil, 200, ""}, {"GET", "/v1/ping", nil, 200, ""}, {"GET", "/ui/assets/a/b.css", nil, 200, ""},
		{"GET", "/open/more", nil, 401, ""}, {"GET", "/v1/ping/", nil, 401, ""}, {"GET", "/v1/../open", nil, 404, ""}, {"GET", "/ui/assets/../runs", nil, 404, ""},
		{"GET", "/ui/assets/%2e%2e/runs", nil, 404, ""}, {"GET", "/ui/assetsx", nil, 401, ""},
		{"GET", "/v1/runs", append(admin, viewer...), 400, ""},
	} {
		w := do(h, request(c.method, c.path, "", c.headers...))
		if w.Code != c.want || w.Code == 200 && !strings.HasPrefix(w.Body.String(), c.role+" ") {
			t.Errorf("%s %s with %v: %d %q, want %d as %q", c.method, c.path, c.headers, w.Code, w.Body, c.want, c.role)
		}
		if w.Code >= 400 {
			checkProblem(t, w)
		}
	}
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var p struct {
		Status       int
		Code, Detail string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" || p.Detail == "" {
		t.Errorf("the body of %d is no problem: %v %q", w.Code, err, w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type of a problem: %q", ct)
	}
	if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Error("401 without WWW-Authenticate")
	}
}

// TestOwnAuthentication: a function of the user's decides.
func TestOwnAuthentication(t *testing.T) {
	h := gate(access.Config{Prefix: "/in/side/", Login: loginPage, Role: func(r *http.Request) access.Role { return access.Role(r.Header.Get("X-Role")) }})
	for _, c := range []struct {
		method, path, role string
		want               int
	}{
		{"GET", "/in/side/v1/runs", "", 403}, {"GET", "/in/side/v1/ping", "", 200}, {"GET", "/v1/ping", "", 403}, {"GET", "/in/side/ui/login", "", 403},
		{"GET", "/in/side/v1/runs", "viewer", 200}, {"POST", "/in/side/v1/runs:cancel", "viewer", 403}, {"GET", "/v1/runs", "viewer", 403},
		{"POST", "/in/side/v1/runs:cancel", "admin", 200},
	} {
		if w := do(h, request(c.method, c.path, "", "X-Role", c.role, "Accept", "text/html")); w.Code != c.want {
			t.Errorf("%s %s as %q: %d, want %d", c.method, c.path, c.role, w.Code, c.want)
		}
	}
}

// TestForeignPages: what a page on the web can make a browser send.
func TestForeignPages(t *testing.T) {
	const host = "localhost:8080"
	for _, c := range []struct {
		method, host, header, value string
		want                        int
	}{
		{"GET", "localhost:8080", "", "", 200}, {"GET", "127.0.0.1:8080", "", "", 200}, {"GET", "[::1]:8080", "", "", 200}, {"GET", "127.0.0.1", "", "", 200},
		{"GET", "LOCALHOST", "", "", 200}, {"GET", "[::1]", "", "", 200},
		{"GET", "evil.example:8080", "", "", 421}, {"GET", "localhost.evil.example", "", "", 421}, {"GET", "", "", "", 421}, {"GET", "10.0.0.1", "", "", 421},
		{"GET", "127.0.0.1.evil.example", "", "", 421}, {"GET", "[::1].evil.example", "", "", 421}, {"GET", "0.0.0.0:8080", "", "", 421},
		{"POST", "evil.example:8080", "Sec-Fetch-Site", "same-origin", 421},
		{"POST", host, "", "", 200}, {"POST", host, "Sec-Fetch-Site", "same-origin", 200}, {"POST", host, "Sec-Fetch-Site", "none", 200},
		{"POST", host, "Sec-Fetch-Site", "cross-site", 403}, {"POST", host, "Sec-Fetch-Site", "same-site", 403},
		{"POST", host, "Origin", "http://localhost:8080", 200}, {"POST", host, "Origin", "http://evil.example", 403}, {"POST", host, "Origin", "null", 403},
		{"DELETE", host, "Origin", "http://localhost:3000", 403}, {"GET", host, "Origin", "http://evil.example", 200},
	} {
		r := request(c.method, "/v1/runs", "", "Host", c.host)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := do(gate(access.Config{Local: true}), r)
		if w.Code != c.want {
			t.Errorf("%s to %q, %s %s: %d, want %d", c.method, c.host, c.header, c.value, w.Code, c.want)
		}
		if cors := w.Header().Get("Access-Control-Allow-Origin"); cors != "" {
			t.Errorf("%s to %q allows %q to read", c.method, c.host, cors)
		}
		// With a token any host will do, and another site's page still none.
		r.Header.Set("Authorization", "Bearer "+adminSecret)
		want := c.want
		if want == 421 {
			want = 200
		}
		if w := do(gate(access.Config{Tokens: tokens()}), r); w.Code != want {
			t.Errorf("%s to %q with a token, %s %s: %d, want %d", c.method, c.host, c.header, c.value, w.Code, want)
		}
	}
}

// TestHeaders: on everything that is ours, refusals too; not on the program's
// own, which may need other ones.
func TestHeaders(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	for _, r := range []*http.Request{
		request("GET", "/v1/runs", ""), request("GET", "/v1/runs", "", bearer(adminSecret)...), request("GET", "/v1/ping", ""),
		request("GET", "/ui/", "", "Accept", "text/html"), request("GET", "/ui/login", ""), request("POST", "/ui/login", "token=x"),
		request("POST", "/v1/runs", "", "Origin", "http://evil.example"), request("GET", "/v1/runs?token=x", ""),
	} {
		if w := do(h, r.Clone(t.Context())); w.Header().Get("Cross-Origin-Opener-Policy") != "" {
			t.Errorf("%s %s: a browser that would only complain gets a Cross-Origin-Opener-Policy", r.Method, r.URL)
		}
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := do(h, r)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if got := w.Header().Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s %s: %s is %q, want %s", r.Method, r.URL, name, got, want)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("policy %q is not strict", csp)
		}
	}
	if w := do(h, request("GET", "/own", "", bearer(adminSecret)...)); w.Header().Get("Content-Security-Policy") != "" {
		t.Error("the program's own page was given a policy")
	}
}

func TestTokenInURL(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	for _, q := range []string{"token=" + adminSecret, "limit=1&TOKEN=x", "access_token=x", "%74oken=x", "a;token=x", "token", "Authorization=Bearer+x"} {
		w := do(h, request("GET", "/v1/runs?"+q, "", bearer(adminSecret)...))
		if w.Code != 400 || !strings.Contains(w.Body.String(), "Authorization: Bearer") || strings.Contains(w.Body.String(), adminSecret) {
			t.Errorf("?%s: %d %q, want 400 with a hint", q, w.Code, w.Body)
		}
	}
	for _, q := range []string{"", "label.token=x", "q=token", "tokens=1"} {
		if w := do(h, request("GET", "/v1/runs?"+q, "", bearer(adminSecret)...)); w.Code != 200 {
			t.Errorf("?%s: %d, want 200", q, w.Code)
		}
	}
	if w := do(h, request("GET", "/own?token=x", "", bearer(adminSecret)...)); w.Code != 200 {
		t.Errorf("a parameter of the program's own: %d, want 200", w.Code)
	}
}

// TestClientAddress: who is behind a proxy of ours is told apart; nobody else
// can say where he comes from.
func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer, forwarded string
		other           string // X-Forwarded-For of somebody else by the same way
		apart           bool
	}{
		{"10.1.1.1:1", "192.0.2.1", "192.0.2.2", true},
		{"[fd00::1]:1", "192.0.2.1", "192.0.2.2", true},
		{"10.1.1.1:1", "192.0.2.1, 10.2.2.2", "192.0.2.2, 10.2.2.2", true},
		{"10.1.1.1:1", "192.0.2.1, 192.0.2.7", "192.0.2.2, 192.0.2.7", false}, // the left one is made up
		{"10.1.1.1:1", "192.0.2.1, x", "192.0.2.2, x", false},
		{"192.0.2.9:1", "192.0.2.1", "192.0.2.2", false}, // no proxy of ours
		{"10.1.1.1:1", "2001:db8::1", "2001:db8::2", false},
		{"10.1.1.1:1", "2001:db8:0:1::1", "2001:db8:0:2::1", true},
		{"10.1.1.1:1", "::ffff:192.0.2.1", "192.0.2.1", false},
		{"nonsense", "", "", false},
	} {
		h := gate(access.Config{Tokens: tokens(), Proxies: proxies})
		show := func(forwarded string) int {
			r := request("GET", "/v1/runs", "", append(bearer("wrong"), "X-Forwarded-For", forwarded)...)
			r.RemoteAddr = c.peer
			return do(h, r).Code
		}
		for range 10 {
			show(c.forwarded)
		}
		if code := show(c.forwarded); code != 429 {
			t.Errorf("%+v: %d after ten wrong tokens, want 429", c, code)
		}
		if code := show(c.other); (code == 401) != c.apart {
			t.Errorf("%+v: the other one gets %d", c, code)
		}
	}
}

// TestBrowserIsSentToLogin: and programs are not.
func TestBrowserIsSentToLogin(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	html := []string{"Accept", "text/html,application/xhtml+xml", "Sec-Fetch-Site", "none"}
	for path, next := range map[string]string{
		"/ui/": "/ui/", "/ui/runs?status=failed&label.a=b%26c": "/ui/runs?status=failed&label.a=b%26c", "/": "/ui/", "/own?x=1": "/ui/", "/ui/runs/a%2Fb": "/ui/runs/a%2Fb",
	} {
		w := do(h, request("GET", path, "", html...))
		to, err := url.Parse(w.Header().Get("Location"))
		if w.Code != 303 || err != nil || to.Path != "/ui/login" || to.Query().Get("next") != next {
			t.Errorf("%s: %d to %q, want 303 to the login and then %s", path, w.Code, to, next)
		}
	}
	// A link on another site: the cookie comes only from a page of ours, so there is one in between.
	for _, site := range []string{"cross-site", "same-site", ""} {
		w := do(h, request("GET", `/ui/runs?q=%22%3E<script>&x='"`, "", "Accept", "text/html", "Sec-Fetch-Site", site))
		page := w.Body.String()
		if w.Code != 401 || !strings.Contains(page, `content="0;url=/ui/login?next=%2Fui%2Fruns%3Fq%3D%2522%253E`) || strings.Contains(page, "<script") || strings.Count(page, `"`) != 10 {
			t.Errorf("from %q: %d %s", site, w.Code, page)
		}
	}
	for _, r := range []*http.Request{
		request("GET", "/ui/", ""), request("GET", "/ui/", "", "Accept", "text/event-stream"), request("GET", "/v1/runs", "", html...), request("POST", "/ui/runs", "", html...),
	} {
		if w := do(h, r); w.Code != 401 {
			t.Errorf("%s %s with Accept %q: %d, want 401", r.Method, r.URL, r.Header.Get("Accept"), w.Code)
		}
	}
	for current, next := range map[string]string{"http://example.com/ui/runs?status=failed": "%2Fui%2Fruns%3Fstatus%3Dfailed", "https://evil.example//evil.example": "%2Fui%2F", "": "%2Fui%2F", "%": "%2Fui%2Fpart"} {
		w := do(h, request("GET", "/ui/part", "", "Accept", "text/html", "HX-Request", "true", "HX-Current-URL", current))
		if w.Code != 401 || w.Header().Get("HX-Redirect") != "/ui/login?next="+next {
			t.Errorf("a part of the page %q: %d, sent to %q", current, w.Code, w.Header().Get("HX-Redirect"))
		}
	}
}
