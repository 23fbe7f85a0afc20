package runtime

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Health is what a runtime knows of itself. Reading it waits for nothing.
type Health struct {
	// Phase is new, recovering, ready, draining or over.
	Phase string
	// Loaded is the number of runs in memory, MaxLoaded its bound.
	Loaded, MaxLoaded int
	// Hungry: claimable runs are left in the store for want of room in memory.
	Hungry bool
	// Err is the error that ends the runtime; nil otherwise.
	Err error
	// NextDue is when the next timer or deadline falls due; zero when none.
	NextDue   time.Time
	Store     store.Health
	Isolation Isolation
}

// Recovered is closed once [Runtime.Run] has queued again what the last process
// left, and executes runs.
func (rt *Runtime) Recovered() <-chan struct{} { return rt.ready }

// Ready reports whether the runtime executes and accepts runs.
func (rt *Runtime) Ready() bool { return rt.phase() == phaseReady && rt.failure.Load() == nil }

// Health reads the runtime's and the store's numbers.
func (rt *Runtime) Health() Health {
	h := Health{
		Phase: rt.phase().String(), MaxLoaded: rt.cfg.MaxLoaded, Loaded: rt.loadedNow(),
		Hungry: rt.dispatch.hungry.Load(), NextDue: rt.NextDue(),
		Store: rt.store.Health(), Isolation: rt.isolation(),
	}
	if err := rt.failure.Load(); err != nil {
		h.Err = *err
	}
	return h
}

// Probe commits a write of no meaning: proof that the store can. It is for a
// health check while nothing else is written.
func (rt *Runtime) Probe(ctx context.Context) error { return rt.store.Probe(ctx) }
