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
			return fmt.Errorf("want %s, got a JSON %s", jsonKind(te), te.Value)
		}
		return fmt.Errorf("field %q: want %s, got a JSON %s", te.Field, jsonKind(te), te.Value)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("malformed JSON at byte %d: %w", se.Offset, err)
	}
	return err
}

func jsonKind(te *json.UnmarshalTypeError) string {
	switch k := te.Type.Kind().String(); k {
	case "struct", "map":
		return "a JSON object"
	case "slice", "array":
		return "a JSON array"
	case "bool":
		return "a boolean"
	case "int", "int8", "int16", "int32", "int64":
		return "an integer"
	case "uint", "uint8", "uint16", "uint32", "uint64":
		return "an integer from 0"
	case "float32", "float64":
		return "a number"
	default:
		return "a " + k
	}
}
