package app

import (
	"fmt"
	"net/http"
	"os"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/runtime/ui"
)

// startAPI serves the API and the web UI, and the program's own routes beside it.
func (p *process) startAPI() error {
	tokens, err := p.tokens()
	if err != nil {
		return err
	}
	r := mux.NewRouter()
	r.PathPrefix("/v1/").Handler(api.New(p.engine.Runtime, api.Config{MaxBody: p.cfg.maxBody, Closing: p.closing, Logger: p.log}))
	r.PathPrefix("/ui").Name("ui").Handler(ui.New(p.engine.Runtime, ui.Config{
		Health: p.monitor.Document, Closing: p.closing, Logger: p.log, Demos: p.app.Demos, MaxBody: p.cfg.maxBody,
	}))
	r.NotFoundHandler = api.NotFound()
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path does not take "+r.Method)
	})
	addr := reachable(p.apiL.Addr())
	url := "http://" + addr
	p.app.url.Store(&url)
	if p.app.Routes != nil {
		p.app.Routes(r, p.engine.Runtime)
	}
	g := &guard{next: r, open: p.app.Open, tokens: tokens, local: p.cfg.auth == authAuto}
	p.api = newServer(sameOrigin(g), p.log)
	p.serveOn("API", p.api, p.apiL)
	p.monitor.Serving(addr)
	p.log.Info("serving", "api", p.apiL.Addr().String(), "health", p.healthL.Addr().String(),
		"store", p.cfg.storePath, "version", p.cfg.version)
	return nil
}

// tokens returns those that are asked for, and says where one that nobody set
// is found.
func (p *process) tokens() ([]token, error) {
	tokens, file, made, err := p.cfg.authorize(p.apiL.Addr())
	switch {
	case err != nil:
		return nil, err
	case made != "":
		// Not through the log, which may be shipped elsewhere.
		fmt.Fprintf(os.Stderr, "the API asks for a token, and none is set: this one was made and is kept in %s\n    %s\n", file, made)
	case file != "":
		p.log.Info("the API asks for the token kept in a file", "file", file)
	case p.cfg.auth == authOff && len(p.cfg.tokens) > 0:
		p.log.Warn("STEPWELL_AUTH is off: STEPWELL_TOKENS is not used")
	}
	return tokens, nil
}

// sameOrigin refuses what pages of other sites make a browser send.
func sameOrigin(next http.Handler) http.Handler {
	c := http.NewCrossOriginProtection()
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.WriteProblem(w, http.StatusForbidden, "cross_origin", "a page of another site may not change anything here")
	}))
	return c.Handler(next)
}
