package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// guard collects what a tab must not do. It is told of the browser's events by one goroutine, and asked by another.
type guard struct {
	origin string // requests go here and nowhere else

	mu       sync.Mutex
	problems []string
	expected map[int]int // statuses from 400 on that the test announced, and how often each came
	asked    map[network.RequestID]string
	loads    int // documents that the tab began
}

func newGuard(origin string) *guard {
	return &guard{origin: origin, expected: map[int]int{}, asked: map[network.RequestID]string{}}
}

func (g *guard) event(ev any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		g.request(ev)
	case *network.EventResponseReceived:
		status := int(ev.Response.Status)
		if status < 400 {
			return
		}
		if _, ok := g.expected[status]; !ok {
			g.problem("%d for %s", status, ev.Response.URL)
		}
		g.expected[status]++
	case *network.EventLoadingFailed:
		// What the page itself gave up, as a stream when one goes on to another page, is no failure.
		if !ev.Canceled && ev.ErrorText != "net::ERR_ABORTED" || ev.BlockedReason != "" {
			g.problem("request of %s failed: %s %s", g.asked[ev.RequestID], ev.ErrorText, ev.BlockedReason)
		}
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
		g.problem("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			var args []string
			for _, a := range ev.Args {
				args = append(args, string(a.Value)+a.Description)
			}
			g.problem("console %s: %s", ev.Type, strings.Join(args, " "))
		}
	case *log.EventEntryAdded:
		// Answers and failures are looked at above, with what the test expects.
		if e := ev.Entry; e.Level != log.EntryLevelVerbose && e.Level != log.EntryLevelInfo && !(e.Source == log.EntrySourceNetwork && strings.HasPrefix(e.Text, "Failed to load resource")) {
			g.problem("console %s of %s: %s", e.Level, e.Source, e.Text)
		}
	case *page.EventFrameNavigated:
		if ev.Frame.ParentID == "" {
			g.loads++
		}
	}
}

func (g *guard) request(ev *network.EventRequestWillBeSent) {
	g.asked[ev.RequestID] = ev.Request.URL
	u, err := url.Parse(ev.Request.URL)
	switch {
	case err != nil:
		g.problem("request of %.80q: %v", ev.Request.URL, err)
	case u.Scheme == "data" || u.Scheme == "about" || u.Scheme == "blob":
	case u.Scheme+"://"+u.Host != g.origin:
		g.problem("request left the server: %s", ev.Request.URL)
	}
}

func (g *guard) problem(format string, args ...any) {
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

// found returns the problems so far.
func (g *guard) found() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.problems...)
}

// documents returns how many documents the tab has begun.
func (g *guard) documents() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.loads
}

// TestGuard shows that the guard sees what it is there for.
func TestGuard(t *testing.T) {
	for _, c := range []struct{ name, head, body, want string }{
		{"nothing wrong", "", "<p>fine</p>", ""},
		{"console error", "", "<script nonce=a>console.error('oh')</script>", `console error: "oh"`},
		{"exception", "", "<script nonce=a>missing()</script>", "missing is not defined"},
		{"inline script", "", "<script>1</script>", "script-src"},
		{"inline style", "", "<p style='color:red'>red</p>", "style-src"},
		{"another server", "", "<img src=http://192.0.2.1/x.png alt=x>", "request left the server: http://192.0.2.1/x.png"},
		{"not there", "", "<img src=/missing.png alt=x>", "404 for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Security-Policy", "default-src *; img-src * data:; script-src 'nonce-a'; style-src 'self'")
				fmt.Fprintf(w, "<!doctype html><html lang=en><link rel=icon href=data:,>%s<title>t</title>%s", c.head, c.body)
			}))
			defer srv.Close()
			p := openURL(t, srv.URL)
			p.quiet = true
			p.open("/")
			eventually(t, func() string { return fmt.Sprintf("found %q, want one with %q", p.guard.found(), c.want) }, func() bool {
				found := strings.Join(p.guard.found(), "\n")
				return c.want == "" && found == "" || c.want != "" && strings.Contains(found, c.want)
			})
		})
	}
}
