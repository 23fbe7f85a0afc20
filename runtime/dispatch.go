package runtime

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/store"
)

// claimBatch bounds the runs claimed in one write.
const claimBatch = 512

// dispatcher claims queued runs and launches them. It sleeps until a run is
// queued or a place becomes free; it never polls.
type dispatcher struct {
	rt   *Runtime
	wake chan struct{}
	// hungry: claimable runs were left in the store for want of room.
	hungry atomic.Bool

	mu sync.Mutex
	// ready holds the queues that may have claimable runs; the empty name
	// stands for runs without a queue and for those that had started before.
	ready map[string]bool
	// tokens holds when to look again at the queues that want a token.
	tokens map[string]time.Time

	changes queueChanges
}

func newDispatcher(rt *Runtime) *dispatcher {
	d := &dispatcher{rt: rt, wake: make(chan struct{}, 1), ready: map[string]bool{}, tokens: map[string]time.Time{}}
	d.allReady() // the last process may have left some
	return d
}

func (d *dispatcher) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *dispatcher) allReady() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ready[""] = true
	for name := range d.rt.reg.queues {
		d.ready[name] = true
	}
}

// queued is told of a claimable run, or of many.
func (d *dispatcher) queued(queue string, many bool) {
	if many {
		d.allReady()
	} else {
		d.mu.Lock()
		d.ready[queue] = true
		d.mu.Unlock()
	}
	d.signal()
}

// tokenAt is told that a queue has no token before a moment.
func (d *dispatcher) tokenAt(queue string, at time.Time) {
	d.mu.Lock()
	d.tokens[queue] = at
	d.mu.Unlock()
	d.signal()
}

// ripe readies the queues that have a token again, and returns when the next
// one has; zero when none waits for any.
func (d *dispatcher) ripe() (next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for queue, at := range d.tokens {
		switch {
		case !at.After(now()):
			delete(d.tokens, queue)
			d.ready[queue] = true
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return next
}

// freed is told that a run of the queue left memory.
func (d *dispatcher) freed(queue string) {
	if q, ok := d.rt.reg.queues[queue]; ok && d.changes.of(q).places() {
		d.queued(queue, false)
	} else if d.hungry.Load() {
		d.signal()
	}
}

// backlog reports whether runs without a queue wait to be claimed.
func (d *dispatcher) backlog() bool {
	if d.hungry.Load() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ready[""]
}

func (d *dispatcher) run(ctx context.Context) {
	d.signal()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		select {
		case <-d.wake:
		case <-alarm.C:
		case <-ctx.Done():
			return
		}
		next := d.ripe()
		for d.round(ctx) {
			next = d.ripe()
		}
		// Without a queue that wants a token the alarm stands still.
		alarm.Stop()
		if !next.IsZero() {
			alarm.Reset(time.Until(next))
		}
	}
}

// round claims one batch. It reports whether there may be more to claim now.
func (d *dispatcher) round(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	room := d.rt.reserveMany(claimBatch)
	if room == 0 {
		return false // the next run to leave signals
	}
	names, queues := d.take()
	if len(names) == 0 {
		d.rt.giveBack(room)
		return false
	}
	req := store.ClaimRequest{Executor: d.rt.cfg.Executor, Clock: now, Limit: room, Queues: queues}
	runs, err := d.rt.store.Claim(context.WithoutCancel(ctx), req)
	if err != nil {
		runs = nil
	}
	d.rt.giveBack(room - len(runs))
	if err != nil {
		return d.retry(ctx, names, err)
	}
	for _, run := range runs {
		d.launch(run)
	}
	if len(runs) > 0 {
		d.mark(names) // not known to be empty: look again
	}
	return len(runs) > 0
}

func (d *dispatcher) mark(names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		d.ready[name] = true
	}
}

// take returns the names that were ready, and from which of those queues new
// runs may be claimed.
func (d *dispatcher) take() (names []string, queues []store.QueueLimit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.ready {
		delete(d.ready, name)
		names = append(names, name)
		q := d.rt.reg.queues[name]
		switch {
		case name == "":
			queues = append(queues, store.QueueLimit{})
		case q == nil: // not one of ours
		default:
			queues = append(queues, q.cfg.limit(name))
		}
	}
	return names, queues
}

func (d *dispatcher) retry(ctx context.Context, names []string, err error) bool {
	d.rt.noteFatal(err)
	if !errors.Is(err, store.ErrFull) && !errors.Is(err, store.ErrOverloaded) && !errors.Is(err, store.ErrClosed) {
		d.rt.cfg.Logger.Error("claim runs", "error", err)
	}
	d.mark(names)
	select {
	case <-time.After(500 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// launch starts a claimed run, which has its place, or sets aside one that is
// pinned to another version.
func (d *dispatcher) launch(run store.Run) {
	if run.Pinned && run.Version != d.rt.cfg.Version {
		go d.rt.aside(run) // drain waits for its place to be given back
		return
	}
	d.rt.launch(run)
}
