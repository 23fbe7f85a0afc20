package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// decode reads a JSON object and refuses fields it does not know: a misspelt
// one would otherwise silently mean the default.
func decode(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err != nil && strings.HasPrefix(err.Error(), "json: unknown field") {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return err
}
