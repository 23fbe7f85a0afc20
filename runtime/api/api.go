package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// Config has useful zero values.
type Config struct {
	// Prefix is what comes before /v1/ in a request's path, such as
	// /internal/stepwell. Default: nothing.
	Prefix string
	// MaxBody bounds the body of one request, in bytes. Default 1 MiB.
	MaxBody int64
	// MaxBodies bounds the bodies of all requests under way, in bytes.
	// Default 64 times MaxBody.
	MaxBodies int64
	// MaxWaiting bounds the clients that wait for a result. Default 1,000.
	MaxWaiting int64
	// Closing, once closed, ends the waiting for results and refuses starts.
	// Default: never.
	Closing <-chan struct{}
	// Logger; default slog.Default().
	Logger *slog.Logger
}

const (
	// maxWait bounds one wait for a result; a client asks again.
	maxWait = 60 * time.Second
	// patience bounds what a request asks of the store.
	patience = 30 * time.Second
)

// api holds what the handlers share.
type api struct {
	rt      *runtime.Runtime
	cfg     Config
	bodies  atomic.Int64 // bytes promised to bodies under way
	waiting atomic.Int64
	rate    rate
}

// New returns the handler of everything below Prefix/v1/. It is safe for concurrent
// use, and needs no closing.
func New(rt *runtime.Runtime, cfg Config) http.Handler {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.MaxBodies <= 0 {
		cfg.MaxBodies = 64 * cfg.MaxBody
	}
	if cfg.MaxWaiting <= 0 {
		cfg.MaxWaiting = 1000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &api{rt: rt, cfg: cfg}
	a.rate.begin(rt.Health().Store.Commits, time.Now())
	r := mux.NewRouter()
	for _, rt := range a.routes() {
		r.Handle(rt.path, a.handle(rt)).Methods(methodsOf(rt.method)...)
	}
	// A path that exists, under another method: mux knows too little of it to
	// say which methods are allowed.
	for path, allowed := range methodsByPath(a.routes()) {
		r.Handle(path, MethodNotAllowed(allowed...))
	}
	r.NotFoundHandler = NotFound()
	if cfg.Prefix != "" {
		return http.StripPrefix(cfg.Prefix, r)
	}
	return r
}

// route is one call of the API.
type route struct {
	method, path string
	fn           func(http.ResponseWriter, *http.Request) error
	// params are the query parameters the call takes; one that ends in "."
	// stands for all that begin with it.
	params []string
}

func (a *api) routes() []route {
	waits := []string{"wait"}
	return []route{
		{http.MethodGet, "/v1/ping", a.ping, nil},
		{http.MethodGet, "/v1/stats", a.stats, nil},
		{http.MethodGet, "/v1/workflows", a.workflows, nil},
		{http.MethodPost, "/v1/workflows/{name}/runs", a.start, startParams},
		{http.MethodGet, "/v1/runs", a.list, listParams},
		{http.MethodPost, "/v1/runs:cancel", a.bulk(a.rt.CancelAll), nil},
		{http.MethodPost, "/v1/runs:resume", a.bulk(a.rt.ResumeAll), nil},
		{http.MethodPost, "/v1/runs:delete", a.bulk(a.rt.DeleteAll), nil},
		{http.MethodGet, "/v1/runs/{id}", a.get, waits},
		{http.MethodPost, "/v1/runs/{id}/fork", a.fork, forkParams},
		{http.MethodPost, "/v1/runs/{id}/version", a.setVersion, []string{"to"}},
		{http.MethodDelete, "/v1/runs/{id}", a.delete, nil},
		{http.MethodGet, "/v1/runs/{id}/steps", a.steps, nil},
		{http.MethodGet, "/v1/runs/{id}/history", a.history, nil},
		{http.MethodPost, "/v1/runs/{id}/cancel", a.cancel, nil},
		{http.MethodPost, "/v1/runs/{id}/resume", a.resume, nil},
		{http.MethodGet, "/v1/schedules", a.schedules, nil},
		{http.MethodPost, "/v1/schedules/{name}/pause", a.pauseSchedule, nil},
		{http.MethodPost, "/v1/schedules/{name}/resume", a.resumeSchedule, nil},
		{http.MethodPost, "/v1/schedules/{name}/trigger", a.triggerSchedule, []string{"id"}},
		{http.MethodPost, "/v1/schedules/{name}/backfill", a.backfillSchedule, nil},
		{http.MethodPost, "/v1/runs/{id}/messages/{topic}", a.send, nil},
		{http.MethodGet, "/v1/queues", a.queues, nil},
		{http.MethodPatch, "/v1/queues/{name}", a.changeQueue, nil},
		{http.MethodPost, "/v1/queues/{name}/pause", a.pauseQueue, nil},
		{http.MethodPost, "/v1/queues/{name}/resume", a.resumeQueue, nil},
		{http.MethodPost, "/v1/queues/{name}/reset", a.resetQueue, nil},
		{http.MethodPost, "/v1/runs/{id}/updates/{name}", a.update, waits},
		{http.MethodGet, "/v1/runs/{id}/events/{key}", a.event, waits},
		{http.MethodGet, "/v1/runs/{id}/streams/{name}", a.stream, []string{"offset"}},
	}
}

func methodsByPath(routes []route) map[string][]string {
	m := map[string][]string{}
	for _, r := range routes {
		m[r.path] = append(m[r.path], methodsOf(r.method)...)
	}
	return m
}

// methodsOf adds HEAD to GET; net/http leaves out the body.
func methodsOf(method string) []string {
	if method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}

// handle turns the route's function into a handler: parameters checked, time
// bounded, errors answered.
func (a *api) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w.Header().Set("Cache-Control", "no-store")
		err := checkQuery(r, rt.params)
		if err == nil {
			err = rt.fn(w, r)
		}
		if err != nil {
			a.fail(w, r, rt, err)
		}
		// The route, not the URL: labels and ids may say too much.
		a.cfg.Logger.DebugContext(r.Context(), "request", "method", rt.method, "route", rt.path, "took", time.Since(began), "error", a.logged(err))
	})
}

// bounded limits what a request asks of the store.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(r.Context(), patience, errPatience)
}

func (a *api) closing() bool {
	select {
	case <-a.cfg.Closing: // nil: never
		return true
	default:
		return false
	}
}

// NotFound answers any request with a problem of status 404.
func NotFound() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, http.StatusNotFound, "not_found", "no such path; the API is below /v1/")
	})
}

// MethodNotAllowed answers any request with a problem of status 405.
func MethodNotAllowed(allowed ...string) http.Handler {
	allowed = slices.Sorted(slices.Values(allowed))
	list := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		WriteProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path takes "+list)
	})
}

func (a *api) ping(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
