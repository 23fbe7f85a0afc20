package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// jsonMost is how much of a value a page shows, in bytes.
	jsonMost = 64 << 10
	// jsonTree is how much of a page a tree may be, in bytes.
	jsonTree = 256 << 10
	// jsonDeep is how deep it is taken apart; what is deeper is shown as text.
	jsonDeep = 24
)

// jsonHTML shows a stored value: JSON as a tree that folds, anything else as
// text, or in base64 when it is none. What is too much for a page is cut, and
// the page says so.
func jsonHTML(data []byte) template.HTML {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return `<p class="muted">none</p>`
	}
	if len(data) <= jsonMost && json.Valid(data) {
		v := jsonView{dec: json.NewDecoder(bytes.NewReader(data))}
		v.dec.UseNumber()
		if v.value(0) == nil {
			return template.HTML(`<div class="json">` + string(v.b) + `</div>`)
		}
	}
	var text string
	switch cut := data[:min(len(data), jsonMost)]; {
	case utf8.Valid(data):
		text = string(cut)
	default:
		text = base64.StdEncoding.EncodeToString(cut)
	}
	s := `<pre class="json">` + html.EscapeString(strings.ToValidUTF8(text, "\ufffd")) + `</pre>`
	if len(data) > jsonMost {
		s += `<p class="muted">The first ` + bytesText(jsonMost) + ` of ` + bytesText(int64(len(data))) + `.</p>`
	}
	return template.HTML(s)
}

// jsonView writes a value as nested details. Keys and strings are escaped here.
type jsonView struct {
	dec *json.Decoder
	b   []byte
	n   int // bytes written in all
}

func (v *jsonView) write(s string) {
	v.b = append(v.b, s...)
	v.n += len(s)
}

var errDeep = errors.New("too deep, or too much")

func (v *jsonView) value(depth int) error {
	if depth > jsonDeep || v.n > jsonTree {
		return errDeep
	}
	tok, err := v.dec.Token()
	if err != nil {
		return err
	}
	switch t := tok.(type) {
	case json.Delim:
		return v.nested(t, depth)
	case string:
		q, err := quote(t)
		if err != nil {
			return err
		}
		v.write(`<span class="j-s">` + html.EscapeString(q) + `</span>`)
	case json.Number:
		v.write(`<span class="j-n">` + html.EscapeString(t.String()) + `</span>`)
	case bool:
		v.write(`<span class="j-w">` + strconv.FormatBool(t) + `</span>`)
	default:
		v.write(`<span class="j-w">null</span>`)
	}
	return nil
}

// nested writes an object or an array, after its first delimiter.
func (v *jsonView) nested(open json.Delim, depth int) error {
	shut, word := "}", "key"
	if open == '[' {
		shut, word = "]", "item"
	}
	if !v.dec.More() {
		v.write(`<span class="j-p">` + open.String() + shut + `</span>`)
		_, err := v.dec.Token()
		return err
	}
	outer := v.b
	v.b = nil
	n := 0
	for ; v.dec.More(); n++ {
		v.write("<li>")
		if open == '{' {
			key, err := v.dec.Token()
			if err != nil {
				return err
			}
			k, _ := key.(string)
			q, err := quote(k)
			if err != nil {
				return err
			}
			v.write(`<span class="j-k">` + html.EscapeString(q) + `</span>: `)
		}
		if err := v.value(depth + 1); err != nil {
			return err
		}
		v.write("</li>")
	}
	if _, err := v.dec.Token(); err != nil {
		return err
	}
	items := string(v.b)
	v.b = outer
	isOpen := ""
	if depth < 3 && n <= 50 {
		isOpen = " open"
	}
	v.write(`<details` + isOpen + `><summary>` + open.String() + ` <span class="j-c">` + plural(n, word) + `</span></summary><ul>` + items + `</ul><span class="j-p">` + shut + `</span></details>`)
	return nil
}

// quote writes a string as JSON does, without what is only for HTML.
func quote(s string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n"), err
}
