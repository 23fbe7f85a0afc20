package runtimetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/seam"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// Env is a runtime under test. Its methods may be called from any goroutine of
// the bubble.
type Env struct {
	t     testing.TB
	cfg   runtime.Config
	defs  []runtime.Definition
	store *sqlite.Store
	over  chan struct{} // closed when the last process has ended

	mu      sync.Mutex
	process *process
	closing bool
	crashes int
	points  []*point
	fakes   map[string]func(context.Context) (any, error)
	ran     map[string]int
	asked   map[string]bool // steps of which the test asked whether they ran
}

// process is one life of the runtime, from a start to a crash or the end.
type process struct {
	rt    *runtime.Runtime
	store *mortal
	end   context.CancelFunc
	err   error
	ended chan struct{}
	next  chan struct{} // closed when another has taken over, or none will
}

// Run calls fn in a bubble, with a runtime for the definitions that executes
// until fn returns.
func Run(t *testing.T, fn func(t *testing.T, rt *Env), defs ...runtime.Definition) {
	t.Helper()
	RunWith(t, runtime.Config{}, fn, defs...)
}

// RunWith is [Run] with a configuration. Without a Logger in it nothing is
// logged; its Drain does not count: running steps are cut short at the end.
func RunWith(t *testing.T, cfg runtime.Config, fn func(t *testing.T, rt *Env), defs ...runtime.Definition) {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Drain = -1
	synctest.Test(t, func(t *testing.T) {
		rt := &Env{t: t, cfg: cfg, over: make(chan struct{}), fakes: map[string]func(context.Context) (any, error){}, ran: map[string]int{}, asked: map[string]bool{}}
		hooks, ok := seam.Definition(&seam.Hooks{Step: rt.step, Heir: rt.alive}).(runtime.Definition)
		if !ok {
			t.Fatal("runtimetest: the engine has no seam")
		}
		rt.defs = append(slices.Clone(defs), hooks) // after the others, whose places are told when one is nil
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		rt.store = s
		defer func() {
			if err := s.Close(); err != nil {
				t.Errorf("close the store: %v", err)
			}
		}()
		p, err := rt.begin()
		if err != nil {
			t.Fatal(err)
		}
		rt.process = p
		go rt.keep(p) // close waits for it
		defer rt.close()
		fn(t, rt)
	})
}

// begin starts a process on what the last one left.
func (rt *Env) begin() (*process, error) {
	p := &process{store: newMortal(rt.store, rt.reached), ended: make(chan struct{}), next: make(chan struct{})}
	var err error
	if p.rt, err = runtime.New(p.store, rt.cfg, rt.defs...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.end = cancel
	go func() { // keep waits for it
		defer close(p.ended)
		p.err = p.rt.Run(ctx)
	}()
	return p, nil
}

// keep has another process follow each that crashed.
func (rt *Env) keep(p *process) {
	defer close(rt.over)
	for {
		select {
		case <-p.store.died:
		case <-p.ended:
		}
		p.end()
		<-p.ended
		rt.mu.Lock()
		if rt.closing || !p.store.isDead() {
			rt.mu.Unlock()
			close(p.next)
			if p.err != nil {
				rt.t.Errorf("the runtime ended: %v", p.err)
			}
			return
		}
		next, err := rt.begin()
		if err == nil {
			rt.crashes++
			rt.process = next
		}
		rt.mu.Unlock()
		close(p.next)
		if err != nil {
			rt.t.Errorf("start after a crash: %v", err)
			return
		}
		p = next
	}
}

// alive returns the runtime of the process that lives; after a crash it waits
// for it.
func (rt *Env) alive() any {
	for {
		rt.mu.Lock()
		p := rt.process
		rt.mu.Unlock()
		if !p.store.isDead() {
			return p.rt
		}
		<-p.next
		rt.mu.Lock()
		last := rt.process == p
		rt.mu.Unlock()
		if last {
			return p.rt
		}
	}
}

// close ends the process and reports crashes that did not come, and fakes that were
// not called.
func (rt *Env) close() {
	rt.mu.Lock()
	rt.closing = true
	p := rt.process
	rt.mu.Unlock()
	p.end()
	<-rt.over
	rt.reportPoints()
	rt.reportFakes()
}

func (rt *Env) reportPoints() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, p := range rt.points {
		if !p.done && !rt.t.Failed() {
			rt.t.Errorf("there was no crash at %q: no such step was recorded", p.step)
		}
	}
}

// Context carries the runtime, for Start, Call and the like. It ends with the
// test.
func (rt *Env) Context() context.Context {
	return rt.Runtime().Context(rt.t.Context())
}

// Runtime returns the runtime that lives now; after a crash it waits for the
// next. Unlike contexts and handles, it dies with a crash.
func (rt *Env) Runtime() *runtime.Runtime { return rt.alive().(*runtime.Runtime) }

// Store returns the store under the runtime. What is written to it directly
// does not count as the runtime's.
func (rt *Env) Store() store.Store { return rt.store }
