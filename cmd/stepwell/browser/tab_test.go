package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one page that somebody looks at, in a profile of its own. Things on it are found by role and name, as a screen
// reader tells them.
type tab struct {
	t     *testing.T
	ctx   context.Context
	base  string // of the server
	guard *guard
	quiet bool // what the guard found is the test's own business
}

// open opens a tab for the server, wide and light.
func open(t *testing.T, s *server) *tab {
	t.Helper()
	return openURL(t, s.url)
}

func openURL(t *testing.T, base string) *tab {
	t.Helper()
	browser := needChromium(t)
	p := &tab{t: t, base: base, guard: newGuard(base)}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.guard.event))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	p.ctx = ctx
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	p.must("open a tab", err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	p.must("open a tab", err)
	p.size(1280, 900)
	p.scheme("light")
	t.Cleanup(p.close)
	return p
}

func (p *tab) close() {
	if !p.quiet {
		for _, problem := range p.guard.found() {
			p.t.Error(problem)
		}
	}
	if p.t.Failed() {
		name := filepath.Join(p.t.ArtifactDir(), "failed.png")
		if err := os.WriteFile(name, p.picture(), 0o644); err == nil {
			p.t.Logf("what the tab showed: %s", name)
		}
		p.t.Logf("it was at %s and said:\n%s", p.path(), p.text())
	}
}

func (p *tab) must(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// size sets the size of the window, in CSS pixels; narrow ones are phones.
func (p *tab) size(width, height int64) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	p.must("set the size", err)
}

// scheme sets what the system prefers: light or dark.
func (p *tab) scheme(name string) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	p.must("set the colours", err)
}

// scripts lets JavaScript run or not, from the next page on.
func (p *tab) scripts(run bool) {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
	p.must("switch JavaScript", err)
}

// expect announces answers with this status, from 400 on.
func (p *tab) expect(status int) {
	p.guard.mu.Lock()
	defer p.guard.mu.Unlock()
	p.guard.expected[status] = 0
}

// answered tells how many answers had an announced status.
func (p *tab) answered(status int) int {
	p.guard.mu.Lock()
	defer p.guard.mu.Unlock()
	return p.guard.expected[status]
}

// open goes to a path of the server, as if it was typed.
func (p *tab) open(path string) {
	p.t.Helper()
	if path != "about:blank" {
		path = p.base + path
	}
	p.must("open "+path, chromedp.Do(p.ctx, chromedp.Navigate(path)))
}

// path is where the tab is, without the server; "" while it is on its way.
func (p *tab) path() string {
	at, err := chromedp.Run(p.ctx, chromedp.Location())
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(at, p.base)
}

// at waits until the tab is at a path that matches.
func (p *tab) at(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile("^" + pattern + "$")
	got := ""
	eventually(p.t, func() string { return "the tab is at " + got + ", want " + pattern }, func() bool {
		got = p.path()
		return re.MatchString(got)
	})
	return got
}

// value is what the expression gives; the tab has to be on a page.
func value[T any](p *tab, js string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	p.must(js, err)
	return v
}

// try is value on a page that may be on its way.
func try[T any](p *tab, js string) (T, bool) {
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	return v, err == nil
}

// text is what is to be read on the page.
func (p *tab) text() string {
	text, _ := try[string](p, "document.body ? document.body.innerText : ''")
	return text
}

// sees waits for text on the page, whatever its spaces are.
func (p *tab) sees(want ...string) {
	p.t.Helper()
	for _, w := range want {
		eventually(p.t, func() string { return fmt.Sprintf("%q is not to be read on the page", w) }, func() bool {
			return strings.Contains(strings.ToLower(words(p.text())), strings.ToLower(w))
		})
	}
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// thing is an element as a screen reader tells it.
type thing struct {
	role, name string
	value      string
	id         cdp.BackendNodeID
	disabled   bool
	focused    bool
	checked    string
}

// things lists all of the role on the page.
func (p *tab) things(role string) []thing {
	root, err := chromedp.Call(p.ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return nil
	}
	res, err := chromedp.Call(p.ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{NodeID: root.Root.NodeID, Role: role})
	if err != nil {
		return nil
	}
	var list []thing
	for _, n := range res.Nodes {
		if n.Ignored {
			continue
		}
		th := thing{role: role, name: axText(n.Name), value: axText(n.Value), id: n.BackendDOMNodeID}
		for _, prop := range n.Properties {
			switch prop.Name {
			case accessibility.PropertyNameDisabled:
				th.disabled = axText(prop.Value) == "true"
			case accessibility.PropertyNameFocused:
				th.focused = axText(prop.Value) == "true"
			case accessibility.PropertyNameChecked:
				th.checked = axText(prop.Value)
			}
		}
		list = append(list, th)
	}
	return list
}

func axText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) == nil {
		return words(s)
	}
	return string(v.Value)
}

// named tells whether a name is the one wanted: the same, or with "…" at an end the beginning or the end of it.
func named(name, want string) bool {
	switch rest, cut := strings.CutSuffix(want, "…"); {
	case cut:
		return strings.HasPrefix(name, rest)
	case strings.HasPrefix(want, "…"):
		return strings.HasSuffix(name, strings.TrimPrefix(want, "…"))
	}
	return name == want
}

// all lists what has the role and the name.
func (p *tab) all(role, name string) []thing {
	return slices.DeleteFunc(p.things(role), func(th thing) bool { return !named(th.name, name) })
}

// find waits for the thing. There has to be one only, or a person would not know which is meant.
func (p *tab) find(role, name string) thing {
	p.t.Helper()
	var found []thing
	eventually(p.t, func() string {
		var there []string
		for _, th := range p.things(role) {
			there = append(there, fmt.Sprintf("%q", th.name))
		}
		return fmt.Sprintf("%d of role %s are called %q, want 1; there are: %s", len(found), role, name, strings.Join(there, ", "))
	}, func() bool { found = p.all(role, name); return len(found) == 1 })
	return found[0]
}

// none waits until there is no such thing.
func (p *tab) none(role, name string) {
	p.t.Helper()
	eventually(p.t, func() string { return fmt.Sprintf("there is still a %s called %q", role, name) }, func() bool { return len(p.all(role, name)) == 0 })
}

// press clicks on the thing with the mouse, where it is once it has come to rest.
func (p *tab) press(role, name string) {
	p.t.Helper()
	p.pressThe(name, func() thing { return p.find(role, name) })
}

// pressIn is press within the section that has the heading.
func (p *tab) pressIn(heading, role, name string) {
	p.t.Helper()
	p.pressThe(name, func() (found thing) {
		eventually(p.t, func() string { return fmt.Sprintf("no %s below %q is called %q", role, heading, name) }, func() bool {
			for _, th := range p.all(role, name) {
				if p.below(th, heading) {
					found = th
					return true
				}
			}
			return false
		})
		return found
	})
}

// below tells whether the thing is in the section with the heading.
func (p *tab) below(th thing, heading string) bool {
	obj, err := chromedp.Call(p.ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: th.id})
	if err != nil {
		return false
	}
	byValue := true
	res, err := chromedp.Call(p.ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		ObjectID: obj.Object.ObjectID, ReturnByValue: &byValue,
		FunctionDeclaration: `function() { return this.closest("section")?.querySelector("h1, h2, h3")?.innerText ?? "" }`,
	})
	if err != nil {
		return false
	}
	var text string
	return json.Unmarshal(res.Result.Value, &text) == nil && words(text) == heading
}

func (p *tab) pressThe(name string, find func() thing) {
	p.t.Helper()
	var last [2]float64
	what := func() string { return fmt.Sprintf("%q does not come to rest", name) }
	eventually(p.t, what, func() bool {
		th := find()
		if th.disabled {
			return false
		}
		if _, err := chromedp.Call(p.ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: th.id}); err != nil {
			return false
		}
		res, err := chromedp.Call(p.ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: th.id})
		if err != nil || len(res.Quads) == 0 {
			return false
		}
		q := res.Quads[0]
		at := [2]float64{(q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4}
		if at != last {
			last = at
			return false
		}
		return true
	})
	for _, typ := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		params := input.DispatchMouseEventParams{Type: typ, X: last[0], Y: last[1]}
		if typ != input.DispatchMouseEventTypeMouseMoved {
			params.Button, params.ClickCount = input.MouseButtonLeft, 1
		}
		_, err := chromedp.Call(p.ctx, input.DispatchMouseEvent, params)
		p.must("click on "+name, err)
	}
}

// fill puts text into a field in place of what is there.
func (p *tab) fill(name, text string) {
	p.t.Helper()
	role := "textbox"
	for _, r := range []string{"textbox", "searchbox", "spinbutton", "combobox"} {
		if len(p.all(r, name)) == 1 {
			role = r
		}
	}
	th := p.find(role, name)
	_, err := chromedp.Call(p.ctx, dom.Focus, dom.FocusParams{BackendNodeID: th.id})
	p.must("focus "+name, err)
	p.must("select "+name, chromedp.Do(p.ctx, chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl))))
	value[bool](p, "document.activeElement.select && (document.activeElement.select(), true)")
	if text == "" {
		p.keys("\b")
		return
	}
	_, err = chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: text})
	p.must("type "+text, err)
}

// keys presses keys one after the other; see package kb for those without a sign.
func (p *tab) keys(keys string) {
	p.t.Helper()
	p.must("press a key", chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
}

// focused is what the keyboard is at.
func (p *tab) focused() (role, name string) {
	for _, r := range []string{"button", "link", "textbox", "searchbox", "spinbutton", "combobox", "checkbox", "radio"} {
		for _, th := range p.things(r) {
			if th.focused {
				return r, th.name
			}
		}
	}
	return "", ""
}

// tabTo presses Tab until the keyboard is at the thing.
func (p *tab) tabTo(role, name string) {
	p.t.Helper()
	p.find(role, name)
	var way []string
	for range 200 {
		p.keys("\t")
		r, n := p.focused()
		if r == role && named(n, name) {
			return
		}
		way = append(way, r+" "+n)
	}
	p.t.Fatalf("Tab does not come to the %s %q: %s", role, name, strings.Join(way, ", "))
}

// picture is the whole page as PNG; nil when there is none to be had.
func (p *tab) picture() []byte {
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	beyond := true
	res, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
	if err != nil {
		return nil
	}
	return res.Data
}
