package app

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/runtime/ui"
)

// startAPI serves the API and the web UI, and the program's own routes beside it.
func (p *process) startAPI() error {
	tokens, err := p.authorize(p.apiL.Addr())
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
	gate := access.New(r, access.Config{
		Tokens: tokens, Local: p.cfg.auth == authAuto, Open: p.app.Open, Proxies: p.cfg.proxies, Logger: p.log,
	})
	p.api = newServer(gate, p.log)
	p.serveOn("API", p.api, p.apiL)
	p.monitor.Serving(addr)
	p.log.Info("serving", "api", p.apiL.Addr().String(), "health", p.healthL.Addr().String(),
		"store", p.cfg.storePath, "version", p.cfg.version)
	return nil
}
