package ui_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
)

// TestEveryPage follows every link from the overview, as an admin and as a
// viewer, over runs whose texts are hostile: each page is there and well made,
// each form's action exists, and a viewer is offered none.
func TestEveryPage(t *testing.T) {
	for _, role := range []string{"admin", "viewer"} {
		t.Run(role, func(t *testing.T) {
			s := newSite(t, ui.Config{
				Role: func(*http.Request) string { return role }, Logout: true,
				Health: func() []byte { return []byte(`{"status":"degraded","reasons":["` + "<script>x</script>" + `"]}`) },
				Demos:  []ui.Demo{{Name: "demo", Title: hostile, Description: hostile, Start: func(context.Context, *runtime.Runtime) ([]string, error) { return nil, nil }}},
			})
			s.ended("echo", `{"<b>":"`+strings.ReplaceAll(hostile, `"`, `\"`)+`"}`, runtime.Labels(map[string]string{"k": hostile}))
			s.ended("fail", `"`+strings.ReplaceAll(hostile, `"`, `\"`)+`"`)
			s.start("sleep", `{}`, runtime.ID("a:b@c=d+e.f-g"))
			exists := s.routes()
			seen, todo := map[string]bool{}, []string{"/ui/"}
			variants := map[string]int{} // of the query, by path
			for len(todo) > 0 {
				path := todo[0]
				todo = todo[1:]
				bare, _, _ := strings.Cut(path, "?")
				if seen[path] || variants[bare] > 30 {
					continue
				}
				seen[path] = true
				variants[bare]++
				a := s.get(path)
				if a.code == http.StatusFound || a.code == http.StatusSeeOther {
					todo = append(todo, a.header.Get("Location"))
					continue
				}
				if a.code != http.StatusOK {
					t.Errorf("%s: %d\n%.300s", path, a.code, a.body)
					continue
				}
				if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
					if strings.Contains(a.body, "<script") && !strings.HasPrefix(path, "/ui/assets/") && a.header.Get("Content-Type") != "application/json" {
						t.Errorf("%s: %s with a script in it", path, a.header.Get("Content-Type"))
					}
					continue
				}
				doc := s.check(path, a)
				for _, n := range find(doc, "script") {
					if !strings.HasPrefix(attr(n, "src"), "/ui/assets/") {
						t.Errorf("%s: a script from %q", path, attr(n, "src"))
					}
				}
				for _, n := range find(doc, "a") {
					if href := attr(n, "href"); !strings.HasPrefix(href, "#") && !strings.HasPrefix(href, "/v1/") {
						todo = append(todo, resolve(t, path, href))
					}
				}
				for _, n := range find(doc, "form") {
					action := resolve(t, path, attr(n, "action"))
					method := strings.ToUpper(attr(n, "method"))
					if action == "/ui/logout" {
						continue // another's
					}
					if !exists(method, action) {
						t.Errorf("%s: a form leads to %s %s, which is not there", path, method, action)
					}
					if role == "viewer" && method == http.MethodPost {
						t.Errorf("%s: a viewer is offered %s", path, action)
					}
				}
			}
			if len(variants) < 2 {
				t.Errorf("only %d pages were seen: %v", len(variants), variants)
			}
			t.Logf("%d addresses of %d pages", len(seen), len(variants))
		})
	}
}

func resolve(t *testing.T, page, ref string) string {
	t.Helper()
	base, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	u, err := base.Parse(ref)
	if err != nil {
		t.Fatalf("%s: the address %q: %v", page, ref, err)
	}
	u.Fragment = ""
	return u.RequestURI()
}

// routes returns what tells whether a route exists.
func (s *site) routes() func(method, path string) bool {
	variable := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	return func(method, path string) bool {
		path, _, _ = strings.Cut(path, "?")
		for _, r := range s.ui.Routes() {
			pattern := "^" + variable.ReplaceAllString(regexp.QuoteMeta(r.Path), "[^/]+") + "$"
			if r.Method == method && regexp.MustCompile(pattern).MatchString(path) {
				return true
			}
		}
		return false
	}
}

// TestViewerChangesNothing posts to every route that changes something.
func TestViewerChangesNothing(t *testing.T) {
	s := newSite(t, ui.Config{Role: func(*http.Request) string { return "viewer" }, Demos: []ui.Demo{{Name: "x", Title: "X"}}})
	n := 0
	for _, r := range s.ui.Routes() {
		if r.Method == http.MethodGet {
			continue
		}
		n++
		path := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(r.Path, "x")
		if a := s.do(r.Method, path, ""); a.code != http.StatusForbidden || !strings.Contains(a.body, "viewer") {
			t.Errorf("%s %s: %d, want 403\n%.200s", r.Method, path, a.code, a.body)
		}
	}
	if n == 0 {
		t.Error("no route changes anything")
	}
}

// TestRefusals: what is not there, and what a page cannot do.
func TestRefusals(t *testing.T) {
	s := newSite(t, ui.Config{Demos: []ui.Demo{{Name: "broken", Start: func(context.Context, *runtime.Runtime) ([]string, error) { return nil, errors.New("secret detail") }}}})
	for _, c := range []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "/ui/nothing", 404, "no such page"},
		{"GET", "/ui/" + url.PathEscape(hostile), 404, "no such page"},
		{"POST", "/ui/", 405, "takes GET"},
		{"DELETE", "/ui/", 405, "takes GET"},
		{"POST", "/ui/demos/none", 404, "want one of broken"},
		{"POST", "/ui/demos/broken", 500, "its log"},
	} {
		a := s.do(c.method, c.path, "")
		if a.code != c.code || !strings.Contains(a.body, c.want) || strings.Contains(a.body, "secret") {
			t.Errorf("%s %s: %d, want %d with %q\n%s", c.method, c.path, a.code, c.code, c.want, a.body)
		}
		s.check(c.path, a)
		if a := s.do(c.method, c.path, "", "HX-Request", "true"); a.code != c.code || a.header.Get("HX-Retarget") != "#flash" || strings.Contains(a.body, "<html") {
			t.Errorf("%s %s for htmx: %d, %v\n%s", c.method, c.path, a.code, a.header, a.body)
		}
	}
	if a := s.get("/ui"); a.code != http.StatusFound || a.header.Get("Location") != "/ui/" {
		t.Errorf("/ui: %d to %q", a.code, a.header.Get("Location"))
	}
	if a := s.get("/ui/?note=" + url.QueryEscape("cancelled<script>")); strings.Contains(a.body, `class="note"`) {
		t.Error("a page says what its URL likes")
	}
}

// TestPrefix serves the pages elsewhere.
func TestPrefix(t *testing.T) {
	s := newSite(t, ui.Config{Prefix: "/internal/flows/"})
	doc := s.page("/internal/flows/")
	for _, tag := range []string{"a", "script", "img"} {
		for _, n := range find(doc, tag) {
			if u := attr(n, "href") + attr(n, "src"); !strings.HasPrefix(u, "/internal/flows/") && !strings.HasPrefix(u, "#") {
				t.Errorf("<%s> leads to %q", tag, u)
			}
		}
	}
}

// TestLogin renders the login page with hostile values.
func TestLogin(t *testing.T) {
	s := newSite(t, ui.Config{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ui.WriteLogin(w, http.StatusUnauthorized, ui.Login{Action: "/ui/login", Next: hostile, Problem: hostile})
	})
	a := record(h)
	if a.code != http.StatusUnauthorized {
		t.Errorf("%d, want 401", a.code)
	}
	doc := s.check("login", a)
	for _, n := range append(find(doc, "script"), find(doc, "img")...) {
		if b := s.get(attr(n, "src")); b.code != http.StatusOK {
			t.Errorf("%s: %d", attr(n, "src"), b.code)
		}
	}
	if next := find(doc, "input", "name", "next"); len(next) != 1 || attr(next[0], "value") != hostile {
		t.Errorf("next: %v", next)
	}
}
