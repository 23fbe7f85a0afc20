package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// JSON puts together what was typed. A field that was left empty is left out,
// so that it has its zero value. Where a field is wrong it says so in its
// Error, and JSON reports false.
func (f *formField) JSON() (text []byte, ok bool) {
	text, _ = f.value()
	if f.Wrong() {
		return nil, false
	}
	return text, true
}

// value returns the JSON of a field; false: it was left empty.
func (f *formField) value() (json.RawMessage, bool) {
	switch f.Kind {
	case controlGroup:
		return f.object()
	case controlList:
		return f.array()
	case controlCheck:
		return json.RawMessage("true"), f.Value != ""
	}
	if f.Value == "" {
		return nil, false
	}
	if !utf8.ValidString(f.Value) {
		f.Error = "This is not UTF-8."
		return nil, false
	}
	text, err := f.scalar()
	if err != nil {
		f.Error = err.Error()
		return nil, false
	}
	return text, true
}

func (f *formField) object() (json.RawMessage, bool) {
	out := []byte{'{'}
	for _, c := range f.Fields {
		v, ok := c.value()
		if !ok {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		key, err := json.Marshal(c.Label)
		if err != nil {
			continue // a string is always encoded
		}
		out = append(append(append(out, key...), ':'), v...)
	}
	// An object in another is left out with all that is in it.
	return append(out, '}'), len(out) > 1 || f.Name == inputName || f.Item
}

func (f *formField) array() (json.RawMessage, bool) {
	out := []byte{'['}
	for i, c := range f.Fields {
		v, ok := c.value()
		if !ok {
			v = c.zero()
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, v...)
	}
	return append(out, ']'), len(f.Fields) > 0
}

// zero is what an item is that was left empty: its place in the list counts.
func (f *formField) zero() json.RawMessage {
	switch {
	case f.Kind == controlText && f.schema.ContentEncoding == "" && !f.Nullable:
		return json.RawMessage(`""`)
	case f.Kind == controlCheck:
		return json.RawMessage("false")
	case f.Kind == controlList:
		return json.RawMessage("[]")
	}
	// To encoding/json null is the zero value of whatever type.
	return json.RawMessage("null")
}

// complaint is what a person is told beside what they typed: a sentence.
type complaint string

func (c complaint) Error() string { return string(c) }

var (
	errInteger = complaint("Want a whole number, such as 42.")
	errNumber  = complaint("Want a number, such as 1.5.")
	errTime    = complaint("Want a date and a time, such as 2026-01-31T12:00:00 or 2026-01-31T12:00:00Z.")
	errBase64  = complaint("Want bytes in base64.")
)

// scalar is the JSON of what was typed into one control.
func (f *formField) scalar() (json.RawMessage, error) {
	v := f.Value
	trimmed := strings.TrimSpace(v)
	switch f.Kind {
	case controlInteger:
		n, ok := new(big.Int).SetString(trimmed, 10)
		if !ok || len(trimmed) > 100 || strings.Contains(trimmed, "_") {
			return nil, errInteger
		}
		if err := f.within(new(big.Float).SetInt(n)); err != nil {
			return nil, err
		}
		return json.RawMessage(n.String()), nil
	case controlNumber:
		n, err := strconv.ParseFloat(trimmed, 64)
		if err != nil || n != n || n-n != 0 || strings.ContainsAny(trimmed, "xX_") {
			return nil, errNumber
		}
		if err := f.within(big.NewFloat(n)); err != nil {
			return nil, err
		}
		if json.Valid([]byte(trimmed)) {
			return json.RawMessage(trimmed), nil
		}
		return json.RawMessage(strconv.FormatFloat(n, 'g', -1, 64)), nil
	case controlTime:
		at, err := parseTime(trimmed)
		if err != nil {
			return nil, err
		}
		return json.Marshal(at)
	case controlChoice:
		return f.chosen()
	case controlJSON:
		return compact(v)
	}
	if f.schema.ContentEncoding == "base64" {
		if _, err := base64.StdEncoding.DecodeString(trimmed); err != nil {
			return nil, errBase64
		}
		v = trimmed
	}
	return asJSON(v)
}

// asJSON is a text as JSON, as it stands: without the escapes for HTML.
func asJSON(v string) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// compact checks JSON that was typed.
func compact(text string) (json.RawMessage, error) {
	if err := json.Unmarshal([]byte(text), new(any)); err != nil {
		if se, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, complaint("This is not JSON: " + se.Error() + ", at byte " + strconv.FormatInt(se.Offset, 10) + ". A text needs quotes.")
		}
		return nil, complaint("This is not JSON: " + err.Error() + ".")
	}
	var b bytes.Buffer
	err := json.Compact(&b, []byte(text))
	return b.Bytes(), err
}

// within checks the bounds of a number.
func (f *formField) within(n *big.Float) error {
	if low := f.schema.Minimum; low != nil && n.Cmp(big.NewFloat(*low)) < 0 {
		return complaint("Want " + f.Min + " or more.")
	}
	if high := f.schema.Maximum; high != nil && n.Cmp(big.NewFloat(*high)) > 0 {
		return complaint("Want " + f.Max + " or less.")
	}
	return nil
}

// chosen is the JSON of the option that was chosen.
func (f *formField) chosen() (json.RawMessage, error) {
	if len(f.schema.Enum) == 0 {
		if f.Value == "true" || f.Value == "false" {
			return json.RawMessage(f.Value), nil
		}
	}
	for _, e := range f.schema.Enum {
		if text, err := json.Marshal(e); err == nil && plain(text) == f.Value {
			return text, nil
		}
	}
	return nil, complaint("Want one of: " + strings.Join(f.Options, ", ") + ".")
}

// parseTime reads a time: one without a zone is UTC.
func parseTime(v string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, v); err == nil && t.Year() >= 0 && t.Year() < 9999 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errTime
}
