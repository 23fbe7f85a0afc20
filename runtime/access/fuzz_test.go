package access_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime/access"
)

// fuzzGate has one token, which no fuzzer finds: whatever is shown, nobody gets
// past it. through is set where somebody did.
func fuzzGate(cfg access.Config) (h http.Handler, through *bool) {
	cfg.Tokens = []access.Token{access.NewToken(access.Admin, adminSecret)}
	cfg.Login, cfg.Logger = loginPage, slog.New(slog.DiscardHandler)
	through = new(bool)
	return access.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { *through = true }), cfg), through
}

// serve makes a request as net/http would hand it over; what that refuses by
// itself is not tried.
func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer " + adminSecret[1:], "bearer\t" + adminSecret, adminSecret, "Basic YTpi", "Bearer " + adminSecret + ",Bearer x", "Bearer a b c", "Bearer \x00"} {
		f.Add(s, "192.0.2.1:1", "")
	}
	f.Add("Bearer x", "", "a, b,,192.0.2.7")
	f.Add("Bearer x", "[fe80::1%eth0]:80", "::ffff:10.0.0.1, 10.0.0.2")
	f.Fuzz(func(t *testing.T, authorization, remote, forwarded string) {
		h, through := fuzzGate(access.Config{Proxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}})
		r := httptest.NewRequest("POST", "/v1/runs:cancel", nil)
		r.Header["Authorization"], r.Header["X-Forwarded-For"], r.RemoteAddr = []string{authorization}, []string{forwarded}, remote
		w := serve(h, r)
		scheme, secret, _ := strings.Cut(authorization, " ")
		right := strings.EqualFold(scheme, "bearer") && strings.TrimSpace(secret) == adminSecret
		if *through != right {
			t.Errorf("%q gets through: %v", authorization, *through)
		}
		if !right && w.Code != 401 {
			t.Errorf("%q: %d", authorization, w.Code)
		}
	})
}

func FuzzCookie(f *testing.F) {
	for _, s := range []string{"", "stepwell=", "stepwell=" + adminSecret, "__Host-stepwell=x; stepwell=y", `stepwell="a;b"`, "stepwell", "=", ";;;", "stepwell=\x00", "stepwell=a; stepwell=b", strings.Repeat("a=b;", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		h, through := fuzzGate(access.Config{})
		for _, r := range []*http.Request{
			httptest.NewRequest("GET", "/v1/runs", nil), httptest.NewRequest("POST", "/v1/runs:cancel", nil), httptest.NewRequest("GET", "/ui/login", nil), httptest.NewRequest("POST", "/ui/logout", nil),
		} {
			r.Header["Cookie"] = []string{cookie}
			w := serve(h, r)
			if *through || w.Code >= 500 {
				t.Errorf("%s %s with %q: %d, through: %v", r.Method, r.URL, cookie, w.Code, *through)
			}
			if set := w.Header().Values("Set-Cookie"); len(set) > 2 {
				t.Errorf("cookies %q", set)
			}
		}
	})
}

func FuzzLoginForm(f *testing.F) {
	for _, s := range []string{"", "token=x", "token=" + adminSecret + "x", "token=&token=" + adminSecret, "next=/ui/&token=%zz", "token=a;next=b", strings.Repeat("a=b&", 3000), "\x00", "token=" + url.QueryEscape(adminSecret)} {
		f.Add(s, "application/x-www-form-urlencoded")
	}
	f.Add("--x\r\nContent-Disposition: form-data; name=token\r\n\r\nx\r\n--x--", "multipart/form-data; boundary=x")
	f.Add("{}", "application/json")
	f.Fuzz(func(t *testing.T, body, kind string) {
		h, through := fuzzGate(access.Config{})
		r := httptest.NewRequest("POST", "/ui/login", strings.NewReader(body))
		r.Header["Content-Type"] = []string{kind}
		w := serve(h, r)
		values, err := url.ParseQuery(body)
		right := err == nil && values.Get("token") == adminSecret
		if begun := len(w.Result().Cookies()) > 0; begun && !right || *through || w.Code >= 500 || w.Code == 303 && !begun {
			t.Errorf("%q as %q: %d with %v", body, kind, w.Code, w.Result().Cookies())
		}
	})
}

func FuzzNext(f *testing.F) {
	for _, s := range []string{"", "/ui/", "/ui", "/ui/runs?a=b", "//evil.example/ui/", "/\\evil.example", "/ui/../x", "/ui/%2e%2e/x", "https://evil.example/ui/", "/ui//evil.example", "/ui/\r\nX: y", "/ui/login", "/ui/a%2Fb", "/ui/%5c", "/ui/?next=//x", "/ui/#x", "/ui/:x", "/ui/\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, next string) {
		h, _ := fuzzGate(access.Config{})
		form := url.Values{"token": {adminSecret}, "next": {next}}
		r := httptest.NewRequest("POST", "/ui/login", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := serve(h, r)
		if w.Code == 413 && len(form.Encode()) > 8<<10 {
			return
		}
		to := w.Header().Get("Location")
		// As a browser reads it.
		base, _ := url.Parse("https://stepwell.example/ui/login")
		u, err := base.Parse(to)
		if w.Code != 303 || err != nil || u.Scheme != "https" || u.Host != "stepwell.example" || u.User != nil || u.Path != "/ui" && !strings.HasPrefix(u.Path, "/ui/") ||
			strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(to, "//") || !strings.HasPrefix(to, "/ui") {
			t.Errorf("next %q leads to %q: %d, %v", next, to, w.Code, err)
		}
		// And what is accepted once is accepted again, as it is.
		r = httptest.NewRequest("GET", "/ui/login?next="+url.QueryEscape(to), nil)
		if again := strings.Split(serve(h, r).Body.String(), "\n")[2]; again != to {
			t.Errorf("next %q leads to %q, and that to %q", next, to, again)
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{"", "localhost", "localhost:8080", "127.0.0.1", "127.1", "[::1]:80", "::1", "[::1", "[::1%25lo]", "evil.example", "localhost.evil.example", "localhost:x", "2130706433", "0x7f.1", "127.0.0.1.", "localhost.", "[::ffff:127.0.0.1]", "user@localhost", "localhost@evil.example", "localhost:80:evil.example", "[::1].evil.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		through := false
		h := access.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { through = true }), access.Config{Local: true, Logger: slog.New(slog.DiscardHandler)})
		r := httptest.NewRequest("GET", "/v1/runs", nil)
		r.Host = host
		serve(h, r)
		if !through {
			return
		}
		// Where a browser would go with it: to this machine, and nowhere else.
		u, err := url.Parse("http://" + host + "/")
		if err != nil || u.User != nil {
			t.Fatalf("host %q is let through, and is none: %v", host, err)
		}
		name := u.Hostname()
		ip, err := netip.ParseAddr(name)
		if !strings.EqualFold(name, "localhost") && (err != nil || !ip.Unmap().IsLoopback()) {
			t.Errorf("host %q is let through, and is %q", host, name)
		}
	})
}
