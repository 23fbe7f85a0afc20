package ui

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// FuzzListFilter: what is read from a query is written so that it is read as
// the same.
func FuzzListFilter(f *testing.F) {
	for _, query := range []string{
		"", "status=failed&status=stuck&label=k%3Dv&label=k%3D&since=1h&until=2026-01-01&limit=1000", "id=%20x&queue=-&version=v&parent=p&workflow=w",
		"before=7&trail=0.9.x&limit=10000", "label=%3D&status=&since=-1h&limit=x", "until=9999-12-31T23:59:59Z",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		read, err := readFilter(q)
		if err != nil {
			return
		}
		if read.Limit < 1 || read.Limit > mostRows || len(read.Trail) > mostTrail || read.Before < 0 {
			t.Errorf("%q is read as %+v", query, read)
		}
		again, err := readFilter(read.older(5))
		if err != nil || again.Before != 5 {
			t.Fatalf("%q is written as %q, which is not read: %v", query, read.older(5).Encode(), err)
		}
		read.Before, again.Before, read.Trail, again.Trail = 0, 0, nil, nil
		if diff := cmp.Diff(read, again); diff != "" {
			t.Errorf("%q comes back otherwise (-was +is):\n%s", query, diff)
		}
	})
}

// FuzzJSON: whatever a run has stored makes no element of its own.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `"<script>"`, `{"<img src=x onerror=y>":"&lt;"}`, "\xff\x00", `[[[[`, `"\u2028\u202e</pre>"`, `</div>`} {
		f.Add([]byte(s))
	}
	elements := []string{"html", "head", "body", "div", "pre", "p", "span", "details", "summary", "ul", "li"}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := html.Parse(strings.NewReader(string(jsonHTML(data))))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.CommentNode || n.Type == html.ElementNode && !slices.Contains(elements, n.Data) {
				t.Errorf("%q has an element %q", data, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key != "class" && a.Key != "open" {
					t.Errorf("%q has an attribute %q", data, a.Key)
				}
			}
		}
	})
}
