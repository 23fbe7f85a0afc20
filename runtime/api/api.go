package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
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
	// MaxWaiting bounds the requests that wait for a result or follow a stream.
	// Default 2,000.
	MaxWaiting int
	// MaxWaitingPerClient bounds those of one client. Default half of
	// MaxWaiting.
	MaxWaitingPerClient int
	// MaxPerClient bounds all requests that one client has under way, those that
	// wait among them. Default 2,000.
	MaxPerClient int
	// Client says who makes a request; requests of which it says the same are
	// one client's. Default: the address they come from, which is the proxy's
	// where there is one.
	Client func(*http.Request) string
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
	clients clients
	closer  closer
	rate    rate
	life    string // of this process, in tags
	// described is the document of the API, made when it is first asked for.
	described func() (described, error)

	runFeeds runFeeds
	listFeed listFeed
	// histories are the places of those who read one.
	histories histories
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
		cfg.MaxWaiting = 2000
	}
	if cfg.MaxWaitingPerClient <= 0 {
		cfg.MaxWaitingPerClient = (cfg.MaxWaiting + 1) / 2
	}
	if cfg.MaxPerClient <= 0 {
		cfg.MaxPerClient = 2000
	}
	if cfg.Client == nil {
		cfg.Client = addressOf
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	a := &api{rt: rt, cfg: cfg, closer: closer{closing: cfg.Closing}, life: rand.Text()[:8], histories: make(histories, maxHistories)}
	a.described = sync.OnceValues(a.describe)
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

// handle turns the route's function into a handler: parameters checked, time
// bounded, errors answered.
func (a *api) handle(rt route) http.Handler {
	fn := rt.fn
	if !rt.open {
		fn = a.limited(fn)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		w.Header().Set("Cache-Control", "no-store")
		err := checkQuery(r, rt.op.query)
		if err == nil {
			err = fn(w, r)
		}
		if err != nil {
			a.fail(w, r, rt, err)
		}
		// The route, not the URL: labels and ids may say too much.
		a.cfg.Logger.DebugContext(r.Context(), "request", "method", rt.method, "route", rt.path, "took", time.Since(began), "error", logged(err))
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

var pingOp = operation{
	id: "ping", tag: "server", summary: "Is the listener alive", text: "Answered to all, without a token.",
	replies: []reply{{status: http.StatusNoContent, text: "it is"}},
}

func (a *api) ping(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
