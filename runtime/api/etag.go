package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
)

// tagged describes that a read has an ETag, and is answered 304 to a client
// that has what it would get.
func tagged(op operation) operation {
	op.headers = append(op.headers, param{name: "If-None-Match", schema: anyText, example: `"x"`,
		text: "the ETag of an earlier answer, or several with commas between: when nothing has changed, the answer is 304"})
	headers := map[string]string{"ETag": "the same for the same answer; send it as If-None-Match"}
	maps.Copy(headers, op.replies[0].headers)
	op.replies[0].headers = headers
	op.replies = append(op.replies, reply{status: http.StatusNotModified, text: "nothing has changed since the answer with the ETag", headers: headers})
	return op
}

// answerRead answers a read. The tag is of what is answered, to the byte.
func answerRead(w http.ResponseWriter, r *http.Request, body any) error {
	var b bytes.Buffer
	writeJSON(&b, body)
	sum := sha256.Sum256(b.Bytes())
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	if unchanged(w, r, tag) {
		return nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.Write(b.Bytes()) //nolint:errcheck // the client has gone
	return nil
}

// unchanged names what is answered by a tag, and answers 304 to a client that
// has it. It may be kept, by the client alone, and is asked about each time.
func unchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if !has(r, tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// has reports whether the client has what the tag names.
func has(r *http.Request, tag string) bool {
	for known := range tagsOf(r) {
		if known == tag || known == "*" {
			return true
		}
	}
	return false
}

// tagsOf yields the tags that a client knows; whether they are weak makes no
// difference here.
func tagsOf(r *http.Request) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range r.Header.Values("If-None-Match") {
			for tag := range strings.SplitSeq(line, ",") {
				if !yield(strings.TrimPrefix(strings.TrimSpace(tag), "W/")) {
					return
				}
			}
		}
	}
}
