package app

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/runtime/ui"
)

// HandlerConfig is for [Handler]. Access has to say who may come in; the rest
// has useful zero values.
type HandlerConfig struct {
	// Prefix is the path below which all is served, such as /internal/stepwell.
	// Default: none.
	Prefix string
	// Access says who may come in, by Tokens or by a Role of yours; its Prefix
	// and Login are set.
	Access access.Config
	// API; its Prefix is set.
	API api.Config
	// UI; its Prefix, Role and Logout are set, and its Closing, Logger and
	// MaxBody are the API's where it has none.
	UI ui.Config
}

var errOpen = errors.New("nothing says who may come in: set Access.Tokens, Access.Role to your own authentication, or Access.Local for this machine alone")

// Handler serves the API below Prefix/v1/ and the web UI at Prefix/ui/, in a
// server of the user's own: register it for Prefix/. Whoever runs rt keeps its
// life: the handler works from [runtime.New] on, and refuses once rt drains. To
// end its streams before a Shutdown of the server, close API.Closing.
func Handler(rt *runtime.Runtime, cfg HandlerConfig) (http.Handler, error) {
	if len(cfg.Access.Tokens) == 0 && cfg.Access.Role == nil && !cfg.Access.Local {
		return nil, errOpen
	}
	if cfg.Prefix = strings.TrimRight(cfg.Prefix, "/"); cfg.Prefix != "" && cfg.Prefix[0] != '/' {
		return nil, errors.New("the Prefix has no slash at its begin: want a path such as /internal/stepwell")
	}
	r := mux.NewRouter()
	gate, _ := mount(r, rt, cfg)
	return gate, nil
}

// mount adds API and UI to a router and puts the gate before it. The UI may be
// run, to have a past.
func mount(r *mux.Router, rt *runtime.Runtime, cfg HandlerConfig) (*access.Gate, *ui.UI) {
	p := cfg.Prefix
	cfg.API.Prefix, cfg.UI.Prefix, cfg.Access.Prefix = p, p+"/ui", p
	if cfg.UI.Closing == nil {
		cfg.UI.Closing = cfg.API.Closing
	}
	if cfg.UI.Logger == nil {
		cfg.UI.Logger = cfg.API.Logger
	}
	if cfg.Access.Logger == nil {
		cfg.Access.Logger = cfg.API.Logger
	}
	if cfg.UI.MaxBody == 0 {
		cfg.UI.MaxBody = cfg.API.MaxBody
	}
	cfg.UI.Role = func(r *http.Request) string { return string(access.RoleOf(r)) }
	cfg.UI.Logout = len(cfg.Access.Tokens) > 0 && cfg.Access.Role == nil
	cfg.Access.Login = func(w http.ResponseWriter, status int, l access.Login) { ui.WriteLogin(w, status, ui.Login(l)) }
	if cfg.API.Client == nil {
		cfg.API.Client = access.ClientOf
	}
	if cfg.UI.Client == nil {
		cfg.UI.Client = cfg.API.Client
	}
	r.PathPrefix(p + "/v1/").Handler(api.New(rt, cfg.API))
	pages := ui.New(rt, cfg.UI)
	r.PathPrefix(p + "/ui").Name("ui").Handler(pages)
	r.NotFoundHandler = api.NotFound()
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path does not take "+r.Method)
	})
	if cfg.API.Logger == nil {
		cfg.API.Logger = slog.Default()
	}
	return access.New(caught(r, cfg.API.Logger), cfg.Access), pages
}
