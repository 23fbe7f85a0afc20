package workload

import (
	"bytes"
	"encoding/json"
)

// decode reads a JSON object and refuses fields it does not know: a misspelt
// one would otherwise silently mean the default.
func decode(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
