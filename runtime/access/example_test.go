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
		Tokens: []access.Token{access.NewToken(access.Admin, "oLjnVoJQ9pFz8cyXlPpW"), access.NewToken(access.Viewer, "5rKxGr0nbV2DkNhJzTqE")},
		Logger: slog.New(slog.DiscardHandler),
	})
	for _, secret := range []string{"", "oLjnVoJQ9pFz8cyXlPpW", "5rKxGr0nbV2DkNhJzTqE"} {
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
