package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/runtime/health"
	"github.com/stepwell/stepwell/store/sqlite"
)

// process is a serving program: its parts, in the order of their start.
type process struct {
	app *App
	cfg *config
	log *slog.Logger

	monitor   *health.Monitor
	health    *http.Server
	healthL   net.Listener
	apiL      net.Listener
	store     *sqlite.Store
	rt        *runtime.Runtime
	apiServer *http.Server
	closing   chan struct{} // no new runs; nobody waits any more

	wg      sync.WaitGroup // of all goroutines
	failed  chan error     // a listener broke
	engine  chan error     // Run has returned
	stopEng context.CancelFunc
	stopMon context.CancelFunc
}

// serve runs the program until a signal comes or it fails.
func (a *App) serve(cfg *config) (err error) {
	tuneMemory()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	p := &process{app: a, cfg: cfg, failed: make(chan error, 2), engine: make(chan error, 1), closing: make(chan struct{})}
	p.log = slog.New(localHandler(cfg.logLevel))
	slog.SetDefault(p.log)
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		p.log.Info("stopping; a second signal ends at once", "drain", cfg.drain.String())
		go atSecondSignal()
	case err = <-p.failed:
	case err = <-p.engine:
		p.engine <- err
		if err == nil {
			err = errors.New("the engine has ended")
		}
	}
	return errors.Join(err, p.stop())
}

// start brings the parts up, health first.
func (p *process) start(ctx context.Context) (err error) {
	p.monitor = health.New(health.Config{Version: p.cfg.version, Logger: p.log})
	if p.healthL, err = listen("health listener", p.cfg.healthAddr, "STEPWELL_HEALTH_ADDR"); err != nil {
		return err
	}
	p.health = newServer(p.monitor.Handler(), p.log)
	p.serveOn("health", p.health, p.healthL)
	monCtx, stopMon := context.WithCancel(context.Background())
	p.stopMon = stopMon
	p.wg.Go(func() { p.monitor.Run(monCtx) })

	// Taken before anything is done, served after all is ready.
	if p.apiL, err = listen("API listener", p.cfg.addr, "STEPWELL_ADDR"); err != nil {
		return err
	}
	if p.store, err = sqlite.Open(ctx, p.cfg.storePath, sqlite.Config{}); err != nil {
		return err
	}
	p.rt, err = runtime.New(p.store, runtime.Config{Version: p.cfg.version, Logger: p.log, Drain: drainOf(p.cfg)}, p.app.Definitions...)
	if err != nil {
		return err
	}
	p.monitor.Watch(p.rt)
	engCtx, stopEng := context.WithCancel(context.Background())
	p.stopEng = stopEng
	p.wg.Go(func() { p.engine <- p.rt.Run(engCtx) })
	if err := p.ready(ctx); err != nil {
		return err
	}
	return p.startAPI()
}

// drainOf maps "no time" to what the runtime takes for it.
func drainOf(c *config) time.Duration {
	if c.drain == 0 {
		return -1
	}
	return c.drain
}

// ready waits until the runtime has recovered.
func (p *process) ready(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !p.rt.Ready() {
		select {
		case <-tick.C:
		case err := <-p.engine:
			p.engine <- err
			return err
		case <-ctx.Done():
			return nil // the stop is on its way
		}
	}
	return nil
}

func (p *process) startAPI() error {
	tokens, file, made, err := p.cfg.authorize(p.apiL.Addr())
	if err != nil {
		return err
	}
	switch {
	case made != "":
		// Not through the log, which may be shipped.
		fmt.Fprintf(os.Stderr, "a token was made for the API and kept in %s; it is shown only now:\n    %s\n", file, made)
	case file != "":
		p.log.Info("the API asks for the token in a file", "file", file)
	case p.cfg.auth == authOff && len(p.cfg.tokens) > 0:
		p.log.Warn("STEPWELL_AUTH is off: STEPWELL_TOKENS is not used")
	}
	r := mux.NewRouter()
	r.PathPrefix("/v1/").Handler(api.New(p.rt, api.Config{MaxBody: p.cfg.maxBody, Closing: p.closing, Logger: p.log}))
	r.NotFoundHandler = api.NotFound()
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.WriteProblem(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path does not take "+r.Method)
	})
	url := "http://" + reachable(p.apiL.Addr())
	p.app.url.Store(&url)
	if p.app.Routes != nil {
		p.app.Routes(r, p.rt)
	}
	g := &guard{next: r, open: p.app.Open, tokens: tokens, local: p.cfg.auth == authAuto}
	p.apiServer = newServer(sameOrigin(g), p.log)
	p.serveOn("API", p.apiServer, p.apiL)
	p.monitor.Serving(reachable(p.apiL.Addr()))
	p.log.Info("serving", "api", p.apiL.Addr().String(), "health", p.healthL.Addr().String(),
		"store", p.cfg.storePath, "version", p.cfg.version)
	return nil
}

// sameOrigin refuses what pages of other sites make a browser send.
func sameOrigin(next http.Handler) http.Handler {
	c := http.NewCrossOriginProtection()
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.WriteProblem(w, http.StatusForbidden, "cross_origin", "a page of another site may not change anything here")
	}))
	return c.Handler(next)
}

func (p *process) serveOn(what string, s *http.Server, l net.Listener) {
	p.wg.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			select {
			case p.failed <- fmt.Errorf("%s listener: %w", what, err):
			default:
			}
		}
	})
}

// stop brings the parts down in an orderly way; see the package comment.
func (p *process) stop() error {
	p.monitor.Draining()
	close(p.closing)
	p.stopEng()
	err := <-p.engine
	p.engine <- nil
	if p.apiServer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if p.apiServer.Shutdown(ctx) != nil {
			p.apiServer.Close()
		}
	}
	return err
}

// end closes what was opened, whether or not all of it was; health last.
func (p *process) end() error {
	var errs []error
	if p.stopEng != nil {
		p.stopEng()
		<-p.engine
	}
	if p.apiServer != nil {
		p.apiServer.Close()
	} else if p.apiL != nil {
		p.apiL.Close()
	}
	if p.store != nil {
		if err := p.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close store: %w", err))
		}
	}
	if p.stopMon != nil {
		p.stopMon()
	}
	if p.health != nil {
		p.health.Close()
	}
	p.wg.Wait()
	return errors.Join(errs...)
}

// atSecondSignal ends the process when another signal comes.
func atSecondSignal() {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGTERM, os.Interrupt)
	<-again
	fmt.Fprintln(os.Stderr, "ended at once by a second signal; runs under way will be recovered")
	os.Exit(1)
}
