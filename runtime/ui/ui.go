package ui

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// Config has useful zero values.
type Config struct {
	// Prefix is where the pages are, without a slash at the end; default /ui.
	Prefix string
	// TraceURL is where a trace is found, with {trace_id} in it; empty: traces
	// are not linked.
	TraceURL string
	// Role tells whose request it is: admin, or viewer, who only reads. Nil:
	// everybody is admin.
	Role func(*http.Request) string
	// Logout shows a button that posts to Prefix/logout.
	Logout bool
	// Health returns the health document as JSON, without waiting. Nil: the
	// page and what is drawn from it are left out.
	Health func() []byte
	// Closing, once closed, ends the streams of events. Default: never.
	Closing <-chan struct{}
	// Logger; default slog.Default().
	Logger *slog.Logger
	// Demos are offered on the overview.
	Demos []Demo
	// MaxBody bounds what one request sends, in bytes. Default 1 MiB.
	MaxBody int64
	// MaxWatching bounds the pages that are kept up to date. Default 200.
	MaxWatching int
	// MaxWatchingPerClient bounds those of one client. Default half of
	// MaxWatching.
	MaxWatchingPerClient int
	// Client says who makes a request; requests of which it says the same are
	// one client's. Default: the address they come from, which is the proxy's
	// where there is one.
	Client func(*http.Request) string
}

// Demo starts runs for somebody who wants to see some.
type Demo struct {
	Name        string // in the URL
	Title       string // on the button
	Description string
	// Start returns the ids of the runs it started.
	Start func(context.Context, *runtime.Runtime) ([]string, error)
}

// UI is the handler of all pages. Safe for concurrent use.
type UI struct {
	rt       *runtime.Runtime
	cfg      Config
	pages    pages
	router   *mux.Router
	table    []route
	watching watchers
	telling  chan struct{} // what list is being read for those who watch
	samples  samples
	states   states
}

// New returns the handler of everything below cfg.Prefix. It needs no closing.
func New(rt *runtime.Runtime, cfg Config) *UI {
	if cfg.Prefix == "" {
		cfg.Prefix = "/ui"
	}
	cfg.Prefix = "/" + strings.Trim(cfg.Prefix, "/")
	if cfg.Role == nil {
		cfg.Role = func(*http.Request) string { return roleAdmin }
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 1 << 20
	}
	if cfg.MaxWatching <= 0 {
		cfg.MaxWatching = 200
	}
	if cfg.MaxWatchingPerClient <= 0 {
		cfg.MaxWatchingPerClient = (cfg.MaxWatching + 1) / 2
	}
	if cfg.Client == nil {
		cfg.Client = addressOf
	}
	u := &UI{rt: rt, cfg: cfg, telling: make(chan struct{}, mostTelling), samples: samples{rt: rt, health: cfg.Health}}
	u.table = u.routes()
	u.pages = u.parse()
	u.router = u.route()
	return u
}

// ServeHTTP implements [http.Handler].
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.router.ServeHTTP(w, r) }

// roleAdmin may change things; any other role only reads.
const roleAdmin = "admin"

// Route is one page, stream or action.
type Route struct {
	Method string
	// Path begins with the prefix; {name} stands for any text without a slash.
	Path string
}

// Routes lists what the handler answers, but for its assets.
func (u *UI) Routes() []Route {
	list := make([]Route, len(u.table))
	for i, rt := range u.table {
		list[i] = Route{rt.method, u.cfg.Prefix + rt.path}
	}
	return list
}

// route is one page, stream or action. All but GET change something, and are
// not for viewers.
type route struct {
	method, path string // the path below the prefix
	fn           func(http.ResponseWriter, *http.Request) error
}

func (u *UI) routes() []route {
	return slices.Concat(
		u.overviewRoutes(),
		u.listRoutes(),
		u.healthRoutes(),
		u.runRoutes(),
		u.workflowRoutes(),
		u.queueRoutes(),
		u.scheduleRoutes(),
	)
}

func (u *UI) route() *mux.Router {
	r := mux.NewRouter()
	p := u.cfg.Prefix
	r.Handle(p, http.RedirectHandler(p+"/", http.StatusFound))
	r.PathPrefix(p + assetPath).Handler(assetHandler(p + assetPath))
	allowed := map[string][]string{}
	for _, rt := range u.table {
		methods := []string{rt.method}
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		allowed[rt.path] = append(allowed[rt.path], methods...)
		r.Handle(p+rt.path, u.handle(rt)).Methods(methods...)
	}
	for path, methods := range allowed {
		r.Handle(p+path, u.handle(route{fn: func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			return &pageError{http.StatusMethodNotAllowed, "this address takes " + strings.Join(methods, ", ")}
		}}))
	}
	r.NotFoundHandler = u.handle(route{fn: func(http.ResponseWriter, *http.Request) error {
		return &pageError{http.StatusNotFound, "there is no such page"}
	}})
	return r
}

// handle turns the route's function into a handler: role checked, body bounded,
// errors shown.
func (u *UI) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		var err error
		if rt.method != http.MethodGet && rt.method != "" {
			if !u.admin(r) {
				err = &pageError{http.StatusForbidden, "this is for an admin: a viewer only looks"}
			}
			r.Body = http.MaxBytesReader(w, r.Body, u.cfg.MaxBody)
		}
		if err == nil {
			err = rt.fn(w, r)
		}
		if err != nil {
			u.fail(w, r, rt, err)
		}
	})
}

func (u *UI) admin(r *http.Request) bool { return u.cfg.Role(r) == roleAdmin }

// has tells whether there is a page at the path below the prefix.
func (u *UI) has(path string) bool {
	return slices.ContainsFunc(u.table, func(rt route) bool { return rt.method == http.MethodGet && rt.path == path })
}

func (u *UI) closing() bool {
	select {
	case <-u.cfg.Closing: // nil: never
		return true
	default:
		return false
	}
}
