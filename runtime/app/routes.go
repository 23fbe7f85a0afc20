package app

import (
	"context"

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
	gate, pages := mount(r, p.engine.Runtime, HandlerConfig{
		Access: access.Config{Tokens: tokens, Local: p.cfg.auth == authAuto, Open: p.app.Open, Proxies: p.cfg.proxies},
		API:    api.Config{MaxBody: p.cfg.maxBody, Closing: p.closing, Logger: p.log},
		UI:     ui.Config{Health: p.monitor.Document, Demos: p.app.Demos, TraceURL: p.cfg.traceURL},
	})
	p.sampling = begin(func(ctx context.Context) error { pages.Run(ctx); return nil })
	addr := reachable(p.apiL.Addr())
	url := "http://" + addr
	p.app.url.Store(&url)
	if p.app.Routes != nil {
		p.app.Routes(r, p.engine.Runtime)
	}
	p.api = newServer(gate, p.log)
	p.serveOn("API", p.api, p.apiL)
	p.monitor.Serving(addr)
	p.log.Info("serving", "api", p.apiL.Addr().String(), "health", p.healthL.Addr().String(),
		"store", p.cfg.storePath, "version", p.cfg.version)
	return nil
}
