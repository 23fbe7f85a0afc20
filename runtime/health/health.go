package health

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stepwell/stepwell/runtime"
)

// Config has useful zero values.
type Config struct {
	// Version is shown by /health and in the metrics.
	Version string
	// Traces reports on the export of spans; nil: there is none.
	Traces func() Traces
	// Logger is told of each change of the status; default slog.Default().
	Logger *slog.Logger
	// Limits beyond which the process is not well.
	Limits Limits
	// Every is the time between two samples. Default 1 s.
	Every time.Duration
	// Ask opens connections to the API listener; default: over the network.
	Ask func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Traces says how the export of spans goes.
type Traces struct {
	Backlog     int64
	Shipped     uint64
	LastSuccess time.Time
	Err         error
}

// Source is what is watched: a [runtime.Runtime].
type Source interface {
	Health() runtime.Health
	Probe(ctx context.Context) error
}

// Monitor watches one process. Safe for concurrent use.
type Monitor struct {
	cfg      Config
	registry *prometheus.Registry
	begun    time.Time

	source   atomic.Pointer[Source]
	api      atomic.Pointer[string] // address of the API listener
	started  atomic.Bool
	draining atomic.Bool
	held     atomic.Pointer[[]string] // why the process must not become ready
	last     atomic.Pointer[sample]
	news     chan struct{} // a sample is due now

	// Of the goroutine in Run.
	canary canary
	asker  asker
	sched  schedLatency
	hungry time.Time // since when
	wg     sync.WaitGroup
}

// New makes a monitor. Its handler works at once; samples are taken while
// [Monitor.Run] runs.
func New(cfg Config) *Monitor {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Second
	}
	cfg.Limits = cfg.Limits.withDefaults()
	m := &Monitor{cfg: cfg, begun: time.Now(), news: make(chan struct{}, 1)}
	m.asker.client, m.asker.every = askClient(cfg.Ask), askEvery
	m.canary.idle = canaryIdle
	m.registry = newRegistry(m)
	m.last.Store(m.take(m.begun))
	return m
}

// Watch sets what is watched. Before it the process counts as starting.
func (m *Monitor) Watch(s Source) {
	m.source.Store(&s)
	m.sampleNow()
}

// Serving says that the process has started and that the API listens on addr;
// from now on the listener is asked from inside.
func (m *Monitor) Serving(addr string) {
	m.api.Store(&addr)
	m.started.Store(true)
	m.sampleNow()
}

// Draining says that the process is about to end: it is not ready any more,
// and that the API does not answer is no failure.
func (m *Monitor) Draining() {
	m.draining.Store(true)
	m.sampleNow()
}

// Hold says that the process will not become ready, and why. It is failing,
// and no restart mends that: it lives on to be asked.
func (m *Monitor) Hold(reasons []string) {
	m.held.Store(&reasons)
	m.sampleNow()
}

func (m *Monitor) sampleNow() {
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// Run takes samples until ctx ends. Call it once.
func (m *Monitor) Run(ctx context.Context) {
	defer m.wg.Wait()
	tick := time.NewTicker(m.cfg.Every)
	defer tick.Stop()
	for {
		s := m.take(time.Now())
		m.tell(m.last.Swap(s), s)
		m.examine(ctx, s)
		select {
		case <-tick.C:
		case <-m.news:
		case <-ctx.Done():
			return
		}
	}
}

// tell logs a change of the status.
func (m *Monitor) tell(before, now *sample) {
	was, _ := before.verdict(before.at, &m.cfg.Limits)
	is, reasons := now.verdict(now.at, &m.cfg.Limits)
	switch {
	case was == is:
	case is == failing:
		m.cfg.Logger.Error("health is failing", "reasons", reasons)
	case is == degraded && now.phase == "ready":
		m.cfg.Logger.Warn("health is degraded", "reasons", reasons)
	case is == ok && before.phase == "ready":
		m.cfg.Logger.Info("health is ok")
	}
}

// examine starts the checks that take time, each in a goroutine of its own and
// never twice at once: a hanging disk must not hold up the samples.
func (m *Monitor) examine(ctx context.Context, s *sample) {
	if src := m.source.Load(); src != nil && s.phase == "ready" {
		idle := s.run.Store.LastCommit
		m.canary.maybe(ctx, &m.wg, *src, s.at, idle, s.run.Store.Err != nil)
	}
	if addr := m.api.Load(); addr != nil && s.phase == "ready" {
		m.asker.maybe(ctx, &m.wg, *addr, s.at)
	}
}

var errNoAnswer = errors.New("no answer in time")
