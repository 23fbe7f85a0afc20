// Package problems writes errors as application/problem+json (RFC 9457), for
// everything that answers over HTTP.
package problems

import (
	"encoding/json"
	"net/http"
)

// Body is the body of every error. Its type is about:blank: the status says it
// all, and code tells apart what shares one.
type Body struct {
	Type   string `json:"type" jsonschema:"about:blank: the status says what kind it is"`
	Title  string `json:"title" jsonschema:"the status in words"`
	Status int    `json:"status" jsonschema:"the status"`
	Detail string `json:"detail" jsonschema:"what was wrong and what is allowed, for people"`
	Code   string `json:"code" jsonschema:"tells apart problems of one status"`
}

// Write answers with an error. The detail is for people and goes to the client
// as it is.
func Write(w http.ResponseWriter, status int, code, detail string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(Body{"about:blank", http.StatusText(status), status, detail, code}) //nolint:errcheck // the client has gone
}
