package experiment

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Config says what to try.
type Config struct {
	Program  string // the binary to run as the server
	Workload string
	Runs     int
	Rate     float64       // probes a second
	Length   time.Duration // stop after; 0: when all runs have ended
	// Watch is called once a second with the state so far; optional.
	Watch func(State)
}

// State is what is known while an experiment goes on.
type State struct {
	At           time.Duration
	Runs         Runs
	Sent, Missed int
	P99          time.Duration
	MB           float64
}

const (
	probeTimeout = time.Second
	// lookEvery is how often runs and memory are looked at. Seldom enough that
	// the looking is no load.
	lookEvery = 250 * time.Millisecond
)

var (
	errLength      = errors.New("the chosen length of time was over")
	errInterrupted = errors.New("interrupted")
	errGone        = errors.New("the server is gone")
	errAllEnded    = errors.New("all runs have ended")
)

// Run makes the experiment. The result is what was measured until ctx ended,
// if it did. An error means that nothing could be measured.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	server, err := startChild(ctx, cfg.Program)
	if err != nil {
		return nil, err
	}
	e := &experiment{cfg: cfg, server: server, client: newClient(server.api), began: time.Now()}
	e.result = Result{Workload: cfg.Workload, Runs: cfg.Runs, Rate: cfg.Rate, Timeout: probeTimeout}
	e.measure(ctx)
	if ctx.Err() != nil {
		e.result.Stopped = errInterrupted
	}
	if e.result.Ended.bad() > 0 {
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		e.result.Failures = e.client.failures(look, 3)
		cancel()
	}
	e.result.Server = server.stop()
	return e.finish(), nil
}

type experiment struct {
	cfg    Config
	server *child
	client *client
	began  time.Time

	mu     sync.Mutex // guards result and health while measuring
	result Result
	health float64 // memory the server last spoke of, MB
}

// measure probes and loads the server until all runs have ended or something
// else ends the experiment.
func (e *experiment) measure(ctx context.Context) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	if e.cfg.Length > 0 {
		defer time.AfterFunc(e.cfg.Length, func() { end(errLength) }).Stop()
	}
	p := prober{url: e.server.health + "/health", rate: e.cfg.Rate, timeout: probeTimeout, seen: e.seen}
	wg.Go(func() { p.run(ctx) })
	wg.Go(func() {
		if err := e.client.startRuns(ctx, e.cfg.Workload, e.cfg.Runs); err != nil && ctx.Err() == nil {
			// A server that dies breaks its connections first, but that it
			// died is the better reason.
			select {
			case <-e.server.exited:
				err = errGone
			case <-time.After(lookEvery):
			}
			end(err)
		}
	})
	wg.Go(func() { e.follow(ctx, end) })

	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for i := 0; ; i++ {
		e.look(i%int(time.Second/lookEvery) == 0)
		select {
		case <-look.C:
		case <-e.server.exited:
			end(errGone)
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
	}
	e.look(true)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.result.Wall = time.Since(e.began)
	if cause := context.Cause(ctx); cause != errAllEnded {
		e.result.Stopped = cause
	}
}

// follow asks how far the runs are. It is apart from the looking at memory,
// which a slow answer must not hold up.
func (e *experiment) follow(ctx context.Context, end context.CancelCauseFunc) {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		if runs, err := e.client.counts(ctx); err == nil {
			e.mu.Lock()
			e.result.Ended = runs
			e.result.Progress = append(e.result.Progress, Progress{time.Since(e.began), runs})
			e.mu.Unlock()
			if runs.ended() >= e.cfg.Runs {
				end(errAllEnded)
				return
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// seen takes the result of a probe.
func (e *experiment) seen(p Probe) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.result.Probes = append(e.result.Probes, p)
	if p.MemoryMB > 0 {
		e.health = p.MemoryMB
		e.result.HealthMB = max(e.result.HealthMB, p.MemoryMB)
	}
}

// look samples the server's memory and, when told to, reports the state.
func (e *experiment) look(report bool) {
	now, peak, ok := residentMB(e.server.cmd.Process.Pid)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !ok {
		now = e.health
	}
	at := time.Since(e.began)
	if now > 0 {
		e.result.Memory = append(e.result.Memory, Memory{at, now})
	}
	e.result.PeakMB = max(e.result.PeakMB, peak)
	if report && e.cfg.Watch != nil {
		e.cfg.Watch(State{
			At: at, Runs: e.result.Ended, Sent: len(e.result.Probes), Missed: e.result.missed(),
			P99: summarize(e.result.Probes).P99, MB: now,
		})
	}
}

func (e *experiment) finish() *Result {
	r := &e.result
	slices.SortFunc(r.Probes, func(a, b Probe) int { return cmp.Compare(a.At, b.At) })
	r.Latency = summarize(r.Probes)
	if r.Stopped == errGone {
		r.Stopped = nil // Server says so, and why
	}
	return r
}
