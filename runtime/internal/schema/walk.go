package schema

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	refPrefix = "#/$defs/"
	// most bounds the schemas of one type: a program's types can be a tree that is written out far longer.
	most = 2000
)

// walk goes through the types that one is made of.
type walk struct {
	Maker
	way   direction
	open  map[reflect.Type]bool   // named types it is inside of
	names map[reflect.Type]string // of those that were met inside themselves
	taken map[string]bool
	defs  map[string]*jsonschema.Schema
	count int
}

// anything is the schema of what cannot be described.
func anything() *jsonschema.Schema { return &jsonschema.Schema{} }

// known are types whose JSON is not to be seen from what they are in Go.
var known = map[reflect.Type]jsonschema.Schema{
	reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
	reflect.TypeFor[time.Duration]():   {Type: "integer", Description: "a duration in nanoseconds"},
	reflect.TypeFor[json.RawMessage](): {},
	reflect.TypeFor[json.Number]():     {Type: "number"},
}

// schema returns that of a type.
func (w *walk) schema(t reflect.Type) *jsonschema.Schema {
	if w.count++; w.count > most {
		return anything()
	}
	if s, ok := w.Types[t]; ok {
		return s.CloneSchemas()
	}
	if s, ok := known[t]; ok {
		return &s
	}
	if s := w.own(t); s != nil {
		return s
	}
	if t.Name() == "" || t.PkgPath() == "" { // it cannot contain itself without a type that has a name
		return w.kind(t)
	}
	if w.open[t] {
		return &jsonschema.Schema{Ref: refPrefix + w.name(t)}
	}
	w.open[t] = true
	defer delete(w.open, t)
	s := w.kind(t)
	name, within := w.names[t]
	if !within {
		return s
	}
	if w.defs == nil {
		w.defs = map[string]*jsonschema.Schema{}
	}
	w.defs[name] = s
	return &jsonschema.Schema{Ref: refPrefix + name}
}

var (
	jsonWriter = reflect.TypeFor[json.Marshaler]()
	textWriter = reflect.TypeFor[encoding.TextMarshaler]()
	jsonReader = reflect.TypeFor[json.Unmarshaler]()
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// own returns the schema of a type that writes or reads itself, nil of one that does not. A method on the
// pointer is called for all that is decoded, but only for some of what is encoded.
//
// A struct that only reads itself has to read what encoding/json writes of it; most do it to check their values.
func (w *walk) own(t reflect.Type) *jsonschema.Schema {
	j, text := jsonReader, textReader
	if w.way == writes {
		j, text = jsonWriter, textWriter
	}
	if t.Kind() == reflect.Interface {
		return nil
	}
	pt := t
	if t.Kind() != reflect.Pointer {
		pt = reflect.PointerTo(t)
	} else if _, ok := known[t.Elem()]; ok || w.Types[t.Elem()] != nil {
		return nil
	}
	switch {
	case pt.Implements(j):
		if w.way == reads && pt.Elem().Kind() == reflect.Struct && !pt.Implements(jsonWriter) && !pt.Implements(textWriter) {
			return nil
		}
		return anything()
	case t.Kind() == reflect.Pointer:
		if t.Elem().Kind() == reflect.Pointer || !pt.Implements(text) {
			return nil
		}
		return nullable(&jsonschema.Schema{Type: "string"})
	case t.Implements(text), pt.Implements(text) && w.way == reads:
		return &jsonschema.Schema{Type: "string"}
	case pt.Implements(text):
		return anything()
	}
	return nil
}

func (w *walk) pointer(t reflect.Type) *jsonschema.Schema {
	e, seen := t, map[reflect.Type]bool{}
	for e.Kind() == reflect.Pointer && !seen[e] {
		seen[e] = true
		e = e.Elem()
	}
	if e.Kind() == reflect.Pointer {
		return anything() // a pointer to itself
	}
	return nullable(w.schema(t.Elem()))
}

// nullable lets a schema have null too.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case s.Ref != "":
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "null"}, s}}
	case s.Type == "":
		return s // it has null already
	}
	s.Type, s.Types = "", []string{"null", s.Type}
	return s
}

// maybe lets the schema of a slice or a map have null too.
func (w *walk) maybe(s *jsonschema.Schema) *jsonschema.Schema {
	if w.Full {
		return s
	}
	return nullable(s)
}

// kind returns the schema of a type by what it is made of.
func (w *walk) kind(t reflect.Type) *jsonschema.Schema {
	switch t.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"} // the bounds are no float64
	case reflect.Int8, reflect.Int16, reflect.Int32:
		half := math.Ldexp(1, t.Bits()-1)
		return &jsonschema.Schema{Type: "integer", Minimum: new(-half), Maximum: new(half - 1)}
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return &jsonschema.Schema{Type: "integer", Minimum: new(0.0)}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return &jsonschema.Schema{Type: "integer", Minimum: new(0.0), Maximum: new(math.Ldexp(1, t.Bits()) - 1)}
	case reflect.Slice:
		if w.bytes(t.Elem()) {
			return w.maybe(&jsonschema.Schema{Type: "string", ContentEncoding: "base64"})
		}
		return w.maybe(&jsonschema.Schema{Type: "array", Items: w.schema(t.Elem())})
	case reflect.Array:
		return &jsonschema.Schema{Type: "array", Items: w.schema(t.Elem()), MinItems: new(t.Len()), MaxItems: new(t.Len())}
	case reflect.Pointer:
		return w.pointer(t)
	case reflect.Map:
		return w.object(t)
	case reflect.Struct:
		return w.fields(t)
	}
	return anything() // an interface, or what encoding/json refuses
}

// bytes tells whether a slice of such elements is written in base64.
func (w *walk) bytes(elem reflect.Type) bool {
	return elem.Kind() == reflect.Uint8 && w.own(elem) == nil
}

// object returns the schema of a map.
func (w *walk) object(t reflect.Type) *jsonschema.Schema {
	s := w.maybe(&jsonschema.Schema{Type: "object"})
	switch key := t.Key(); {
	case key.Kind() == reflect.String, w.way == writes && key.Implements(textWriter), w.way == reads && reflect.PointerTo(key).Implements(textReader):
	case reflect.Int <= key.Kind() && key.Kind() <= reflect.Uintptr:
		s.PropertyNames = &jsonschema.Schema{Pattern: `^-?[0-9]+$`}
	default:
		return anything()
	}
	s.AdditionalProperties = w.schema(t.Elem())
	return s
}

// name gives a type one under which it can be referred to.
func (w *walk) name(t reflect.Type) string {
	if name, ok := w.names[t]; ok {
		return name
	}
	name := strings.Map(func(r rune) rune {
		if r < 128 && (r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') {
			return r
		}
		return '_' // of the arguments of a generic type
	}, t.Name())
	for i, plain := 2, name; w.taken[name]; i++ {
		name = fmt.Sprint(plain, i)
	}
	w.names[t], w.taken[name] = name, true
	return name
}
