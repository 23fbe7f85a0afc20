package app

import (
	"fmt"
	"log/slog"
	"net/http"
	goruntime "runtime"
	"runtime/debug"
)

// caught reports a panic of a handler in the log, where it is an error, and
// breaks off the answer. net/http by itself prints the value, which may be a
// payload, and to where only debugging looks.
func caught(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler {
				what := fmt.Sprintf("%T", v)
				if err, ok := v.(goruntime.Error); ok {
					what = err.Error()
				}
				log.ErrorContext(r.Context(), "a handler panicked", "method", r.Method, "panic", what, "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r)
	})
}
