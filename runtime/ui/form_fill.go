package ui

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// formValues fills a form from JSON: the values that, typed into the form for the
// schema, would give it. It reports false when there are none, because the JSON
// has what the form has no control for.
func formValues(s *jsonschema.Schema, text []byte) (url.Values, bool) {
	values := url.Values{}
	if len(text) == 0 {
		return values, true
	}
	if s == nil {
		s = &jsonschema.Schema{}
	}
	if !flatten(values, inputName, text, 0) {
		return nil, false
	}
	got, ok := newForm(s, values).fill(text).JSON()
	if !ok || !sameJSON(got, text) {
		return nil, false
	}
	return newForm(s, values).fill(text).typed(), true
}

// flatten names a control for each list item of a JSON value, so that a form
// has as many of them. It reports false when that is more than one has.
func flatten(values url.Values, name string, text json.RawMessage, depth int) bool {
	var list []json.RawMessage
	var object map[string]json.RawMessage
	switch {
	case depth > maxDepth: // there a form has JSON
	case json.Unmarshal(text, &list) == nil && list != nil:
		if len(list) > maxItems {
			return false
		}
		for i, v := range list {
			item := name + "/" + strconv.Itoa(i)
			values.Set(item, "")
			if !flatten(values, item, v, depth+1) {
				return false
			}
		}
	case json.Unmarshal(text, &object) == nil:
		for key, v := range object {
			if !flatten(values, name+"/"+pointer.Replace(key), v, depth+1) {
				return false
			}
		}
	}
	return len(values) <= maxFields
}

// fill types a JSON value into a field and those in it.
func (f *formField) fill(text json.RawMessage) *formField {
	switch f.Kind {
	case controlGroup:
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) == nil {
			for _, c := range f.Fields {
				if v, ok := object[c.Label]; ok {
					c.fill(v)
				}
			}
		}
		return f
	case controlList:
		var list []json.RawMessage
		if json.Unmarshal(text, &list) == nil {
			for i, v := range list[:min(len(list), len(f.Fields))] {
				f.Fields[i].fill(v)
			}
		}
		return f
	case controlCheck:
		if string(text) == "true" {
			f.Value = "true"
		}
		return f
	case controlJSON:
		f.Value = indented(text)
		return f
	}
	if string(text) != "null" {
		f.Value = plain(text)
	}
	return f
}

// typed returns what is in the controls.
func (f *formField) typed() url.Values {
	values := url.Values{}
	var walk func(*formField)
	walk = func(f *formField) {
		if f.Kind != controlGroup && f.Kind != controlList && (f.Value != "" || f.Item) || f.Item {
			values.Set(f.Name, f.Value)
		}
		for _, c := range f.Fields {
			walk(c)
		}
	}
	walk(f)
	return values
}

// indented is JSON as people read it.
func indented(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// sameJSON reports whether two JSON texts have the same meaning; what is null,
// false, zero or empty counts like what is not there.
func sameJSON(a, b []byte) bool {
	var x, y any
	return decodeExact(a, &x) == nil && decodeExact(b, &y) == nil && same(x, y)
}

func decodeExact(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}

func same(a, b any) bool {
	if empty(a) && empty(b) {
		return true
	}
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for k := range a {
			if !same(a[k], b[k]) {
				return false
			}
		}
		for k := range b {
			if _, ok := a[k]; !ok && !empty(b[k]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		x, errX := strconv.ParseFloat(string(a), 64)
		y, errY := strconv.ParseFloat(string(b), 64)
		return ok && (a == b || errX == nil && errY == nil && x == y)
	case string:
		b, ok := b.(string)
		if s, err := parseTime(a); err == nil && ok {
			if t, err := parseTime(b); err == nil {
				return s.Equal(t)
			}
		}
	}
	return a == b
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		return strings.Trim(string(v), "-0.eE+") == ""
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}
