package workload

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/stepwell/stepwell/runtime/api"
)

// FlakyPath is an endpoint for the fetch workflow to call. It needs no token:
// the workflow has none, and there is nothing to see.
const FlakyPath = "/experiment/flaky"

// ownURL tells where this process is reached; set once, by [Routes].
var ownURL = func() string { return "" }

// flaky fails one call in three, as a service in trouble does.
type flaky struct{ calls atomic.Uint64 }

func (f *flaky) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if f.calls.Add(1)%3 == 0 {
		api.WriteProblem(w, http.StatusServiceUnavailable, "flaky", "this endpoint fails one call in three, on purpose")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{\"ok\":true}\n") //nolint:errcheck // the client has gone
}
