package ui

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/schema"
)

type formInner struct {
	Street string `json:"street"`
	Zip    *int   `json:"zip"`
}

// formInput has all that a form has a control for, and names that try to be
// something else in the name of a control.
type formInput struct {
	Text     string                     `json:"text" jsonschema:"what is said"`
	Whole    int                        `json:"whole"`
	Small    uint8                      `json:"small"`
	Real     float64                    `json:"real"`
	Yes      bool                       `json:"yes"`
	Maybe    *bool                      `json:"maybe"`
	At       time.Time                  `json:"at,omitzero"`
	Bytes    []byte                     `json:"bytes"`
	Inner    formInner                  `json:"inner"`
	Far      *formInner                 `json:"far"`
	Tags     []string                   `json:"tags"`
	Lines    []formInner                `json:"lines"`
	Grid     [][]int                    `json:"grid"`
	Pair     [2]bool                    `json:"pair"`
	Free     any                        `json:"free"`
	Map      map[string]int             `json:"map"`
	Node     *formNode                  `json:"node"`
	Odd      string                     `json:"a/b~c.d"`
	Numbered struct{ Zero, One string } `json:"0"`
}

type formNode struct {
	Value int         `json:"value"`
	Next  *formNode   `json:"next"`
	All   []*formNode `json:"all"`
}

func schemaOf(tb testing.TB, v any) *jsonschema.Schema {
	tb.Helper()
	s, err := schema.Of(reflect.TypeOf(v))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestFormRoundTrip: what is typed into each control comes out as JSON that the
// codec reads as what was meant.
func TestFormRoundTrip(t *testing.T) {
	typed := url.Values{
		"in/text": {"a <b>"}, "in/whole": {" 9007199254740993 "}, "in/small": {"255"}, "in/real": {".5"}, "in/yes": {"true"}, "in/maybe": {"false"},
		"in/at": {"2026-01-31T12:30:15.25"}, "in/bytes": {"AAEC"}, "in/inner/street": {"x"}, "in/inner/zip": {"0"}, "in/far/zip": {"7"},
		"in/tags/0": {""}, "in/tags/1": {"two"}, "in/lines/0/street": {"y"}, "in/lines/1/zip": {"3"}, "in/grid/1/0": {"5"},
		"in/pair/1": {"true"}, "in/free": {` {"k": [1, null]} `}, "in/map": {`{"a":1}`}, "in/node/value": {"1"},
		"in/a~1b~0c.d": {"odd"}, "in/0/One": {"1"},
	}
	want := formInput{
		Text: "a <b>", Whole: 9007199254740993, Small: 255, Real: 0.5, Yes: true, Maybe: new(false),
		At: time.Date(2026, 1, 31, 12, 30, 15, 250e6, time.UTC), Bytes: []byte{0, 1, 2}, Inner: formInner{"x", new(0)}, Far: &formInner{Zip: new(7)},
		Tags: []string{"", "two"}, Lines: []formInner{{Street: "y"}, {Zip: new(3)}}, Grid: [][]int{{}, {5}}, Pair: [2]bool{false, true},
		Free: map[string]any{"k": []any{1.0, nil}}, Map: map[string]int{"a": 1}, Odd: "odd",
	}
	want.Numbered.One = "1"
	s := schemaOf(t, formInput{})
	f := newForm(s, typed)
	// What contains itself has no control of its own.
	node := f.find("in/node")
	if node.Kind != controlJSON {
		t.Errorf("a type that contains itself is a %s", node.Kind)
	}
	node.Value, want.Node = `{"value":1,"next":{"value":2}}`, &formNode{Value: 1, Next: &formNode{Value: 2}}
	text, ok := f.JSON()
	if !ok {
		t.Fatalf("wrong: %+v", f.Wrongs()[0])
	}
	var got formInput
	if err := (runtime.JSON{}).Decode(text, &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
	// And back: the form for this JSON gives it again.
	values, ok := formValues(s, text)
	if !ok {
		t.Fatalf("no form for %s", text)
	}
	again, ok := newForm(s, values).JSON()
	if !ok || !sameJSON(again, text) {
		t.Errorf("again %s, want %s", again, text)
	}
}

// TestFormRefuses: each wrong value is an error of its field, and is kept.
func TestFormRefuses(t *testing.T) {
	s := schemaOf(t, formInput{})
	for _, c := range []struct{ name, value, want string }{
		{"in/whole", "1.5", "whole number"}, {"in/whole", "1e3", "whole number"}, {"in/whole", "1_000", "whole number"}, {"in/whole", "0x10", "whole number"},
		{"in/small", "256", "255 or less"}, {"in/small", "-1", "0 or more"}, {"in/real", "NaN", "a number"}, {"in/real", "1e999", "a number"}, {"in/real", "0x1p4", "a number"},
		{"in/at", "yesterday", "a date and a time"}, {"in/at", "2026-13-01T00:00", "a date and a time"}, {"in/bytes", "???", "base64"}, {"in/maybe", "perhaps", "one of: true, false"},
		{"in/free", "{", "not JSON"}, {"in/free", "free text", "needs quotes"}, {"in/text", "\xff", "UTF-8"}, {"in/lines/3/zip", "x", "whole number"},
	} {
		f := newForm(s, url.Values{c.name: {c.value}})
		if text, ok := f.JSON(); ok {
			t.Errorf("%s=%q gives %s", c.name, c.value, text)
			continue
		}
		wrong := f.Wrongs()
		if len(wrong) != 1 || wrong[0].Name != c.name || !strings.Contains(wrong[0].Error, c.want) || wrong[0].Value != c.value {
			t.Errorf("%s=%q: %+v, want an error with %q", c.name, c.value, wrong[0], c.want)
		}
	}
}

// TestFormOfOthers: inputs that are no objects, and schemas not made from Go.
func TestFormOfOthers(t *testing.T) {
	for _, c := range []struct {
		schema, typed string
		kind          control
		want          string
	}{
		{`{"type":"string"}`, "x", controlText, `"x"`},
		{`{"type":"integer"}`, "5", controlInteger, `5`},
		{`{}`, `[1, 2]`, controlJSON, `[1,2]`},
		{`{"enum":["a","b",3]}`, "3", controlChoice, `3`},
		{`{"type":"object","additionalProperties":{"type":"integer"}}`, `{"x":1}`, controlJSON, `{"x":1}`},
		{`{"$ref":"#/$defs/x"}`, `{}`, controlJSON, `{}`},
		{`{"type":["string","integer"]}`, `"s"`, controlJSON, `"s"`},
	} {
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(c.schema), &s); err != nil {
			t.Fatal(err)
		}
		f := newForm(&s, url.Values{"in": {c.typed}})
		if text, ok := f.JSON(); !ok || f.Kind != c.kind || string(text) != c.want {
			t.Errorf("%s with %s: %s %s, want %s %s", c.schema, c.typed, f.Kind, text, c.kind, c.want)
		}
	}
}

// TestFormLists: items come and go, and what was typed into the others stays.
func TestFormLists(t *testing.T) {
	s := schemaOf(t, formInput{})
	v := url.Values{"in/lines/0/street": {"a"}, "in/lines/1/street": {"b"}, "in/lines/2/street": {"c"}, "in/lines/2/zip": {"3"}, "in/text": {"t"}, "in/0/One": {"kept"}}
	f := newForm(s, v)
	f.removeItem(v, "in/lines/1")
	f.removeItem(v, "in/0/One")
	f.removeItem(v, "in/nothing/0")
	want := url.Values{"in/lines/0/street": {"a"}, "in/lines/1/street": {"c"}, "in/lines/1/zip": {"3"}, "in/text": {"t"}, "in/0/One": {"kept"}}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("an item less (-want +got):\n%s", diff)
	}
	f = newForm(s, v)
	f.addItem(v, "in/lines")
	f.addItem(v, "in/text")
	if f = newForm(s, v); len(f.find("in/lines").Fields) != 3 {
		t.Errorf("an item more: %v", v)
	}
	v = url.Values{"in/lines/999999999/street": {"x"}, "in/lines/-1/street": {"x"}, "in/lines/01/street": {"x"}}
	if n := len(newForm(s, v).find("in/lines").Fields); n != 0 {
		t.Errorf("%d items out of names that are of none", n)
	}
	for range maxItems + 5 {
		newForm(s, v).addItem(v, "in/lines")
	}
	if n := len(newForm(s, v).find("in/lines").Fields); n != maxItems {
		t.Errorf("%d items, want no more than %d", n, maxItems)
	}
}

func TestDottedFindsTheField(t *testing.T) {
	f := newForm(schemaOf(t, formInput{}), url.Values{"in/lines/0/zip": {""}})
	for path, want := range map[string]string{"inner.street": "in/inner/street", "lines.zip": "in/lines/0/zip", "text": "in/text", "a/b~c.d": "in/a~1b~0c.d", "none": "", "inner": "in/inner"} {
		got := ""
		if found := f.dotted(path); found != nil {
			got = found.Name
		}
		if got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// FuzzForm: whatever is posted, the form either names what is wrong or gives
// JSON that the codec can read; and it is never larger than its bounds.
func FuzzForm(f *testing.F) {
	f.Add("in/text=a&in/whole=1&in/tags/0=x&in/lines/0/zip=2&in/at=2026-01-01T00:00")
	f.Add("in/grid/0/0=1&in/grid/1/1=2&in/free=%7B%7D&in/node=null&in/pair/0=true")
	f.Add("in/0/One=1&in/a~1b~0c.d=x&in/real=1e-7&in/small=255&in/bytes=AAEC&in/maybe=true")
	s := schemaOf(f, formInput{})
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		form := newForm(s, values)
		text, ok := form.JSON()
		if !ok {
			if len(form.Wrongs()) == 0 {
				t.Fatalf("%q is wrong, and nothing says why", query)
			}
			return
		}
		var in formInput
		if err := (runtime.JSON{}).Decode(text, &in); err != nil && !strings.Contains(err.Error(), "field \"") {
			t.Fatalf("%q gives %s: %v", query, text, err)
		}
		if again, ok := formValues(s, text); ok {
			if back, ok := newForm(s, again).JSON(); !ok || !sameJSON(back, text) {
				t.Fatalf("%s comes back as %s", text, back)
			}
		}
	})
}

// FuzzFormValues: any JSON as the input of an earlier run fills a form with the
// same meaning, or none.
func FuzzFormValues(f *testing.F) {
	f.Add([]byte(`{"text":"a","whole":1,"tags":["x"],"lines":[{"zip":1}],"map":{"a":1}}`))
	f.Add([]byte(`{"lines":[null,{"street":""}],"grid":[[],[1]],"unknown":1}`))
	f.Add([]byte(`[1e999999999]`))
	s := schemaOf(f, formInput{})
	f.Fuzz(func(t *testing.T, text []byte) {
		values, ok := formValues(s, text)
		if !ok || len(text) == 0 {
			return
		}
		if back, ok := newForm(s, values).JSON(); !ok || !sameJSON(back, text) {
			t.Fatalf("%s comes back as %s", text, back)
		}
	})
}
