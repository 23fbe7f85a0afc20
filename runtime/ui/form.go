package ui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// formField is a control of a form, or several that belong together. What is typed
// into it is kept, right or wrong.
type formField struct {
	// Name is that of the control: a JSON pointer below the form's own name, so
	// that any name of a property can be in it.
	Name  string
	Label string
	Help  string
	Kind  control
	Value string
	Error string
	// Options are what can be chosen.
	Options []string
	// Fields are those of a group, or the items of a list.
	Fields   []*formField
	Item     bool // it is one of a list
	Nullable bool
	Min, Max string // of a number; empty: no bound
	schema   *jsonschema.Schema
}

// control says what a field looks like.
type control string

const (
	controlText    control = "text"
	controlNumber  control = "number"
	controlInteger control = "integer"
	controlCheck   control = "check"  // set or not
	controlChoice  control = "choice" // one of the options
	controlTime    control = "time"
	controlGroup   control = "group" // an object
	controlList    control = "list"
	controlJSON    control = "json" // what no control fits
)

const (
	// inputName begins the names of the controls for the input.
	inputName = "in"
	maxDepth  = 6    // of fields in one another
	maxFields = 400  // of one form
	maxItems  = 100  // of one list
	longText  = 1000 // bytes from which a text gets more than a line
)

// formBuilder makes the fields for a schema, with what was typed.
type formBuilder struct {
	values url.Values
	// items is how many items each list has, by name, as far as values tell.
	items map[string]int
	count int
	root  *jsonschema.Schema
}

// newForm returns the field for the input of a workflow. Values are those of
// the form as it was sent; nil: it is empty.
func newForm(s *jsonschema.Schema, values url.Values) *formField {
	b := &formBuilder{values: values, items: listSizes(values), root: s}
	if s == nil {
		s = &jsonschema.Schema{}
	}
	f := b.field(inputName, "", s, 0)
	if f.Kind != controlGroup {
		f.Label = "Input"
	}
	return f
}

// listSizes counts the items of lists by the names of controls.
func listSizes(values url.Values) map[string]int {
	sizes := map[string]int{}
	for name := range values {
		for at := 0; ; {
			next := strings.IndexByte(name[at:], '/')
			if next < 0 {
				break
			}
			at += next + 1
			index, _, _ := strings.Cut(name[at:], "/")
			if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < maxItems && strconv.Itoa(i) == index {
				list := name[:at-1]
				sizes[list] = max(sizes[list], i+1)
			}
		}
	}
	return sizes
}

// pointer escapes a name of a property, as RFC 6901 has it.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func (b *formBuilder) field(name, label string, s *jsonschema.Schema, depth int) *formField {
	b.count++
	typ, null := typeOf(s)
	f := &formField{Name: name, Label: label, Help: s.Description, Nullable: null, Value: b.values.Get(name), schema: s}
	switch {
	case len(s.Enum) > 0:
		f.Kind = controlChoice
		for _, e := range s.Enum {
			if text, err := json.Marshal(e); err == nil && e != nil {
				f.Options = append(f.Options, plain(text))
			}
		}
	case b.count > maxFields || depth > maxDepth:
		f.Kind = controlJSON
	case typ == "object" && len(s.Properties) > 0:
		f.Kind = controlGroup
		for _, key := range propertiesOf(s) {
			f.Fields = append(f.Fields, b.field(name+"/"+pointer.Replace(key), key, s.Properties[key], depth+1))
		}
	case typ == "array" && s.Items != nil && len(s.PrefixItems) == 0:
		f.Kind = controlList
		n := b.items[name]
		if s.MinItems != nil {
			n = max(n, min(*s.MinItems, maxItems))
		}
		for i := range n {
			item := b.field(name+"/"+strconv.Itoa(i), strconv.Itoa(i+1), s.Items, depth+1)
			item.Item = true
			f.Fields = append(f.Fields, item)
		}
	case typ == "string" && s.Format == "date-time":
		f.Kind = controlTime
	case typ == "string":
		f.Kind = controlText
	case typ == "boolean" && null:
		f.Kind, f.Options = controlChoice, []string{"true", "false"}
	case typ == "boolean":
		f.Kind = controlCheck
	case typ == "integer":
		f.Kind, f.Min, f.Max = controlInteger, bound(s.Minimum), bound(s.Maximum)
	case typ == "number":
		f.Kind, f.Min, f.Max = controlNumber, bound(s.Minimum), bound(s.Maximum)
	default:
		f.Kind = controlJSON
	}
	return f
}

// typeOf returns the one type besides null that a schema allows, empty when
// that is not one.
func typeOf(s *jsonschema.Schema) (typ string, null bool) {
	types := s.Types
	if s.Type != "" {
		types = []string{s.Type}
	}
	null = slices.Contains(types, "null")
	types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "null" })
	if len(types) != 1 || s.Ref != "" {
		return "", null
	}
	return types[0], null
}

// propertiesOf lists the names of properties in the order of their definition.
func propertiesOf(s *jsonschema.Schema) []string {
	var names, rest []string
	for _, n := range s.PropertyOrder {
		if s.Properties[n] != nil {
			names = append(names, n)
		}
	}
	for n := range s.Properties {
		if !slices.Contains(names, n) {
			rest = append(rest, n)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

func bound(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// plain is a JSON value as an option shows it: a string without its quotes.
func plain(text []byte) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return string(text)
}

// ID is the control's id in the page.
func (f *formField) ID() string {
	id := []byte("f-")
	for _, c := range []byte(f.Name) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			id = append(id, c)
		} else {
			id = fmt.Appendf(id, "_%02x", c)
		}
	}
	return string(id)
}

// Long reports whether the text needs more than a line.
func (f *formField) Long() bool { return len(f.Value) > longText || strings.Contains(f.Value, "\n") }

// Full reports whether a list takes no more items.
func (f *formField) Full() bool {
	most := maxItems
	if f.schema.MaxItems != nil {
		most = min(most, *f.schema.MaxItems)
	}
	return len(f.Fields) >= most
}

// Fixed reports whether a list has the items it must have.
func (f *formField) Fixed() bool {
	return f.schema.MinItems != nil && len(f.Fields) <= *f.schema.MinItems
}

// find returns the field of a name; nil: there is none.
func (f *formField) find(name string) *formField {
	if f.Name == name {
		return f
	}
	for _, c := range f.Fields {
		if name == c.Name || strings.HasPrefix(name, c.Name+"/") {
			return c.find(name)
		}
	}
	return nil
}

// Wrong reports whether the field, or one in it, has an error.
func (f *formField) Wrong() bool {
	return f.Error != "" || slices.ContainsFunc(f.Fields, (*formField).Wrong)
}

// Wrongs lists the fields with an error, for a summary above the form.
func (f *formField) Wrongs() (all []*formField) {
	if f.Error != "" {
		all = append(all, f)
	}
	for _, c := range f.Fields {
		all = append(all, c.Wrongs()...)
	}
	return all
}

// addItem gives a list of the form one more item.
func (f *formField) addItem(values url.Values, list string) {
	if l := f.find(list); l != nil && l.Kind == controlList && !l.Full() {
		values.Set(list+"/"+strconv.Itoa(len(l.Fields)), "")
	}
}

// removeItem takes an item out of a list of the form, and moves those after it
// up.
func (f *formField) removeItem(values url.Values, item string) {
	l := f.find(item)
	if l == nil || !l.Item {
		return
	}
	list := item[:strings.LastIndexByte(item, '/')+1]
	gone, err := strconv.Atoi(item[len(list):])
	if err != nil {
		return
	}
	moved := url.Values{}
	for name, v := range values {
		if rest, ok := strings.CutPrefix(name, list); ok {
			index, below, deep := strings.Cut(rest, "/")
			i, err := strconv.Atoi(index)
			if err == nil && i == gone {
				continue
			}
			if err == nil && i > gone {
				name = list + strconv.Itoa(i-1)
				if deep {
					name += "/" + below
				}
			}
		}
		moved[name] = v
	}
	clear(values)
	maps.Copy(values, moved)
}

// first is the first control in a field.
func (f *formField) first() *formField {
	for len(f.Fields) > 0 {
		f = f.Fields[0]
	}
	return f
}

// dotted returns the field that the decoder calls by this path, which counts no
// items of lists; nil: there is none.
func (f *formField) dotted(path string) *formField {
	for _, c := range f.Fields {
		rest := path
		if !c.Item {
			var ok bool
			if rest, ok = strings.CutPrefix(path, c.Label); !ok {
				continue
			}
			if rest == "" {
				return c
			}
			if rest, ok = strings.CutPrefix(rest, "."); !ok {
				continue
			}
		}
		if found := c.dotted(rest); found != nil {
			return found
		}
	}
	return nil
}

// Bounds tells what a number may be.
func (f *formField) Bounds() string {
	switch {
	case f.Min != "" && f.Max != "":
		return f.Min + " to " + f.Max
	case f.Min != "":
		return f.Min + " or more"
	case f.Max != "":
		return f.Max + " or less"
	case f.schema.ContentEncoding == "base64":
		return "bytes in base64"
	}
	return ""
}

// pickerForm is how a browser's control for a time has it: to the millisecond.
const pickerForm = "2006-01-02T15:04:05.999"

// Picker reports whether the browser's control can show the time.
func (f *formField) Picker() bool {
	t, err := parseTime(f.Value)
	return f.Value == "" || err == nil && t.Truncate(time.Millisecond).Equal(t)
}

// PickerValue is the time for the browser's control.
func (f *formField) PickerValue() string {
	if t, err := parseTime(f.Value); err == nil {
		return t.Format(pickerForm)
	}
	return ""
}
