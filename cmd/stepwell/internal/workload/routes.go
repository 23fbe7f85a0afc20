package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// Names lists the workflows of this package.
func Names() []string { return []string{Delays.Name(), Fibonacci.Name(), Fetch.Name()} }

// maxRuns bounds what one request can start.
const maxRuns = 1000

// starter is the part of [runtime.Runtime] the routes need.
type starter interface {
	Start(ctx context.Context, workflow string, input []byte, opts ...runtime.StartOption) (runtime.Run, bool, error)
}

// Routes adds GET /, which starts 5 runs of delays (or ?n= runs of ?workload=)
// and answers their ids, and the endpoint that the fetch workflow calls. url
// tells where the server is reached from inside this process; empty: not yet.
// Call it once, before the runtime runs.
func Routes(url func() string) func(*mux.Router, *runtime.Runtime) {
	ownURL = url
	return func(r *mux.Router, rt *runtime.Runtime) { routes(r, rt) }
}

func routes(r *mux.Router, rt starter) {
	r.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) { home(w, req, rt, r.Get(uiRoute) != nil) }).Methods(http.MethodGet)
	r.Handle(FlakyPath, new(flaky)).Methods(http.MethodGet)
}

// uiRoute is the name of the web UI's route, where there is one to send browsers to.
const uiRoute = "ui"

func home(w http.ResponseWriter, req *http.Request, rt starter, ui bool) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	if ui && strings.Contains(req.Header.Get("Accept"), "text/html") {
		http.Redirect(w, req, "/ui/", http.StatusFound)
		return
	}
	if unasked(req) {
		api.WriteProblem(w, http.StatusForbidden, "forbidden", "only a request of your own starts runs, not one that another site or a prefetch makes")
		return
	}
	workload, n, err := wanted(req)
	if err != nil {
		api.WriteProblem(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	ids, err := startAll(req.Context(), rt, workload, n)
	if err != nil {
		refuse(w, ids, n, err)
		return
	}
	h.Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"enqueued": ids}) //nolint:errcheck // the client has gone
}

// unasked recognises requests that a browser makes without its user wanting
// runs: an image or script on another site, a prefetch. A browser says so in
// headers no page can set; other clients send none.
func unasked(req *http.Request) bool {
	switch req.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	purpose := req.Header.Get("Sec-Purpose") + req.Header.Get("Purpose") + req.Header.Get("X-Moz")
	return strings.Contains(purpose, "prefetch") || strings.Contains(purpose, "preview")
}

// wanted reads which runs the request asks for.
func wanted(req *http.Request) (workload string, n int, err error) {
	workload, n = Delays.Name(), 5
	q := req.URL.Query()
	for key, values := range q {
		if key != "workload" && key != "n" {
			return "", 0, fmt.Errorf("unknown parameter %q: want workload or n", key)
		}
		if len(values) > 1 {
			return "", 0, fmt.Errorf("parameter %s is given %d times", key, len(values))
		}
	}
	if q.Has("workload") {
		if workload = q.Get("workload"); !slices.Contains(Names(), workload) {
			return "", 0, fmt.Errorf("workload is %q: want %s", workload, strings.Join(Names(), ", "))
		}
	}
	if q.Has("n") {
		if n, err = strconv.Atoi(q.Get("n")); err != nil || n < 1 || n > maxRuns {
			return "", 0, fmt.Errorf("n is %q: want a number from 1 to %d", q.Get("n"), maxRuns)
		}
	}
	return workload, n, nil
}

// startAll starts n runs, several at once so that they share commits. On an
// error it returns the ids of those that were started.
func startAll(ctx context.Context, rt starter, workload string, n int) ([]string, error) {
	var wg sync.WaitGroup
	ids, errs := make([]string, n), make([]error, n)
	var next atomic.Int64
	var failed atomic.Bool
	for range min(n, 32) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				run, _, err := rt.Start(ctx, workload, []byte("{}"))
				ids[i], errs[i] = run.ID, err
				if err != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return slices.DeleteFunc(ids, func(id string) bool { return id == "" }), err
		}
	}
	return ids, nil
}

// refuse answers why not all runs were started, and how many were.
func refuse(w http.ResponseWriter, ids []string, n int, err error) {
	status, code, detail := http.StatusInternalServerError, "internal", "the runs could not be started"
	if errors.Is(err, runtime.ErrOverloaded) || errors.Is(err, runtime.ErrDraining) {
		w.Header().Set("Retry-After", "1")
		status, code, detail = http.StatusServiceUnavailable, "overloaded", err.Error()
	}
	if len(ids) > 0 {
		detail = fmt.Sprintf("%s; %d of %d runs were started", detail, len(ids), n)
	}
	api.WriteProblem(w, status, code, detail)
}
