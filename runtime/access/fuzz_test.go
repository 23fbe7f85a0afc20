package access_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime/access"
)

// FuzzGate: whoever shows no token that is right gets through to nothing but what is open, whatever else the
// request says, and is answered with a refusal. No login leads away from here.
func FuzzGate(f *testing.F) {
	for _, p := range []string{"/v1/runs", "/v1/ping", "/ui/assets/a.css", "/ui/assets/../runs", "/ui/login", "/ui/logout", "/ui//login", "/v1/ping/../runs", "/", "//", "", "/ui/assets/%2e%2e/runs", "/v1/ping\x00"} {
		for _, next := range []string{"/ui/runs?status=failed", "//evil.example", `/\evil.example`, "/ui/../..//evil.example", "https://evil.example", "/ui/\r\nSet-Cookie: a=b", "javascript:alert(1)", "/ui/%0d%0a", "/ui/login?next=x"} {
			f.Add("GET", p, "next="+url.QueryEscape(next), "Bearer x", "stepwell=abc", "localhost")
			f.Add("POST", p, "next="+url.QueryEscape(next)+"&token=wrong", "", "__Host-stepwell=; stepwell=\"", "evil.example")
		}
	}
	f.Add("HEAD", "/v1/runs", "access_token=a", "Basic eDp5", "", "[::1]:80")
	f.Add("\n", "/v1/runs", "%zz;;&", "Bearer", ";;=", "")
	f.Fuzz(func(t *testing.T, method, p, query, authorization, cookie, host string) {
		reached := false
		h := access.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }),
			access.Config{Tokens: tokens(), Login: loginPage, Logger: slog.New(slog.DiscardHandler)})
		r := &http.Request{
			Method: method, URL: &url.URL{Path: p, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: host, RemoteAddr: "192.0.2.1:1",
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {cookie}, "Accept": {"text/html"}},
			Body:   io.NopCloser(strings.NewReader(query)), ContentLength: int64(len(query)),
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		for _, s := range []string{adminSecret, viewerSecret, weakSecret} {
			if strings.Contains(authorization, s) || strings.Contains(query, url.QueryEscape(s)) {
				return
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		clean := strings.TrimSuffix(p, "/") == path.Clean(p)
		if open := p == "/v1/ping" || clean && strings.HasPrefix(p+"/", "/ui/assets/"); reached && !open {
			t.Errorf("%q %q ?%q got through", method, p, query)
		}
		if w.Code < 300 && !reached && p != "/ui/login" || w.Code >= 500 {
			t.Errorf("%q %q ?%q: %d", method, p, query, w.Code)
		}
		if len(w.Result().Cookies()) > 0 && p != "/ui/logout" {
			t.Errorf("%q %q ?%q: a cookie was given: %v", method, p, query, w.Result().Cookies())
		}
		to := w.Header().Get("Location")
		if u, err := url.Parse(to); err != nil || u.Host != "" || u.Scheme != "" || to != "" && !strings.HasPrefix(to, "/ui/login") {
			t.Errorf("%q %q ?%q: leads to %q", method, p, query, to)
		}
	})
}

// FuzzNext: whoever logs in is led to a page of ours, whatever the form said.
func FuzzNext(f *testing.F) {
	for _, next := range []string{"", "/ui/", "/ui/runs?a=b#c", "//evil.example/ui/", `/\evil.example`, `/ui/\..\`, "/ui/../v1", "/ui/%2e%2e/%2e%2e//evil.example", "https:/ui/", "https://localhost/ui/", "/ui//evil.example", "ui/", "/ui/login/../runs", "/ui/%zz", "/ui/a\nb", "/ui/runs?next=//x", "/UI/", "/ui/;a=b", "///ui/"} {
		f.Add(next)
	}
	h := gate(access.Config{Tokens: tokens(), Login: loginPage})
	base, err := url.Parse("https://here.example/ui/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		w := do(h, loginForm(adminSecret, next))
		to := w.Header().Get("Location")
		if w.Code == http.StatusRequestEntityTooLarge && len(url.QueryEscape(next)) > 8000 {
			return
		}
		if w.Code != http.StatusSeeOther || len(w.Result().Cookies()) != 1 {
			t.Fatalf("login with next %q: %d %s", next, w.Code, w.Body)
		}
		u, err := base.Parse(to)
		if err != nil || u.Host != "here.example" || u.Scheme != "https" || u.User != nil || !strings.HasPrefix(path.Clean(u.Path)+"/", "/ui/") {
			t.Errorf("next %q leads to %q", next, to)
		}
		// As browsers read it, to whom a backslash is a slash.
		if before, _, _ := strings.Cut(to, "?"); strings.ContainsAny(before, "\\\t ") || strings.ContainsAny(to, "\r\n") || !strings.HasPrefix(to, "/ui") || strings.HasPrefix(to, "//") {
			t.Errorf("next %q leads to %q", next, to)
		}
		if len(to) > 2000 {
			return // written out, it is longer than is allowed
		}
		page := do(h, request("GET", "/ui/login?next="+url.QueryEscape(to), ""))
		if want := fmt.Sprintf("login\n/ui/login\n%s\n", to); page.Code != http.StatusOK || page.Body.String() != want {
			t.Errorf("%q is not led to again: %q", to, page.Body)
		}
	})
}
