package browser

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// look is how somebody's screen is.
type look struct {
	scheme string
	width  int64
}

var looks = []look{{"light", 1280}, {"dark", 1280}, {"light", 390}, {"dark", 390}}

func (l look) String() string { return fmt.Sprintf("%s-%d", l.scheme, l.width) }

func (p *tab) look(l look) {
	p.t.Helper()
	p.scheme(l.scheme)
	height := int64(900)
	if l.width < 600 {
		height = 844
	}
	p.size(l.width, height)
}

// site is a server on which there is something of everything to see.
type site struct{ server *server }

// shot is a page, or a state of one.
type shot struct {
	name string
	show func(*tab)
}

// newSite starts runs that succeed, fail, wait, are stuck and have children.
func newSite(t *testing.T) *site {
	dir := t.TempDir()
	s := serveShop(t, dir)
	stuck := s.start("renamed", "?id=stuck", "null")
	s.reaches(stuck, "waiting")
	s.stop()
	s = serveShop(t, dir, stepName+"=new name", "STEPWELL_TRACE_URL=http://127.0.0.1:16686/trace/{trace_id}")
	s.do(http.StatusAccepted, "POST", "/v1/runs/stuck/messages/go-on", "null")
	s.reaches(stuck, "stuck")
	s.reaches(s.start("delivery", "?id=delivery&label.customer=ada&label.region=north", `{"parcels":4}`), "succeeded")
	s.reaches(s.start("payment", "?id=retried&label.customer=ada", `{"declines":2}`), "succeeded")
	s.reaches(s.start("payment", "?id=declined&label.customer=grace", `{"declines":9}`), "failed")
	s.reaches(s.start("report", "?id=report", `{"title":"Sales"}`), "failed")
	s.reaches(s.start("approval", "?id=approval&label.document=42", "null"), "waiting")
	s.reaches(s.start("newsletter", "?id=newsletter-1&queue=mail", "null"), "waiting")
	s.reaches(s.start("newsletter", "?id=newsletter-2&queue=mail", "null"), "queued")
	s.start("order", "?id=later&delay=1h", `{"customer":"Ada","amount":12}`)
	for i := range 12 {
		id := fmt.Sprintf("order-%d", i+1)
		s.reaches(s.start("order", "?id="+id+"&queue=warehouse&label.customer=grace", fmt.Sprintf(`{"customer":"Grace","amount":%d,"gift":true,"lines":["tea","a very long line of an order that has to break somewhere"]}`, i+1)), "succeeded")
	}
	return &site{s}
}

// TestAccessibleFromOutside looks at the pages of somebody who is not in, or may only look.
func TestAccessibleFromOutside(t *testing.T) {
	s := serveShop(t, "", tokens)
	p := open(t, s)
	p.expect(http.StatusUnauthorized)
	for _, look := range looks {
		p.look(look)
		p.open("/ui/")
		p.find("heading", "Stepwell")
		p.checkAccess("login")
		p.keep("login", look)
		p.logIn("browser-test-wrong-secret")
		p.find("alert", "…")
		p.checkAccess("login, refused")
		p.keep("login-refused", look)
	}
}

// TestAccessibleEmpty looks at the pages of a server on which nothing has run yet.
func TestAccessibleEmpty(t *testing.T) {
	s := serveStepwell(t)
	p := open(t, s)
	for _, look := range looks {
		p.look(look)
		for _, name := range []string{"", "runs", "workflows", "workflows/delays", "queues", "schedules", "health"} {
			p.open("/ui/" + name)
			p.settle()
			what := "empty-" + nameOf("/ui/"+name)
			p.checkAccess(what + " " + look.String())
			p.keep(what, look)
		}
	}
}

// pages lists every page: those that are linked from somewhere, one of each kind, and states that take a click.
func (site *site) pages(p *tab) []shot {
	p.t.Helper()
	at := func(path string) func(*tab) {
		return func(p *tab) { p.t.Helper(); p.open(path); p.settle() }
	}
	shots := []shot{
		{"run-delivery", at("/ui/runs/delivery")},
		{"run-failed", at("/ui/runs/declined")},
		{"run-retried", at("/ui/runs/retried")},
		{"run-stuck", at("/ui/runs/stuck")},
		{"run-waiting", at("/ui/runs/approval")},
		{"runs-filtered", at("/ui/runs?status=succeeded&workflow=order&label=customer%3Dgrace&since=24h")},
		{"runs-none", at("/ui/runs?workflow=nobody")},
	}
	dialog := func(path, link string) func(*tab) {
		return func(p *tab) {
			p.t.Helper()
			p.open(path)
			p.press("link", link)
			p.find("dialog", "…")
		}
	}
	shots = append(shots,
		shot{"dialog-cancel", dialog("/ui/runs/approval", "Cancel")},
		shot{"dialog-send", dialog("/ui/runs/approval", "Send a message")},
		shot{"run-step", func(p *tab) {
			p.t.Helper()
			p.open("/ui/runs/declined")
			p.press("link", "charge")
			p.find("heading", "…charge")
		}},
		shot{"workflow-wrong", func(p *tab) {
			p.t.Helper()
			p.expect(http.StatusBadRequest)
			p.open("/ui/workflows/order")
			p.fill("amount", "twelve")
			p.press("button", "Start the run")
			p.sees("Not started")
		}},
		shot{"error", func(p *tab) {
			p.t.Helper()
			p.expect(http.StatusNotFound)
			p.open("/ui/runs/nobody")
			p.settle()
		}},
	)
	for _, path := range site.crawl(p) {
		shots = append(shots, shot{nameOf(path), at(path)})
	}
	return shots
}

// settle waits until the page and what it shows is there.
func (p *tab) settle() {
	p.t.Helper()
	eventually(p.t, func() string { return "the page is not there" }, func() bool {
		ok, _ := try[bool](p, `document.readyState === "complete" && document.querySelector("h1") !== null`)
		return ok
	})
}

// crawl follows the links of the UI from its first page and returns one address of each kind of page, the first that is
// met; names and numbers are what differs within a kind.
func (site *site) crawl(p *tab) (paths []string) {
	p.t.Helper()
	next, kinds := []string{"/ui/"}, map[string]bool{"/ui/": true}
	for len(next) > 0 {
		path := next[0]
		next, paths = next[1:], append(paths, path)
		p.open(path)
		p.settle()
		links := value[[]string](p, `[...document.querySelectorAll("a[href]:not([download])")].map(a => a.href)`)
		for _, link := range links {
			u, err := url.Parse(link)
			if err != nil || u.Scheme+"://"+u.Host != site.server.url || !strings.HasPrefix(u.Path, "/ui/") {
				continue
			}
			if kind := kindOf(u); !kinds[kind] {
				kinds[kind] = true
				next = append(next, u.RequestURI())
			}
		}
		if len(paths) > 60 {
			p.t.Fatalf("more than 60 kinds of pages: %q", paths)
		}
	}
	return paths
}

// kindOf is the route that an address has, as far as one can tell from outside: every other part is a name.
func kindOf(u *url.URL) string {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/ui/"), "/")
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "*"
	}
	return "/ui/" + strings.Join(parts, "/")
}

func nameOf(path string) string {
	path, _, _ = strings.Cut(strings.TrimPrefix(path, "/ui/"), "?")
	if path == "" {
		return "overview"
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/:%", r) {
			return '-'
		}
		return r
	}, path)
}

// TestScreenshots keeps a picture of every page, for somebody to look at. It also asks that nothing is wider than the
// screen: what is has to scroll in a box of its own.
func TestScreenshots(t *testing.T) {
	site := newSite(t)
	for _, look := range looks {
		t.Run(look.String(), func(t *testing.T) {
			p := open(t, site.server)
			p.look(look)
			for _, shot := range site.pages(p) {
				shot.show(p)
				if wide := value[int64](p, "document.documentElement.scrollWidth"); wide > look.width {
					t.Errorf("%s is %d pixels wide on a screen of %d", shot.name, wide, look.width)
				}
				p.keep(shot.name, look)
			}
		})
	}
}

// keep keeps a picture when pictures are asked for.
func (p *tab) keep(name string, look look) {
	p.t.Helper()
	if *screenshots != "" {
		p.must("keep a picture", os.WriteFile(filepath.Join(*screenshots, name+"-"+look.String()+".png"), p.picture(), 0o644))
	}
}
