package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/api"
)

// TestGateIsDescribed: what the gate before the API answers is described of every call.
func TestGateIsDescribed(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	plain := s.handler
	tokens := []access.Token{access.NewToken(access.Admin, "admin-secret"), access.NewToken(access.Viewer, "viewer-secret")}
	gate := func(cfg access.Config) {
		cfg.Logger = s.logger
		s.handler = access.New(plain, cfg)
	}
	gate(access.Config{Tokens: tokens})
	for _, op := range s.contract.operations() {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.path)
		writes := op.method != "GET"
		open := op.path == "/v1/ping"
		for _, c := range []struct {
			name    string
			headers []string
			query   string
			code    string // of the refusal; empty: it is let through
		}{
			{"no token", nil, "", "unauthorized"},
			{"a viewer", []string{"Authorization", "Bearer viewer-secret"}, "n=1", map[bool]string{true: "forbidden"}[writes]},
			{"another site", []string{"Authorization", "Bearer admin-secret", "Sec-Fetch-Site", "cross-site"}, "n=1", map[bool]string{true: "cross_origin"}[writes]},
			{"a token in the URL", nil, "token=admin-secret", "token_in_url"},
			{"an admin", []string{"Authorization", "Bearer admin-secret"}, "n=1", ""},
		} {
			want := c.code
			if open && (c.code == "unauthorized" || c.code == "forbidden") {
				want = ""
			}
			a := s.send(t, op.method, path, c.query, "", c.headers...)
			got := ""
			if a.status >= 400 {
				got = a.get(t, "code")
			}
			if got == "invalid" { // the unknown parameter: it was let through
				got = ""
			}
			if got != want {
				t.Errorf("%s, %s: %d %s, want %q", op.id, c.name, a.status, a.body, want)
			}
		}
	}
	refused := func(path, code string, status int, headers ...string) {
		t.Helper()
		if a := s.send(t, "GET", path, "", "", headers...); a.status != status || a.get(t, "code") != code {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, code)
		}
	}
	for range 10 {
		s.send(t, "GET", "/v1/runs", "", "", "Authorization", "Bearer wrong")
	}
	refused("/v1/runs", "slow_down", http.StatusTooManyRequests, "Authorization", "Bearer wrong")
	gate(access.Config{Local: true})
	s.host = "elsewhere.example"
	refused("/v1/runs", "wrong_host", http.StatusMisdirectedRequest)
	gate(access.Config{Role: func(*http.Request) access.Role { return "" }})
	refused("/v1/runs", "forbidden", http.StatusForbidden)
}
