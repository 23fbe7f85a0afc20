package ui_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// faults lists what no page may have: what the Content-Security-Policy would
// refuse, what asks another server, and what somebody who does not see the page
// could not use.
func faults(doc *html.Node) (found []string) {
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	ids := map[string]int{}
	labelled := map[string]bool{}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			report("%d elements have the id %q", n, id)
		}
	}
	headings := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"), strings.HasPrefix(a.Key, "hx-vals") && strings.HasPrefix(a.Val, "js"):
				report("<%s> has a handler %s", n.Data, a.Key)
			case a.Key == "style":
				report("<%s> has an inline style", n.Data)
			case slices.Contains([]string{"href", "src", "action", "formaction", "hx-get", "hx-post", "sse-connect"}, a.Key) && foreign(a.Val):
				report("<%s> leads to %q", n.Data, a.Val)
			case strings.HasPrefix(a.Key, "aria-labelledby"), a.Key == "aria-describedby", a.Key == "aria-controls", a.Key == "popovertarget":
				if n.Data == "dialog" {
					continue // its content is fetched
				}
				for _, id := range strings.Fields(a.Val) {
					if ids[id] == 0 {
						report("<%s> names %s=%q, which is not there", n.Data, a.Key, id)
					}
				}
			}
		}
		switch n.Data {
		case "h1":
			headings++
		case "style", "iframe", "object", "embed", "base":
			report("there is a <%s>", n.Data)
		case "script":
			if attr(n, "src") == "" || n.FirstChild != nil {
				report("there is an inline script")
			}
		case "img":
			if !hasAttr(n, "alt") {
				report("an image has no alt")
			}
		case "input", "select", "textarea":
			t := attr(n, "type")
			if t == "hidden" || t == "submit" {
				continue
			}
			if !labelled[attr(n, "id")] && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" && !inside(n, "label") {
				report("<%s name=%q> has no label", n.Data, attr(n, "name"))
			}
		case "button", "a":
			if strings.TrimSpace(text(n)) == "" && attr(n, "aria-label") == "" {
				report("a <%s> to %q has no text", n.Data, attr(n, "href"))
			}
		case "form":
			if m := attr(n, "method"); m != "post" && m != "get" {
				report("a form has the method %q", m)
			}
		case "th":
			if strings.TrimSpace(text(n)) == "" && attr(n, "aria-label") == "" {
				report("a <th> has no text")
			}
		}
	}
	if headings != 1 {
		report("%d headings of the first level, want 1", headings)
	}
	return found
}

// foreign tells whether an address leads to another server or runs something.
func foreign(u string) bool {
	return strings.HasPrefix(u, "//") || strings.Contains(strings.SplitN(u, "/", 2)[0], ":")
}

// TestFaults: pages with something that they may not have.
func TestFaults(t *testing.T) {
	for page, want := range map[string]string{
		`<h1>x</h1><a href="/x" onclick="y()">x</a>`:                   "handler",
		`<h1>x</h1><p style="color:red">x`:                             "inline style",
		`<h1>x</h1><script>x()</script>`:                               "inline script",
		`<h1>x</h1><a href="https://other.example/">x</a>`:             "leads to",
		`<h1>x</h1><a href="javascript:x()">x</a>`:                     "leads to",
		`<h1>x</h1><input name="a">`:                                   "no label",
		`<h1>x</h1><a href="/x"></a>`:                                  "no text",
		`<h1>x</h1><p id="a"></p><p id="a"></p>`:                       "have the id",
		`<h1>x</h1><img src="/x">`:                                     "no alt",
		`<p>x`:                                                         "headings",
		`<h1>x</h1><label for="a">A</label><input id="a" name="a"><p>`: "",
	} {
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(faults(doc), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func inside(n *html.Node, tag string) bool {
	for p := range n.Ancestors() {
		if p.Data == tag {
			return true
		}
	}
	return false
}

// text is all text of a node.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// find returns the elements with the tag and, where attrs are given, their values.
func find(doc *html.Node, tag string, attrs ...string) (nodes []*html.Node) {
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != tag {
			continue
		}
		ok := true
		for i := 0; i+1 < len(attrs); i += 2 {
			ok = ok && attr(n, attrs[i]) == attrs[i+1]
		}
		if ok {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
