package ui_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
)

// FuzzPages sends what may stand in an address or a form to every page and action: nothing panics or fails as the
// server's fault, what is shown runs nothing, and no redirect leads elsewhere.
func FuzzPages(f *testing.F) {
	closed := make(chan struct{})
	close(closed)
	s := newSite(f, ui.Config{MaxBody: 1 << 16})
	looks := ui.New(s.rt, ui.Config{Closing: closed}) // its streams end at once
	s.start("sleep", `{}`, runtime.ID("seed"))
	routes := s.ui.Routes()
	for i := range routes {
		for _, c := range [][3]string{
			{"seed", "", ""}, {"seed", "status=failed,queued&limit=3&label=a%3Db&since=1h", "confirm=1&id=a&input=%7B%7D&step=0&topic=go&message=1"},
			{hostile, "q=" + url.QueryEscape(hostile) + "&status=" + url.QueryEscape(hostile), "input=" + url.QueryEscape(hostile) + "&topic=" + url.QueryEscape(hostile)},
			{"..", "cursor=x&after=%00&page=-1&next=//evil.example&limit=99999999999999999999", "%zz"}, {"\x00\xff", "%ff=%ff&at=\xff", "input=\xff&all=true&filter=status%3Dfailed"},
		} {
			f.Add(uint8(i), c[0], c[1], c[2])
		}
	}
	variable := regexp.MustCompile(`\{[a-z]+\}`)
	f.Fuzz(func(t *testing.T, which uint8, value, query, form string) {
		rt := routes[int(which)%len(routes)]
		if strings.Contains(value, "/") || strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }) {
			return // another path, or no request
		}
		path := variable.ReplaceAllLiteralString(rt.Path, value)
		r := &http.Request{
			Method: rt.Method, URL: &url.URL{Path: path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost",
			Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: io.NopCloser(strings.NewReader(form)), ContentLength: int64(len(form)),
		}
		h := s.ui
		if rt.Method == http.MethodGet {
			h = looks
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %q ?%q %q: %d %.300s", rt.Method, path, query, form, w.Code, w.Body)
		}
		if to := w.Header().Get("Location"); to != "" {
			if u, err := url.Parse(to); err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) {
				t.Errorf("%s %q ?%q %q leads to %q", rt.Method, path, query, form, to)
			}
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			return
		}
		doc, err := html.Parse(strings.NewReader(w.Body.String()))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode && n.Data == "script" && !strings.HasPrefix(attr(n, "src"), "/ui/assets/") {
				t.Errorf("%s %q ?%q %q: a script in the page", rt.Method, path, query, form)
			}
			for _, a := range n.Attr {
				link := a.Key == "href" || a.Key == "src" || a.Key == "action"
				if strings.HasPrefix(a.Key, "on") || link && strings.Contains(strings.SplitN(a.Val, "?", 2)[0], ":") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") {
					t.Errorf("%s %q ?%q %q: %s=%q", rt.Method, path, query, form, a.Key, a.Val)
				}
			}
		}
	})
}
