package access_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime/access"
)

func loginForm(secret, next string, headers ...string) *http.Request {
	form := url.Values{"token": {secret}, "next": {next}}
	return request("POST", "/ui/login", form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// logIn returns the cookie.
func logIn(t *testing.T, h http.Handler, secret string, headers ...string) *http.Cookie {
	t.Helper()
	w := do(h, loginForm(secret, "", headers...))
	cookies := w.Result().Cookies()
	if w.Code != 303 || len(cookies) != 1 {
		t.Fatalf("login: %d with %d cookies: %s", w.Code, len(cookies), w.Body)
	}
	return cookies[0]
}

func with(r *http.Request, c *http.Cookie) *http.Request {
	r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	return r
}

func TestLogin(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	w := do(h, request("GET", "/ui/login?next=/ui/runs", ""))
	if w.Code != 200 || w.Body.String() != "login\n/ui/login\n/ui/runs\n" {
		t.Errorf("the page: %d %q", w.Code, w.Body)
	}
	for secret, want := range map[string]int{"": 400, "wrong": 401, adminSecret + " ": 401} {
		w := do(h, loginForm(secret, "/ui/runs"))
		if w.Code != want || len(w.Result().Cookies()) > 0 || !strings.HasPrefix(w.Body.String(), "login\n/ui/login\n/ui/runs\n") || strings.HasSuffix(w.Body.String(), "\n") {
			t.Errorf("login with %q: %d %q, want %d and the page with what was wrong", secret, w.Code, w.Body, want)
		}
	}
	w = do(h, loginForm(viewerSecret, "/ui/runs?status=failed"))
	if w.Code != 303 || w.Header().Get("Location") != "/ui/runs?status=failed" {
		t.Errorf("login: %d to %q", w.Code, w.Header().Get("Location"))
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.Domain != "" || len(c.Value) < 43 {
		t.Errorf("cookie: %v", c)
	}
	for path, want := range map[string]string{"/ui/": "viewer /ui/", "/v1/runs": "viewer /v1/runs"} {
		if w := do(h, with(request("GET", path, ""), c)); w.Body.String() != want {
			t.Errorf("%s with the cookie: %d %q", path, w.Code, w.Body)
		}
	}
	if w := do(h, with(request("POST", "/v1/runs:cancel", ""), c)); w.Code != 403 {
		t.Errorf("a viewer's cookie changes something: %d", w.Code)
	}
	if w := do(h, with(request("GET", "/ui/login?next=/ui/queues", ""), c)); w.Code != 303 || w.Header().Get("Location") != "/ui/queues" {
		t.Errorf("the login page, logged in: %d to %q", w.Code, w.Header().Get("Location"))
	}
	// What is shown counts, and not the cookie beside it.
	if w := do(h, with(request("GET", "/v1/runs", "", bearer("wrong")...), c)); w.Code != 401 {
		t.Errorf("a wrong token beside the cookie: %d, want 401", w.Code)
	}
}

func TestLogout(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	c, other := logIn(t, h, adminSecret), logIn(t, h, adminSecret)
	if w := do(h, with(request("GET", "/ui/logout", ""), c)); w.Code != 405 {
		t.Errorf("GET of the logout: %d, want 405", w.Code)
	}
	if w := do(h, with(request("POST", "/ui/logout", "", "Origin", "http://evil.example"), c)); w.Code != 403 {
		t.Errorf("logout by another site: %d, want 403", w.Code)
	}
	w := do(h, with(request("POST", "/ui/logout", ""), c))
	if gone := w.Result().Cookies(); w.Code != 303 || w.Header().Get("Location") != "/ui/login" || len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Name != c.Name {
		t.Errorf("logout: %d to %q with %v", w.Code, w.Header().Get("Location"), gone)
	}
	if w := do(h, with(request("GET", "/v1/runs", ""), c)); w.Code != 401 {
		t.Errorf("the cookie after the logout: %d, want 401", w.Code)
	}
	if w := do(h, with(request("GET", "/v1/runs", ""), other)); w.Code != 200 {
		t.Errorf("another session after the logout: %d, want 200", w.Code)
	}
	// A login over an old one leaves no old one behind.
	if w := do(h, with(loginForm(adminSecret, ""), other)); w.Code != 303 {
		t.Fatalf("login: %d", w.Code)
	}
	if w := do(h, with(request("GET", "/v1/runs", ""), other)); w.Code != 401 {
		t.Errorf("the cookie before another login: %d, want 401", w.Code)
	}
}

// TestLogoutEndsStreams: a page that is pushed changes stops with its session,
// and another's does not.
func TestLogoutEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := access.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			access.Config{Tokens: tokens(), Login: loginPage})
		watch := func(c *http.Cookie) (ended chan struct{}, stop func()) {
			ctx, stop := context.WithCancel(t.Context())
			ended = make(chan struct{})
			go func() {
				do(h, with(request("GET", "/v1/runs:watch", ""), c).WithContext(ctx))
				close(ended)
			}()
			return ended, stop
		}
		c, other := logIn(t, h, adminSecret), logIn(t, h, adminSecret)
		ended, _ := watch(c)
		goesOn, stop := watch(other)
		synctest.Wait()
		do(h, with(request("POST", "/ui/logout", ""), c))
		<-ended
		synctest.Wait()
		select {
		case <-goesOn:
			t.Error("another session's stream ended")
		default:
		}
		stop()
		<-goesOn
		// A session is over at the latest after a week, however much it is used.
		last, _ := watch(other)
		began := time.Now()
		<-last
		if took := time.Since(began); took != 7*24*time.Hour {
			t.Errorf("a stream ended after %v", took)
		}
	})
}

// TestSessionsEnd with time, used or not, and the oldest with too many.
func TestSessionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens(), Login: loginPage})
		valid := func(c *http.Cookie) bool { return do(h, with(request("GET", "/v1/runs", ""), c)).Code == 200 }
		idle, used := logIn(t, h, adminSecret), logIn(t, h, adminSecret)
		for range 12 {
			time.Sleep(time.Hour)
			if !valid(used) {
				t.Fatal("a session in use ended")
			}
		}
		if valid(idle) {
			t.Error("a session that was unused for 12 hours is still valid")
		}
		for range 7 * 24 {
			time.Sleep(time.Hour)
			valid(used)
		}
		if valid(used) {
			t.Error("a session of a week is still valid")
		}
		first := logIn(t, h, adminSecret)
		time.Sleep(time.Second)
		second := logIn(t, h, adminSecret)
		time.Sleep(time.Second)
		valid(first)
		for range 999 {
			time.Sleep(time.Second)
			logIn(t, h, adminSecret)
		}
		if valid(second) || !valid(first) {
			t.Error("of too many sessions not the one ended that was unused for longest")
		}
	})
}

// TestStreamIsUse: no session ends while a page is pushed changes, but 12 hours
// after that it does.
func TestStreamIsUse(t *testing.T) {
	for _, idle := range []time.Duration{12*time.Hour - time.Second, 12 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			h := access.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/runs:watch" {
					<-r.Context().Done()
				}
			}), access.Config{Tokens: tokens(), Login: loginPage})
			c := logIn(t, h, adminSecret)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan struct{})
			go func() {
				do(h, with(request("GET", "/v1/runs:watch", ""), c).WithContext(ctx))
				close(ended)
			}()
			time.Sleep(24 * time.Hour)
			logIn(t, h, adminSecret) // clears away what is over
			synctest.Wait()
			select {
			case <-ended:
				t.Error("the stream ended, and with it the session")
			default:
			}
			stop()
			<-ended
			time.Sleep(idle)
			w := do(h, with(request("GET", "/v1/runs", ""), c))
			if valid, want := w.Code == 200, idle < 12*time.Hour; valid != want {
				t.Errorf("%v after the stream of a day: valid %v, want %v", idle, valid, want)
			}
		})
	}
}

// TestWatchedStays: of too many sessions none ends that a page is pushed changes
// for, while there are others.
func TestWatchedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := access.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			access.Config{Tokens: tokens(), Login: loginPage})
		c := logIn(t, h, adminSecret)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			do(h, with(request("GET", "/v1/runs:watch", ""), c).WithContext(ctx))
			close(ended)
		}()
		synctest.Wait()
		for range 1001 {
			time.Sleep(time.Second)
			logIn(t, h, adminSecret)
		}
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the session in use had to go")
		default:
		}
		stop()
		<-ended
	})
}

// TestSessionsOfOthersGoOn, however often somebody logs in with another token.
func TestSessionsOfOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := gate(access.Config{Tokens: tokens(), Login: loginPage})
		admin := logIn(t, h, adminSecret)
		var viewers []*http.Cookie
		for range 1001 {
			time.Sleep(time.Second)
			viewers = append(viewers, logIn(t, h, viewerSecret))
		}
		valid := func(c *http.Cookie) bool { return do(h, with(request("GET", "/v1/runs", ""), c)).Code == 200 }
		if !valid(admin) {
			t.Error("viewers have logged the admin out")
		}
		if valid(viewers[0]) || !valid(viewers[1]) || !valid(viewers[1000]) {
			t.Error("of too many sessions of a token not the oldest alone has ended")
		}
	})
}

func TestCookieOverTLS(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	for _, headers := range [][]string{{"X-Forwarded-Proto", "https"}, {"Origin", "https://example.com"}} {
		c := logIn(t, h, adminSecret, headers...)
		if !c.Secure || c.Name != "__Host-stepwell" || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie with %v: %v", headers, c)
		}
		if w := do(h, with(request("GET", "/v1/runs", ""), c)); w.Code != 200 {
			t.Errorf("with the cookie: %d", w.Code)
		}
		w := do(h, with(request("POST", "/ui/logout", ""), c))
		if gone := w.Result().Cookies(); len(gone) != 1 || gone[0].Name != c.Name || !gone[0].Secure {
			t.Errorf("logout: %v", gone)
		}
	}
}

// TestNext: after the login a browser goes to a page of ours, whatever the
// link said that brought it.
func TestNext(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	for next, want := range map[string]string{
		"/ui/runs": "/ui/runs", "/ui/": "/ui/", "/ui": "/ui", "/ui/runs?a=b&c=%2F": "/ui/runs?a=b&c=%2F", "/ui/runs/a%2Fb": "/ui/runs/a%2Fb",
		"": "", "/": "", "/v1/runs": "", "/uix": "", "https://evil.example/ui/": "", "//evil.example/ui/": "", "///evil.example/ui/": "", "/\\evil.example": "",
		"\\\\evil.example/ui/": "", "/ui/..//evil.example": "", "/ui/../v1/runs": "", "/ui/%2e%2e/own": "", "javascript:alert(1)": "", "ui/runs": "", "?x": "",
		"/ui/\r\nSet-Cookie: a=b": "", "/ui/\x00": "", "/ui//evil.example": "", "/ui/login?next=/ui/": "", "/ui/logout": "", "/ui/./login": "", "http:/ui/": "", "http:///ui/": "",
		"/ui/" + strings.Repeat("a", 3000): "", "//user@evil.example/ui/": "", "/ui/%": "", "/ui/\u2028x": "", "/ui/?\x9c": "", "/ui/%E2%80%A8x": "/ui/%E2%80%A8x", "/ui/runs#a": "/ui/runs",
	} {
		if want == "" {
			want = "/ui/"
		}
		w := do(h, request("GET", "/ui/login?next="+url.QueryEscape(next), ""))
		if got := strings.Split(w.Body.String(), "\n")[2]; got != want {
			t.Errorf("page: next %q leads to %q, want %q", next, got, want)
		}
		if w := do(h, loginForm(adminSecret, next)); w.Header().Get("Location") != want {
			t.Errorf("form: next %q leads to %q, want %q", next, w.Header().Get("Location"), want)
		}
	}
}

// TestLoginWithoutTokens: where nobody has to log in.
func TestLoginWithoutTokens(t *testing.T) {
	h := gate(access.Config{Local: true, Login: loginPage})
	for _, r := range []*http.Request{request("GET", "/ui/login?next=/ui/runs", "", "Host", "localhost"), loginForm("x", "/ui/runs", "Host", "localhost")} {
		if w := do(h, r); w.Code != 303 || w.Header().Get("Location") != "/ui/runs" || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d to %q", r.Method, w.Code, w.Header().Get("Location"))
		}
	}
	if w := do(h, request("GET", "/ui/login", "", "Host", "evil.example")); w.Code != 421 {
		t.Errorf("under another name: %d, want 421", w.Code)
	}
}

func TestBadLogins(t *testing.T) {
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, c := range []struct {
		r    *http.Request
		want int
	}{
		{request("POST", "/ui/login", "token="+strings.Repeat("a", 10<<10), form...), 413},
		{request("POST", "/ui/login", "token=%zz", form...), 400},
		{request("POST", "/ui/login", `{"token":"`+adminSecret+`"}`, "Content-Type", "application/json"), 400},
		{request("POST", "/ui/login?next=/ui/", "token="+adminSecret, "Content-Type", "multipart/form-data; boundary=x"), 400},
		{request("PUT", "/ui/login", "token="+adminSecret, form...), 405},
		{request("POST", "/ui/login?token="+adminSecret, "", form...), 400},
		{loginForm(adminSecret, "", "Origin", "http://evil.example"), 403},
	} {
		w := do(h, c.r)
		if w.Code != c.want || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s %s %v: %d, want %d", c.r.Method, c.r.URL.Path, c.r.Header, w.Code, c.want)
		}
	}
}
