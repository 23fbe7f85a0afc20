package access_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/stepwell/stepwell/runtime/access"
)

// A gate before a handler: an admin may do everything, a viewer only looks.
func ExampleNew() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", access.RoleOf(r)) })
	gate := access.New(handler, access.Config{
		Tokens: []access.Token{access.NewToken(access.Admin, "5d41c9e07b2af8363ce1904bd87f26a5"), access.NewToken(access.Viewer, "c81e728d90b34f6a1d57e2094bfa63d8")},
		Logger: slog.New(slog.DiscardHandler),
	})
	for _, secret := range []string{"", "5d41c9e07b2af8363ce1904bd87f26a5", "c81e728d90b34f6a1d57e2094bfa63d8"} {
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "/v1/runs", nil)
			if secret != "" {
				r.Header.Set("Authorization", "Bearer "+secret)
			}
			w := httptest.NewRecorder()
			gate.ServeHTTP(w, r)
			fmt.Println(method, w.Code)
		}
	}
	// Output:
	// GET 401
	// POST 401
	// GET 200
	// POST 200
	// GET 200
	// POST 403
}
