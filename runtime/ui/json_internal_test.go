package ui

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestJSON(t *testing.T) {
	deep := strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100)
	for _, c := range []struct{ in, want string }{
		{``, "none"},
		{`{"a":[1,2.50,1e400,true,null,"x"],"b":{}}`, `{ 2 keys"a": [ 6 items12.501e400truenull"x"]"b": {}}`},
		{`"<script>alert(1)</script>"`, `"<script>alert(1)</script>"`},
		{`{"<b>":"&amp;"}`, `{ 1 key"<b>": "&amp;"}`},
		{`{"a":1}{`, `{"a":1}{`},
		{"\xff\xfe", "//4="},
		{deep, deep},
		{`{"a":1,"a":2}`, `{ 2 keys"a": 1"a": 2}`},
	} {
		got := string(jsonHTML([]byte(c.in)))
		doc, err := html.Parse(strings.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for n := range doc.Descendants() {
			if n.Type == html.TextNode {
				text.WriteString(n.Data)
			}
			if n.Data == "script" || n.Data == "b" {
				t.Errorf("%q became an element:\n%s", c.in, got)
			}
		}
		if text.String() != c.want {
			t.Errorf("%.60q reads %q, want %q\n%s", c.in, text.String(), c.want, got)
		}
	}
	// Many small values are far more as a tree than as text.
	if got := string(jsonHTML([]byte("[" + strings.Repeat("[],", 20_000) + "1]"))); len(got) > jsonMost+200 || !strings.HasPrefix(got, "<pre") {
		t.Errorf("%d bytes of small values: %.100q", len(got), got)
	}
	large := `"` + strings.Repeat("é", jsonMost) + `"`
	if got := string(jsonHTML([]byte(large))); len(got) > jsonMost+200 || !strings.Contains(got, "The first") {
		t.Errorf("of %d bytes %d are shown: %.200s", len(large), len(got), got[len(got)-100:])
	}
}
