package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/runtime/internal/isolate"
	"github.com/stepwell/stepwell/store"
)

// Runtime executes the runs of a store. Safe for concurrent use.
type Runtime struct {
	store store.Store
	cfg   Config
	reg   *registry
	ends  ends
	// sealer is set when what is stored is hidden.
	sealer Sealer
	// unmarked are the ids of the keys that Run notes in the store.
	unmarked []string
	// changes tells of events, streams and ends alike.
	changes ends
	watches *watches

	base context.Context // of all workflow code and steps; carries the runtime
	cut  context.CancelCauseFunc

	state     atomic.Int32
	failure   atomic.Pointer[error] // the fatal error
	failed    chan struct{}         // closed with it
	ready     chan struct{}         // closed when Run has recovered
	over      chan struct{}         // closed when Run returns
	isolator  atomic.Pointer[isolate.Isolator]
	dispatch  *dispatcher
	timer     *timer
	signals   *signals
	janitor   *janitor
	asides    sync.Map // versions of which a run was set aside
	schedules *scheduler

	mu     sync.Mutex
	loaded map[string]*execution
	// held counts the loaded runs and those about to be.
	held   int
	vacant chan struct{} // told when held becomes zero
}

// phase is where a runtime is in its life.
type phase int32

const (
	phaseNew phase = iota
	phaseRecovering
	phaseReady
	phaseDraining
	phaseOver
)

func (p phase) String() string {
	return [...]string{"new", "recovering", "ready", "draining", "over"}[p]
}

// New makes a runtime for the definitions. It executes nothing before
// [Runtime.Run] is called, but runs can be started: they are queued.
// The store has one runtime.
//
// Errors: [ErrSealed] when the store was written with a key, and cfg.Codec has none
// or another under the same name; see [Config.Unsealed].
func New(s store.Store, cfg Config, defs ...Definition) (*Runtime, error) {
	rt, err := newRuntime(s, cfg, defs...)
	if err != nil {
		return nil, err
	}
	if err := rt.checkKeys(context.Background()); err != nil {
		return nil, err
	}
	s.Subscribe(rt.news)
	return rt, nil
}

// newRuntime is New without a look at the store.
func newRuntime(s store.Store, cfg Config, defs ...Definition) (*Runtime, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("runtime config: %w", err)
	}
	reg, err := newRegistry(defs)
	if err != nil {
		return nil, err
	}
	rt := &Runtime{
		store: s, cfg: cfg, reg: reg, vacant: make(chan struct{}, 1),
		failed: make(chan struct{}), ready: make(chan struct{}), over: make(chan struct{}),
		loaded: map[string]*execution{}, watches: newWatches(),
	}
	if sealer, ok := cfg.Codec.(Sealer); ok {
		rt.sealer = sealer
	} else if _, ok := cfg.Codec.(plainCodec); !ok {
		rt.cfg.Codec = plainCodec{cfg.Codec}
	}
	rt.store = &watchedStore{&sealedStore{s, rt.sealer}, rt.watches}
	base, cut := context.WithCancelCause(rt.Context(context.Background()))
	rt.base, rt.cut = base, cut
	if err := rt.checkPins(); err != nil {
		return nil, err
	}
	rt.dispatch = newDispatcher(rt)
	rt.timer = newTimer(rt)
	rt.signals = newSignals(rt)
	rt.janitor = newJanitor(rt)
	rt.schedules = newScheduler(rt)
	return rt, nil
}

type runtimeKey struct{}

// Context returns ctx carrying the runtime, for Start, Call, Cancel and the
// like.
func (rt *Runtime) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, runtimeKey{}, rt)
}

func runtimeOf(ctx context.Context) (*Runtime, error) {
	rt, ok := ctx.Value(runtimeKey{}).(*Runtime)
	if !ok {
		return nil, ErrNoRuntime
	}
	return rt.current(), nil
}

// Run recovers what the last process left, then executes runs until ctx ends;
// then it drains: nothing new begins, running steps get [Config.Drain] to end,
// and what has not ended is given back to the store. It returns nil after
// that, or the error that ended it before. It can be called once.
func (rt *Runtime) Run(ctx context.Context) error {
	if !rt.state.CompareAndSwap(int32(phaseNew), int32(phaseRecovering)) {
		return errors.New("runtime: Run was called before")
	}
	defer close(rt.over)
	defer rt.state.Store(int32(phaseOver))
	if err := rt.markKeys(ctx); err != nil {
		return err
	}
	if err := rt.setUp(ctx); err != nil {
		return err
	}
	rec, err := rt.store.Recover(ctx, now(), rt.cfg.MaxRecoveries)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	if rec.Recovered+rec.Parked > 0 {
		rt.cfg.Logger.Info("recovered runs", "recovered", rec.Recovered, "stuck", rec.Parked)
	}
	if err := rt.dispatch.changes.load(ctx, rt.store); err != nil {
		return fmt.Errorf("read the settings of queues: %w", err)
	}
	rt.warnOfQueues(ctx)
	isolator := isolate.New(isolate.Config{Threads: rt.cfg.ComputeThreads, Logger: rt.cfg.Logger})
	rt.isolator.Store(isolator)
	rt.state.Store(int32(phaseReady))
	close(rt.ready)

	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { rt.dispatch.run(inner) })
	wg.Go(func() { rt.timer.run(inner) })
	wg.Go(func() { rt.signals.run(inner) })
	wg.Go(func() { rt.janitor.run(inner) })
	wg.Go(func() { rt.admit(inner) })
	select {
	case <-ctx.Done():
	case <-rt.failed:
	}
	rt.state.Store(int32(phaseDraining))
	stop()
	// Their last writes may have to wait for a Tx step.
	late := time.AfterFunc(max(rt.cfg.Drain, 0), func() { rt.cut(errShutdown) })
	wg.Wait()
	late.Stop()
	if rt.drain() {
		isolator.Close()
	} else if rt.reg.hooks != nil {
		go isolator.Close() // after a crash in a test the process goes on, and may outlast those steps
	}
	if err := rt.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// warnOfQueues names queues that hold runs and are not defined any more: those
// runs would wait for ever, and nobody would know why.
func (rt *Runtime) warnOfQueues(ctx context.Context) {
	stats, err := rt.store.Stats(ctx)
	if err != nil {
		return // whatever it is, the first write tells it better
	}
	for _, q := range stats.Queues {
		if q.Name != "" && q.Depth > 0 && rt.reg.queues[q.Name] == nil {
			rt.cfg.Logger.Warn("runs wait in a queue that is not defined; define it to have them executed", "queue", q.Name, "runs", q.Depth)
		}
	}
}

// drain ends the executions: first those that wait, then as their steps end,
// and after the time allowed by cutting the steps' contexts. It reports whether
// all have ended.
func (rt *Runtime) drain() bool {
	for _, e := range rt.executions() {
		e.haltWith(errDraining)
	}
	emptied := rt.empty(max(rt.cfg.Drain, 0))
	rt.cut(errShutdown)
	// Steps that heed their context end at once. The others die with the
	// process and run again.
	if !emptied {
		emptied = rt.empty(time.Second)
	}
	if !emptied {
		rt.cfg.Logger.Warn("steps ignore the end of their context; their runs will be recovered", "runs", len(rt.executions()))
	}
	return emptied
}

// empty waits until no run is in memory, at most for d.
func (rt *Runtime) empty(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for rt.room() < rt.cfg.MaxLoaded {
		select {
		case <-rt.vacant:
		case <-t.C:
			return false
		}
	}
	return true
}

func (rt *Runtime) phase() phase { return phase(rt.state.Load()) }

// fatal ends Run with err.
func (rt *Runtime) fatal(err error) {
	if rt.failure.CompareAndSwap(nil, &err) {
		rt.cfg.Logger.Error("the store failed; the process has to end", "error", err)
		close(rt.failed)
	}
}

// noteFatal ends Run at an error after which this process cannot say what is
// stored, or cannot go on with a run it holds: a new one recovers.
func (rt *Runtime) noteFatal(err error) {
	for _, harmless := range []error{nil, store.ErrStale, store.ErrClosed, store.ErrConflict, store.ErrFull, store.ErrOverloaded,
		context.Canceled, ErrInvalid, ErrSealed, ErrExists, ErrNotFound, ErrDraining, errDraining} {
		if errors.Is(err, harmless) {
			return
		}
	}
	rt.fatal(err)
}

// news is called by the store after each commit; it must not block.
func (rt *Runtime) news(events []store.Event) {
	for _, ev := range events {
		rt.watches.event(&ev)
		switch ev.Kind {
		case store.EventQueued:
			rt.dispatch.queued(ev.Queue, ev.ID == "")
		case store.EventEnded:
			rt.ends.announce(ev.ID)
			rt.schedules.ended(ev.ID)
			rt.janitor.ended()
			rt.changes.announce(ev.ID)
		case store.EventChanged:
			rt.changes.announce(ev.ID)
		case store.EventSignalled:
			rt.signals.add(ev.ID)
		case store.EventDue:
			rt.timer.due(ev.At)
		case store.EventToken:
			rt.dispatch.tokenAt(ev.Queue, ev.At)
		}
	}
	rt.cfg.Committed()
}

// persist retries a write while the store has no room for it: what has
// happened must not be lost. It gives up when the runtime is cut off, or when
// quit is closed and the store still has no room.
func (rt *Runtime) persist(quit <-chan struct{}, write func() error) error {
	wait := 50 * time.Millisecond
	for {
		err := write()
		if !errors.Is(err, store.ErrFull) && !errors.Is(err, store.ErrOverloaded) {
			if err == nil {
				rt.cfg.Committed()
			}
			rt.noteFatal(err)
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-quit:
			t.Stop()
			return err
		case <-rt.base.Done():
			t.Stop()
			return err
		}
		wait = min(2*wait, 2*time.Second)
	}
}
