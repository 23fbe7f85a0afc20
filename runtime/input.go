package runtime

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// CheckInput is an error when an input that came from outside, as JSON, says less or
// more than the workflow takes: nothing at all where it takes no null, or a field
// that its type does not have. Decoding would pass over both, and a run would begin
// with something else than was meant. What a type reads with an UnmarshalJSON of
// its own is left to that, and so is what only another codec than [JSON] can read.
//
// [Runtime.Start] does not ask for it: it takes what another version has written.
// Errors: [ErrInvalid], with what is allowed.
func (rt *Runtime) CheckInput(workflow string, input []byte) error {
	t, ok := rt.InputType(workflow)
	if !ok {
		return nil
	}
	if len(input) == 0 {
		if want := leastJSON(t); want != "" {
			return fmt.Errorf("%w: input of %s is empty: want %s, such as %s", ErrInvalid, workflow, jsonOf(t), want)
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(input))
	d.DisallowUnknownFields()
	err := d.Decode(reflect.New(t).Interface())
	if err == nil || !strings.HasPrefix(err.Error(), unknownField) {
		return nil // whether it can be decoded at all is for Start to say
	}
	if path, known := stranger(t, input); path != "" {
		return fmt.Errorf("%w: input of %s: field %q is not known; known are: %s", ErrInvalid, workflow, path, strings.Join(known, ", "))
	}
	return fmt.Errorf("%w: input of %s: unknown field %s", ErrInvalid, workflow, strings.TrimPrefix(err.Error(), unknownField))
}

// unknownField is how encoding/json says it.
const unknownField = "json: unknown field "

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// readsItself holds for types whose JSON is their own matter.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshaler) || p.Implements(textUnmarshaler)
}

// leastJSON is the JSON of a type's zero value; empty where null, and so nothing,
// may be meant.
func leastJSON(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return ""
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.NumField() == 0 {
			return ""
		}
		return "{}"
	case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
		return ""
	case reflect.String:
		return `""`
	case reflect.Bool:
		return "false"
	case reflect.Array:
		return "[]"
	default:
		return "0"
	}
}

func jsonOf(t reflect.Type) string { return jsonKind(&json.UnmarshalTypeError{Type: t}) }

// stranger finds a field that the type does not have: its path, and the names of
// those beside it that are known.
func stranger(t reflect.Type, data []byte) (path string, known []string) {
	for t.Kind() == reflect.Pointer && !readsItself(t) {
		t = t.Elem()
	}
	if readsItself(t) {
		return "", nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return strangerIn(fieldsOf(t, nil), data)
	case reflect.Map:
		var items map[string]json.RawMessage
		if json.Unmarshal(data, &items) != nil {
			return "", nil
		}
		for _, name := range sortedKeys(items) {
			if path, known := stranger(t.Elem(), items[name]); path != "" {
				return name + "." + path, known
			}
		}
	case reflect.Slice, reflect.Array:
		var items []json.RawMessage
		if json.Unmarshal(data, &items) != nil {
			return "", nil
		}
		for i, item := range items {
			if path, known := stranger(t.Elem(), item); path != "" {
				return fmt.Sprintf("%d.%s", i, path), known
			}
		}
	}
	return "", nil
}

func strangerIn(fields []field, data []byte) (path string, known []string) {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return "", nil
	}
	for _, name := range sortedKeys(object) {
		i := slices.IndexFunc(fields, func(f field) bool { return strings.EqualFold(f.name, name) })
		if i < 0 {
			for _, f := range fields {
				known = append(known, f.name)
			}
			if len(known) == 0 {
				known = []string{"none"}
			}
			return clip(name, 100), known
		}
		if path, known := stranger(fields[i].of, object[name]); path != "" {
			return name + "." + path, known
		}
	}
	return "", nil
}

func sortedKeys(m map[string]json.RawMessage) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// field is one of a struct, as its JSON has it.
type field struct {
	name string
	of   reflect.Type
}

// fieldsOf returns the fields of a struct with those of what is embedded, inside of
// the types given.
func fieldsOf(t reflect.Type, inside []reflect.Type) (fields []field) {
	if slices.Contains(inside, t) {
		return nil
	}
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		of := f.Type
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && name == "" && of.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(of, append(inside, t))...)
		case !f.IsExported():
		case name == "":
			fields = append(fields, field{f.Name, f.Type})
		default:
			fields = append(fields, field{name, f.Type})
		}
	}
	return fields
}
