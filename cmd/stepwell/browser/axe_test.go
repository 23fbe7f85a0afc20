package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe is the checker of accessibility; see doc.go for where it comes from.
var axe = sync.OnceValues(func() (string, error) {
	data, err := os.ReadFile("testdata/axe-core-4.14.1.min.js")
	return string(data), err
})

// violation is a rule of axe that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		Target         []string
		FailureSummary string
	}
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for i, n := range v.Nodes {
		if i == 3 {
			fmt.Fprintf(&b, "\n\tand %d more", len(v.Nodes)-i)
			break
		}
		fmt.Fprintf(&b, "\n\t%s: %s", strings.Join(n.Target, " "), words(n.FailureSummary))
	}
	return b.String()
}

// violations has axe look at the page as it is.
func (p *tab) violations() []violation {
	p.t.Helper()
	source, err := axe()
	p.must("read axe-core", err)
	if !value[bool](p, "'axe' in window") {
		value[bool](p, source+"\n;true")
	}
	// Targets within frames are lists; there are no frames here.
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]violation](`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v => (
		{ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map(n => ({Target: n.target.map(String), FailureSummary: n.failureSummary}))})))`, chromedp.EvalAwaitPromise))
	p.must("run axe-core", err)
	return found
}

// checkAccess fails the test for what keeps people out.
func (p *tab) checkAccess(what string) {
	p.t.Helper()
	for _, v := range p.violations() {
		if v.Impact == "serious" || v.Impact == "critical" {
			p.t.Errorf("%s: %s", what, v)
		} else {
			p.t.Logf("%s: %s", what, v)
		}
	}
}

// TestAxe shows that what keeps people out is found.
func TestAxe(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,"></head><body><main><h1>t</h1>
			<p style="color:#ccc;background:#fff">pale</p><img src="data:,"><button></button><input></main></body></html>`)
	}))
	defer srv.Close()
	p := openURL(t, srv.URL)
	p.quiet = true
	p.open("/")
	got := map[string]string{}
	for _, v := range p.violations() {
		got[v.ID] = v.Impact
	}
	for id, impact := range map[string]string{"color-contrast": "serious", "image-alt": "critical", "button-name": "critical", "label": "critical"} {
		if got[id] != impact {
			t.Errorf("%s is %q, want %q; found %v", id, got[id], impact, got)
		}
	}
}

// TestAccessible goes through every page in both schemes and both sizes.
func TestAccessible(t *testing.T) {
	site := newSite(t)
	for _, look := range looks {
		t.Run(look.String(), func(t *testing.T) {
			p := open(t, site.server)
			p.look(look)
			for _, pg := range site.pages(p) {
				pg.show(p)
				p.checkAccess(pg.name)
			}
		})
	}
}
