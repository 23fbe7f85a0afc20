package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

var openapiOp = operation{
	id: "getOpenAPI", tag: "server", summary: "This description",
	text:    "OpenAPI 3.1. It holds the schemas of the workflows of this program, too.",
	headers: []param{{name: "If-None-Match", text: "the ETag of the description that is known", schema: anyText, example: `"x"`}},
	replies: []reply{
		{status: http.StatusOK, text: "the description", of: anyObject, example: map[string]any{"openapi": "3.1.0"}, headers: map[string]string{"ETag": "changes with the description"}},
		{status: http.StatusNotModified, text: "it is as it was", headers: map[string]string{"ETag": "that of the description"}},
	},
}

// described is the description of the API in JSON, and its ETag.
type described struct {
	text []byte
	tag  string
}

// openapi answers the description of the API.
func (a *api) openapi(w http.ResponseWriter, r *http.Request) error {
	d, err := a.described()
	if err != nil {
		return err
	}
	h := w.Header()
	if unchanged(w, r, d.tag) {
		return nil
	}
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(d.text) //nolint:errcheck // the client has gone
	return nil
}

func (a *api) describe() (described, error) {
	doc, err := document(a.cfg.Prefix, a.routes(), a.types())
	if err != nil {
		return described{}, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return described{}, fmt.Errorf("describe the API: %w", err)
	}
	sum := sha256.Sum256(text)
	return described{text, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, nil
}
