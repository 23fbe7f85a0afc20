// Package schema describes Go types by JSON Schema (draft 2020-12), as encoding/json reads and writes them:
// embedded structs, names and options in tags, types that write themselves, types that contain themselves.
//
// It has a walk of its own, because that of github.com/google/jsonschema-go refuses types that contain
// themselves and takes []byte and most types with methods of their own for what they look like in Go.
package schema
