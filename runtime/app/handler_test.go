package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/app"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store/sqlite"
)

// embedded is API and UI in a server of a test's own.
func embedded(t *testing.T, cfg app.HandlerConfig, defs ...runtime.Definition) (server *httptest.Server, rt *runtime.Runtime) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := cfg.API.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg.API.Logger = log
	rt, err = runtime.New(st, runtime.Config{Logger: log, Version: "v-test", Drain: -1}, defs...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	h, err := app.Handler(rt, cfg)
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(h)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run the engine: %v", err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	<-rt.Recovered()
	return server, rt
}

func echo() runtime.Definition {
	return runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil })
}

const (
	adminToken  = "343c2d38f2dd4c876c09e1e835387861"
	viewerToken = "34494480cc783f013dd9c03c685f4a7f"
)

func bothTokens() []access.Token {
	return []access.Token{access.NewToken(access.Admin, adminToken), access.NewToken(access.Viewer, viewerToken)}
}

// browser follows redirects, keeps cookies and asks for pages.
type browser struct {
	t    *testing.T
	base string
	c    *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, &http.Client{Jar: jar}}
}

// open returns the path at which a request ends, and the page.
func (b *browser) open(method, path string, form url.Values) (status int, at, page string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.base)
	}
	resp, err := b.c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Request.URL.RequestURI(), string(body)
}

// TestLoginAndOut by a browser, under a prefix and without.
func TestLoginAndOut(t *testing.T) {
	for _, prefix := range []string{"", "/internal/stepwell"} {
		server, _ := embedded(t, app.HandlerConfig{Prefix: prefix, Access: access.Config{Tokens: bothTokens()}}, echo())
		b := newBrowser(t, server.URL)
		login, home := prefix+"/ui/login", prefix+"/ui/"
		if code, at, page := b.open("GET", home, nil); code != 200 || at != login+"?next="+url.QueryEscape(home) || !strings.Contains(page, `action="`+login+`"`) {
			t.Errorf("before the login: %d at %s\n%s", code, at, page)
		}
		if code, at, page := b.open("POST", login, url.Values{"token": {"wrong"}, "next": {home}}); code != 401 || at != login || !strings.Contains(page, "not valid") {
			t.Errorf("a wrong token: %d at %s\n%s", code, at, page)
		}
		code, at, page := b.open("POST", login, url.Values{"token": {viewerToken}, "next": {home}})
		if code != 200 || at != home || !strings.Contains(page, "Viewer") || !strings.Contains(page, `action="`+prefix+`/ui/logout"`) {
			t.Errorf("a viewer's token: %d at %s\n%s", code, at, page)
		}
		// Nothing leads out of the prefix.
		for _, m := range regexp.MustCompile(`(?:href|src|action|hx-get|hx-post|sse-connect)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(m[1], prefix+"/ui/") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("under %q the page leads to %s", prefix, m[1])
			}
		}
		if code, _, _ := b.open("POST", prefix+"/v1/workflows/echo/runs", url.Values{}); code != 403 {
			t.Errorf("a viewer starts a run: %d", code)
		}
		if code, at, _ := b.open("POST", prefix+"/ui/logout", url.Values{}); code != 200 || at != login {
			t.Errorf("the logout: %d at %s", code, at)
		}
		if code, at, _ := b.open("GET", home, nil); code != 200 || !strings.HasPrefix(at, login) {
			t.Errorf("after the logout: %d at %s", code, at)
		}
		if code, _, _ := b.open("POST", login, url.Values{"token": {adminToken}}); code != 200 {
			t.Errorf("an admin's token: %d", code)
		}
		if code, at, _ := b.open("POST", prefix+"/v1/workflows/echo/runs?id=1", url.Values{}); code >= 300 && code != 400 {
			t.Errorf("an admin starts a run: %d at %s", code, at)
		}
	}
}

// TestEachClientWatchesPages: the UI counts those who watch as the API does, not
// by the proxy they come through.
func TestEachClientWatchesPages(t *testing.T) {
	server, _ := embedded(t, app.HandlerConfig{
		UI:     ui.Config{MaxWatching: 4, MaxWatchingPerClient: 1},
		Access: access.Config{Tokens: bothTokens(), Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	}, echo())
	for _, c := range []struct {
		client string
		code   int
	}{{"192.0.2.1", 200}, {"192.0.2.2", 200}, {"192.0.2.1", 429}, {"2001:db8::1", 200}, {"2001:db8::2", 429}} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/ui/watch", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", c.client)
		req.Header.Set("Authorization", "Bearer "+viewerToken)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		if resp.StatusCode != c.code {
			t.Errorf("a page of %s: %d, want %d", c.client, resp.StatusCode, c.code)
		}
	}
}

// TestHandlerRefuses to be open to all by an oversight.
func TestHandlerRefuses(t *testing.T) {
	for want, cfg := range map[string]app.HandlerConfig{
		"who may come in": {}, "slash": {Prefix: "x", Access: access.Config{Local: true}},
	} {
		if h, err := app.Handler(nil, cfg); err == nil || h != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", cfg, err, want)
		}
	}
}
