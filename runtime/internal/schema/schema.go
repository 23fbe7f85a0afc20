package schema

import (
	"errors"
	"reflect"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// Of returns the schema of the JSON that can be decoded into a value of the type. No field is required, since
// none is to encoding/json. What cannot be described (a type that writes and reads itself, a channel) is true:
// anything. A field's description is its tag jsonschema:"...".
//
// A type that contains itself is under $defs, and referred to as #/$defs/NAME; the root is always written out.
// Slices, maps and pointers may be null as well, so their Types are "null" and another.
//
// The schema is kept and given to every caller: it must not be changed. Safe for concurrent use.
func Of(t reflect.Type) (*jsonschema.Schema, error) { return of(t, reads) }

// Written is [Of] for the JSON that a value of the type is encoded as: the fields that are always there are
// required, and there are no others.
func Written(t reflect.Type) (*jsonschema.Schema, error) { return of(t, writes) }

// Maker makes schemas for a use of its own. The zero Maker makes those of [Written].
type Maker struct {
	// Types are those that have a schema already; it may be a reference.
	Types map[reflect.Type]*jsonschema.Schema
	// Full: slices and maps are never nil, so none is null.
	Full bool
}

// Written is the function [Written], with what the Maker knows. The schema is the caller's own.
func (m Maker) Written(t reflect.Type) (*jsonschema.Schema, error) { return m.make(t, writes) }

func (m Maker) make(t reflect.Type, way direction) (*jsonschema.Schema, error) {
	if t == nil {
		return nil, errors.New("schema of no type")
	}
	w := &walk{Maker: m, way: way, open: map[reflect.Type]bool{}, names: map[reflect.Type]string{}, taken: map[string]bool{}}
	s := w.schema(t)
	if name, ok := strings.CutPrefix(s.Ref, refPrefix); ok { // the root contains itself
		s = w.defs[name].CloneSchemas()
	}
	s.Defs = w.defs
	return s, nil
}

// direction says which way a value goes.
type direction int

const (
	reads direction = iota
	writes
)

type asked struct {
	t   reflect.Type
	way direction
}

// made holds what was asked for: as much as the program has types.
var made sync.Map // of *jsonschema.Schema by asked

func of(t reflect.Type, way direction) (*jsonschema.Schema, error) {
	if s, ok := made.Load(asked{t, way}); ok {
		return s.(*jsonschema.Schema), nil
	}
	s, err := Maker{}.make(t, way)
	if err != nil {
		return nil, err
	}
	kept, _ := made.LoadOrStore(asked{t, way}, s)
	return kept.(*jsonschema.Schema), nil
}
