package ui_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store"
)

type order struct {
	Customer string `json:"customer" jsonschema:"who gets it, even <b>him</b>"`
	Gift     bool   `json:"gift"`
	Items    []struct {
		SKU   string `json:"sku"`
		Count int8   `json:"count"`
	} `json:"items"`
	Code code `json:"code"`
}

// code is a text that reads itself, and so refuses what no form can know.
type code string

func (c *code) UnmarshalText(b []byte) error {
	if string(b) == "bad" {
		return &failure{"no such code"}
	}
	*c = code(b)
	return nil
}

func shop() runtime.Definition {
	return runtime.Define("shop", func(_ context.Context, o order) (order, error) { return o, nil })
}

// typed reads the controls of a form as a browser would send them.
func typed(form *html.Node) url.Values {
	v := url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		name := attr(n, "name")
		switch {
		case name == "" || n.Data == "button":
		case n.Data == "input" && attr(n, "type") == "checkbox":
			if hasAttr(n, "checked") {
				v.Add(name, attr(n, "value"))
			}
		case n.Data == "input":
			v.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			if n.FirstChild != nil {
				v.Add(name, n.FirstChild.Data)
			}
		case n.Data == "select":
			v.Add(name, "")
			for _, o := range find(n, "option") {
				if hasAttr(o, "selected") {
					v.Set(name, attr(o, "value"))
				}
			}
		}
	}
	return v
}

// startForm gets or posts, and returns the form and what is in it.
func (s *site) startForm(a answer, code int) (*html.Node, url.Values) {
	s.t.Helper()
	if a.code != code {
		s.t.Fatalf("%d, want %d\n%s", a.code, code, a.body)
	}
	forms := find(s.check("the form", a), "form", "id", "start")
	if len(forms) != 1 {
		s.t.Fatalf("%d forms\n%s", len(forms), a.body)
	}
	return forms[0], typed(forms[0])
}

// TestStartFromForm starts a run as a person would, by way of every button.
func TestStartFromForm(t *testing.T) {
	s := newSite(t, ui.Config{}, shop(), runtime.NewQueue("mails", runtime.QueueConfig{}))
	do := func(v url.Values, verb string, code int) (*html.Node, url.Values) {
		t.Helper()
		v.Set("do", verb)
		return s.startForm(s.post("/ui/workflows/shop", v), code)
	}
	form, v := s.startForm(s.get("/ui/workflows/shop"), http.StatusOK)
	if !strings.Contains(text(form), "who gets it, even <b>him</b>") {
		t.Error("the description of a field is not shown")
	}
	v.Set("in/customer", hostile)
	v.Set("in/gift", "true")
	_, v = do(v, "add in/items", http.StatusOK)
	_, v = do(v, "add in/items", http.StatusOK)
	v.Set("in/items/0/sku", "gone")
	v.Set("in/items/1/sku", "kept")
	_, v = do(v, "remove in/items/0", http.StatusOK)
	v.Set("in/items/0/count", "300")
	v.Set("labels", "team=red\nnonsense")
	v.Set("delay", "soon")
	form, v = do(v, "start", http.StatusBadRequest)
	for _, want := range []string{"127 or less", "one label a line", "Want a duration"} {
		if !strings.Contains(text(form), want) {
			t.Errorf("the form lacks %q: %s", want, text(form))
		}
	}
	if v.Get("in/customer") != hostile || v.Get("in/gift") != "true" || v.Get("in/items/0/sku") != "kept" || v.Get("in/items/0/count") != "300" || v.Get("delay") != "soon" {
		t.Errorf("what was typed is not kept: %v", v)
	}
	v.Set("in/items/0/count", "3")
	v.Set("labels", "team=red\nkind = a=b")
	v.Set("delay", "")
	v.Set("in/code", "bad")
	form, v = do(v, "start", http.StatusBadRequest)
	if !strings.Contains(text(form), "no such code") {
		t.Errorf("what the codec refused is not said: %s", text(form))
	}
	v.Set("in/code", "good")
	_, v = do(v, "raw", http.StatusOK)
	if !strings.Contains(v.Get("raw"), `"sku": "kept"`) || v.Get("mode") != "raw" {
		t.Errorf("as JSON: %v", v)
	}
	form, bad := s.startForm(s.post("/ui/workflows/shop", url.Values{"mode": {"raw"}, "raw": {"{"}, "do": {"start"}}), http.StatusBadRequest)
	if !strings.Contains(text(form), "This is not JSON") || bad.Get("raw") != "{" {
		t.Errorf("broken JSON: %s", text(form))
	}
	_, v = do(v, "form", http.StatusOK)
	v.Set("do", "start")
	v.Set("queue", "mails")
	v.Set("priority", "7")
	a := s.post("/ui/workflows/shop", v)
	twice := s.post("/ui/workflows/shop", v)
	to := a.header.Get("Location")
	if a.code != http.StatusSeeOther || to != twice.header.Get("Location") {
		t.Fatalf("started: %d to %s; sent twice: %d to %s\n%s", a.code, to, twice.code, twice.header.Get("Location"), a.body)
	}
	id := strings.TrimSuffix(strings.TrimPrefix(to, "/ui/runs/"), "?note=started")
	run, err := s.rt.Wait(t.Context(), id)
	if err != nil || run.Status != store.Succeeded || run.Queue != "mails" || run.Priority != 7 || run.Labels["team"] != "red" || run.Labels["kind"] != "a=b" {
		t.Fatalf("the run: %+v, %v", run, err)
	}
	if in := string(run.Output); !strings.Contains(in, `"sku":"kept","count":3`) || !strings.Contains(in, `"gift":true`) {
		t.Errorf("its output: %s", in)
	}
	// Another like it.
	_, v = s.startForm(s.get("/ui/workflows/shop?like="+id), http.StatusOK)
	if v.Get("in/customer") != hostile || v.Get("in/items/0/count") != "3" || v.Get("labels") != "kind=a=b\nteam=red\n" || v.Get("queue") != "mails" {
		t.Errorf("another like it: %v", v)
	}
	v.Set("id", id)
	if a := s.post("/ui/workflows/shop", v); a.header.Get("Location") != "/ui/runs/"+id+"?note=existed" {
		t.Errorf("an id that is taken leads to %s", a.header.Get("Location"))
	}
	v.Set("id", "no/id")
	if form, _ := do(v, "start", http.StatusBadRequest); !strings.Contains(text(form), "want 1 to 200 letters") {
		t.Errorf("a bad id: %s", text(form))
	}
}

// TestStartOptionsAreMended: an option that is wrong is in the summary, open and
// with the keyboard at it; what its control shows is what is taken.
func TestStartOptionsAreMended(t *testing.T) {
	s := newSite(t, ui.Config{}, shop())
	for name, bad := range map[string]string{"id": "no/id", "delay": "soon", "priority": "high", "deadline": "tomorrow", "labels": "nonsense"} {
		for _, mode := range []string{"form", "raw"} {
			form, _ := s.startForm(s.post("/ui/workflows/shop", url.Values{"mode": {mode}, "raw": {"{}"}, "do": {"start"}, name: {bad}}), http.StatusBadRequest)
			var focus []string
			for n := range form.Descendants() {
				if n.Type == html.ElementNode && hasAttr(n, "autofocus") {
					focus = append(focus, attr(n, "id"))
				}
			}
			if len(find(form, "a", "href", "#o-"+name)) != 1 || len(focus) != 1 || focus[0] != "o-"+name || !hasAttr(find(form, "details", "class", "options")[0], "open") {
				t.Errorf("%s as %s: focus at %v: %s", name, mode, focus, text(form))
			}
		}
	}
	form, _ := s.startForm(s.post("/ui/workflows/shop", url.Values{"mode": {"form"}, "do": {"start"}, "deadline": {"tomorrow"}}), http.StatusBadRequest)
	shown := attr(find(form, "input", "id", "o-deadline")[0], "placeholder")
	if !strings.Contains(text(find(form, "p", "id", "o-deadline-e")[0]), shown) {
		t.Errorf("the control shows %q, the error another form: %s", shown, text(form))
	}
	form, _ = s.startForm(s.post("/ui/workflows/shop", url.Values{"mode": {"form"}, "do": {"start"}, "deadline": {shown}, "delay": {"soon"}}), http.StatusBadRequest)
	if len(find(form, "p", "id", "o-deadline-e")) != 0 {
		t.Errorf("%q is shown, and not taken", shown)
	}
}

// TestStartRefusals: what is not there, and what is too large.
func TestStartRefusals(t *testing.T) {
	s := newSite(t, ui.Config{}, shop())
	other := s.ended("echo", `1`)
	for path, code := range map[string]int{"/ui/workflows/none": 404, "/ui/workflows/shop?like=none": 404, "/ui/workflows/shop?like=" + other.ID: 400, "/ui/workflows/shop?like=" + url.QueryEscape(hostile): 400} {
		if a := s.get(path); a.code != code {
			t.Errorf("%s: %d, want %d", path, a.code, code)
		}
	}
	if a := s.post("/ui/workflows/none", nil); a.code != http.StatusNotFound {
		t.Errorf("no such workflow: %d", a.code)
	}
	if a := s.post("/ui/workflows/shop", url.Values{"in/customer": {strings.Repeat("x", 2<<20)}}); a.code != http.StatusRequestEntityTooLarge {
		t.Errorf("two megabytes: %d, want 413", a.code)
	}
	if a := s.post("/ui/workflows/shop", url.Values{"in/customer": {"a\xffb"}}); a.code != http.StatusBadRequest || !strings.Contains(a.body, "not UTF-8") {
		t.Errorf("invalid UTF-8: %d", a.code)
	}
	if a := s.do(http.MethodPost, "/ui/workflows/shop", "%zz", "Content-Type", "application/x-www-form-urlencoded"); a.code != http.StatusBadRequest {
		t.Errorf("a form that is none: %d", a.code)
	}
}

// TestWorkflows lists what is registered, with the newest runs counted.
func TestWorkflows(t *testing.T) {
	s := newSite(t, ui.Config{}, shop())
	for range 3 {
		s.ended("echo", `1`)
	}
	s.ended("fail", `"x"`)
	doc := s.page("/ui/workflows")
	if body := text(doc); !strings.Contains(body, "echov-testsucceeded 3") || !strings.Contains(body, "failv-testfailed 1") {
		t.Errorf("the list: %s", body)
	}
	if len(find(doc, "a", "href", "/ui/runs?workflow=echo&status=succeeded")) != 1 {
		t.Error("the counts are no links")
	}
}
