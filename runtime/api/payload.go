package api

import "encoding/json"

// payload is a stored value that is JSON.
type payload []byte

// MarshalJSON implements [json.Marshaler].
func (p payload) MarshalJSON() ([]byte, error) { return p, nil }

// split sorts a stored value into what is JSON and what is not: that has a field
// of another name, or it would be taken for a string that the run gave.
func split(value []byte) (payload, []byte) {
	switch {
	case len(value) == 0:
		return nil, nil
	case json.Valid(value):
		return value, nil
	}
	return nil, value
}

// orNull is [split] for what is there, and null when it is empty.
func orNull(value []byte) (payload, []byte) {
	if len(value) == 0 {
		return payload("null"), nil
	}
	return split(value)
}
