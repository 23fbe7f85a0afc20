package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/health"
	"github.com/stepwell/stepwell/store/sqlite"
	"github.com/stepwell/stepwell/telemetry"
)

// flushTime bounds each of the things that a stop waits for after the drain:
// answers under way, and telemetry in memory.
const flushTime = 2 * time.Second

// process is a serving program: its parts, in the order of their start. What
// was not started is nil.
type process struct {
	app *App
	cfg *config
	log *slog.Logger

	tel     *telemetry.Telemetry
	monitor *health.Monitor
	healthL net.Listener
	health  *http.Server
	apiL    net.Listener
	api     *http.Server
	store   *sqlite.Store
	engine  *engine
	shipper *task

	monitoring *task
	sampling   *task // for the web UI
	servers    sync.WaitGroup
	failed     chan error    // a part broke
	closing    chan struct{} // no new runs, and nobody waits for one any more
}

// engine is a runtime that runs.
type engine struct {
	*runtime.Runtime
	*task
}

// task is a goroutine that can be stopped.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
}

func begin(fn func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{cancel: cancel, done: make(chan struct{})}
	go func() { // stop waits for it
		defer close(t.done)
		t.err = fn(ctx)
	}()
	return t
}

// stop ends the task and returns its error. It may be called again.
func (t *task) stop() error {
	t.cancel()
	<-t.done
	return t.err
}

// serve runs the program until a signal comes or a part fails.
func (a *App) serve(cfg *config) error {
	defer begin(tuneMemory).stop()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	p := &process{app: a, cfg: cfg, failed: make(chan error, 4), closing: make(chan struct{})}
	err := p.start(ctx)
	if err == nil {
		releaseImage()
		err = p.wait(ctx)
	}
	return errors.Join(err, p.stop())
}

// wait blocks until the process has to end, and returns why if that is an
// error.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		again := make(chan os.Signal, 1)
		signal.Notify(again, syscall.SIGTERM, os.Interrupt) // before anybody is told that it counts
		go endAt(again)                                     // to the end of the process
		p.log.Info("stopping; a second signal ends at once", "drain", p.cfg.drain.String())
		return nil
	case err := <-p.failed:
		return err
	case <-p.engine.done:
		return nil // stop returns its error
	}
}

// start brings the parts up, health first.
func (p *process) start(ctx context.Context) (err error) {
	if err := p.startTelemetry(ctx); err != nil {
		return err
	}
	if err := p.startHealth(); err != nil {
		return err
	}
	// Taken before anything is done, served after all is ready.
	if p.apiL, err = listen("API listener", p.cfg.addr, "STEPWELL_ADDR"); err != nil {
		return err
	}
	if p.store, err = sqlite.Open(ctx, p.cfg.storePath, sqlite.Config{}); err != nil {
		return fmt.Errorf("%w: set STEPWELL_STORE", err)
	}
	if err := p.startEngine(ctx); err != nil {
		return err
	}
	select {
	case <-p.engine.done:
		return nil // it could not begin, and wait sees to that
	default:
		return p.startAPI()
	}
}

func (p *process) startTelemetry(ctx context.Context) (err error) {
	local := localHandler(p.cfg.logLevel)
	p.log = slog.New(local)
	p.tel, err = telemetry.Start(ctx, telemetry.Config{Version: buildID(), Executor: p.cfg.executor, Log: p.log})
	if err != nil {
		return &usageError{err} // it names the variable
	}
	p.log = slog.New(newPlaceHandler(p.tel.LogHandler(local)))
	slog.SetDefault(p.log)
	if unknown := unknownVariables(os.Environ()); len(unknown) > 0 {
		p.log.Warn("unknown variables are set: see help config", "variables", unknown)
	}
	return nil
}

func (p *process) startHealth() (err error) {
	cfg := health.Config{Version: buildID(), Logger: p.log}
	if p.tel.Tracing() {
		cfg.Traces = func() health.Traces {
			s := p.tel.Status()
			return health.Traces{Backlog: s.Backlog, Shipped: s.Shipped, LastSuccess: s.LastSuccess, Err: s.Err}
		}
	}
	p.monitor = health.New(cfg)
	if p.healthL, err = listen("health listener", p.cfg.healthAddr, "STEPWELL_HEALTH_ADDR"); err != nil {
		return err
	}
	p.health = newServer(p.monitor.Handler(), p.log)
	p.serveOn("health", p.health, p.healthL)
	p.monitoring = begin(func(ctx context.Context) error { p.monitor.Run(ctx); return nil })
	return nil
}

// startEngine begins to execute runs, and returns once the last process's are
// recovered.
func (p *process) startEngine(ctx context.Context) error {
	codec, err := p.cfg.codec()
	if err != nil {
		return err
	}
	rt, err := runtime.New(p.store, runtime.Config{
		Codec: codec, Unsealed: p.cfg.unsealed,
		Executor: p.cfg.executor, Version: p.cfg.version, Logger: p.log, Drain: drainOf(p.cfg),
		Sample: p.tel.Sampler(), Committed: p.tel.Notify, Retention: p.cfg.retention, KeepUnsent: p.tel.Tracing(),
	}, p.app.Definitions...)
	if errors.Is(err, runtime.ErrSealed) {
		return &usageError{fmt.Errorf("%w: set STEPWELL_ENCRYPTION_KEYS to what it was, or to none where encryption was turned off on purpose", err)}
	}
	if err != nil {
		return err
	}
	p.monitor.Watch(rt)
	p.engine = &engine{rt, begin(idle)}
	held, err := p.gate(ctx)
	if err != nil {
		return err
	}
	if !held {
		p.engine.stop()
		p.engine = &engine{rt, begin(rt.Run)}
	}
	p.shipper = begin(func(ctx context.Context) error {
		err := p.tel.Ship(ctx, p.store)
		if err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("ship spans: %w", err))
		}
		return nil
	})
	if held {
		return nil // the API serves, for those who have to mend it
	}
	select {
	case <-rt.Recovered():
	case <-p.engine.done: // stop returns its error
	case <-ctx.Done(): // a stop is due
	}
	return nil
}

// idle is an engine that executes nothing.
func idle(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// codec is JSON, encrypted where there are keys.
func (c *config) codec() (runtime.Codec, error) {
	if len(c.keys) == 0 {
		return runtime.JSON{}, nil
	}
	return runtime.NewEncryptedCodec(runtime.JSON{}, c.keys...)
}

// drainOf maps "no time" to what the runtime takes for it.
func drainOf(c *config) time.Duration {
	if c.drain == 0 {
		return -1
	}
	return c.drain
}

func (p *process) serveOn(what string, s *http.Server, l net.Listener) {
	p.servers.Go(func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.fail(fmt.Errorf("%s listener: %w", what, err))
		}
	})
}

// fail reports a part that broke. The first reports count.
func (p *process) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// stop brings down what was started: not ready any more, no new runs, drained,
// API closed, spans flushed, store closed, the rest of the telemetry flushed,
// health last.
func (p *process) stop() error {
	var errs []error
	if p.monitor != nil {
		p.monitor.Draining()
	}
	close(p.closing)
	if p.engine != nil {
		errs = append(errs, p.engine.stop())
	}
	if p.api != nil {
		shutdown(p.api)
	} else if p.apiL != nil {
		p.apiL.Close()
	}
	if p.sampling != nil {
		p.sampling.stop()
	}
	if p.shipper != nil {
		errs = append(errs, p.shipper.stop())
	}
	if p.store != nil {
		if err := p.store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close the store: %w", err))
		}
	}
	if p.tel != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		if err := p.tel.Shutdown(ctx); err != nil {
			p.log.Warn("telemetry was not flushed", "error", err) // and no reason to exit with 1
		}
	}
	if p.monitoring != nil {
		p.monitoring.stop()
	}
	if p.health != nil {
		p.health.Close()
	} else if p.healthL != nil {
		p.healthL.Close()
	}
	p.servers.Wait()
	return errors.Join(errs...)
}

// shutdown closes a server, with a little time for the answers under way.
func shutdown(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		s.Close()
	}
}

// endAt ends the process when another signal comes.
func endAt(again <-chan os.Signal) {
	<-again
	fmt.Fprintln(os.Stderr, "ended at once by a second signal; runs under way will be recovered")
	os.Exit(1)
}

// executorName is new for each process: host and a random part.
func executorName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "executor"
	}
	return host + "-" + strings.ToLower(rand.Text()[:8])
}
