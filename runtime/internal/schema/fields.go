package schema

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"
)

// field is one of a struct, as encoding/json sees it.
type field struct {
	name           string
	typ            reflect.Type
	depth          int
	tagged, quoted bool
	optional       bool // it may be left out
	omits          bool // it is, when it is nil
	text           string
}

// fields returns the schema of a struct.
func (w *walk) fields(t reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for _, f := range dominant(collect(t)) {
		fs := w.schema(f.typ)
		if f.quoted && w.own(f.typ) == nil {
			fs = quoted(f.typ, fs)
		}
		if w.way == writes && f.omits {
			fs = notNull(fs)
		}
		if f.text != "" {
			fs.Description = f.text
		}
		s.Properties[f.name] = fs
		s.PropertyOrder = append(s.PropertyOrder, f.name)
		if w.way == writes && !f.optional {
			s.Required = append(s.Required, f.name)
		}
	}
	if w.way == writes {
		s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	return s
}

// collect returns the fields of a struct and of those embedded in it, in their order.
func collect(t reflect.Type) []field {
	var found []field
	inside := map[reflect.Type]bool{}
	var into func(t reflect.Type, depth int, optional bool)
	into = func(t reflect.Type, depth int, optional bool) {
		if inside[t] {
			return // its fields are deeper, so those seen already hide them
		}
		inside[t] = true
		defer delete(inside, t)
		for i := range t.NumField() {
			sf := t.Field(i)
			tag := sf.Tag.Get("json")
			ft, ptr := sf.Type, false
			if ft.Name() == "" && ft.Kind() == reflect.Pointer {
				ft, ptr = ft.Elem(), true
			}
			if tag == "-" || !sf.IsExported() && !(sf.Anonymous && ft.Kind() == reflect.Struct) {
				continue
			}
			name, options, _ := strings.Cut(tag, ",")
			if !allowed(name) {
				name = ""
			}
			if name == "" && sf.Anonymous && ft.Kind() == reflect.Struct {
				into(ft, depth+1, optional || ptr)
				continue
			}
			if !sf.IsExported() {
				continue
			}
			f := field{name: name, typ: sf.Type, depth: depth, tagged: name != "", optional: optional, text: sf.Tag.Get("jsonschema")}
			if name == "" {
				f.name = sf.Name
			}
			for opt := range strings.SplitSeq(options, ",") {
				switch opt {
				case "omitempty", "omitzero":
					f.optional, f.omits = true, !isNested(sf.Type)
				case "string":
					f.quoted = true
				}
			}
			found = append(found, f)
		}
	}
	into(t, 0, false)
	return found
}

// dominant leaves of the fields with one name that which is written: the least deep, among those the tagged;
// none when there are several.
func dominant(all []field) []field {
	var kept []field
	for _, f := range all {
		rivals := slices.Collect(func(yield func(field) bool) {
			for _, r := range all {
				if r.name == f.name && !yield(r) {
					return
				}
			}
		})
		if best, ok := winner(rivals); ok && best == f && !slices.Contains(kept, f) {
			kept = append(kept, f)
		}
	}
	return kept
}

func winner(rivals []field) (field, bool) {
	order := func(a, b field) int {
		if a.depth != b.depth {
			return a.depth - b.depth
		}
		switch {
		case a.tagged == b.tagged:
			return 0
		case a.tagged:
			return -1
		}
		return 1
	}
	slices.SortStableFunc(rivals, order)
	return rivals[0], len(rivals) == 1 || order(rivals[0], rivals[1]) < 0
}

// allowed tells whether encoding/json takes a name from a tag.
func allowed(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// quoted is the schema of a field with the option "string", which few types heed.
func quoted(t reflect.Type, s *jsonschema.Schema) *jsonschema.Schema {
	null := false
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t, null = t.Elem(), true
	}
	switch k := t.Kind(); {
	case k == reflect.Bool, k == reflect.String, reflect.Int <= k && k <= reflect.Float64:
		s = &jsonschema.Schema{Type: "string"}
		if null {
			s = nullable(s)
		}
	}
	return s
}

// isNested tells whether a value that is not nil may be written as null.
func isNested(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer {
		return false
	}
	k := t.Elem().Kind()
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Map || k == reflect.Interface
}

// notNull undoes nullable.
func notNull(s *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case len(s.Types) == 2 && s.Types[0] == "null":
		s.Type, s.Types = s.Types[1], nil
	case len(s.AnyOf) == 2 && s.AnyOf[0].Type == "null":
		return s.AnyOf[1]
	}
	return s
}
