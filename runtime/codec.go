package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Codec turns values into what is stored. It must be safe for concurrent use,
// and what it encoded once it must be able to decode for as long as runs live.
type Codec interface {
	Encode(v any) ([]byte, error)
	Decode(data []byte, v any) error
}

// JSON is the default codec.
type JSON struct{}

// Encode implements [Codec].
func (JSON) Encode(v any) ([]byte, error) { return json.Marshal(v) }

// Decode implements [Codec]. Its errors name the field that does not fit.
func (JSON) Decode(data []byte, v any) error {
	if len(data) == 0 {
		data = []byte("null")
	}
	err := json.Unmarshal(data, v)
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if te.Field == "" {
			return fmt.Errorf("want a %s, got a JSON %s", jsonKind(te), te.Value)
		}
		return fmt.Errorf("field %q: want a %s, got a JSON %s", te.Field, jsonKind(te), te.Value)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d: %w", se.Offset, err)
	}
	return err
}

func jsonKind(te *json.UnmarshalTypeError) string {
	switch k := te.Type.Kind().String(); k {
	case "struct", "map":
		return "JSON object"
	case "slice", "array":
		return "JSON array"
	case "bool":
		return "boolean"
	default:
		return k
	}
}
