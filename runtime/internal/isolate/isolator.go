package isolate

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrExited is returned when the function ended by runtime.Goexit.
	ErrExited = errors.New("function called runtime.Goexit")
	// ErrClosed is returned once the isolator is closed; the function did not run.
	ErrClosed = errors.New("isolator is closed")

	errMoved = errors.New("the step left the compute class") // stays inside
)

// Config has useful zero values.
type Config struct {
	// Threads of the compute pool; 0: as many as cores, that is GOMAXPROCS at
	// the time of New, negative: no isolation at all.
	Threads int
	// MaxKeys bounds the keys that are remembered. Default 4,096.
	MaxKeys int
	// Logger; default slog.Default().
	Logger *slog.Logger
}

// Stats is a snapshot; its numbers are read one by one.
type Stats struct {
	Threads  int           // compute threads that exist
	Busy     int           // executions on them
	Queued   int           // executions that wait for one
	Watched  int           // executions on watched threads
	Isolated int           // keys found to be CPU-bound
	Latency  time.Duration // of the scheduler: p99 of the last 100 ms, 0 when nothing ran
}

// Isolator runs functions so that those that take the CPU do not take it from
// the rest of the process. Safe for concurrent use.
type Isolator struct {
	off     bool // isolation is switched off
	blind   bool // threads cannot be watched here: only what is marked is isolated
	cores   int
	threads int // of the pool, when none of them waits
	log     *slog.Logger
	steps   table

	pool    crew // the compute threads
	watched crew // the watched threads

	epoch   time.Time
	tick    atomic.Uint32 // since epoch, in tickEvery; stands still while nothing runs
	touched atomic.Bool   // something began to run in this tick
	latency atomic.Int64  // of the scheduler, in the last window
	closed  atomic.Bool

	kick chan struct{}
	stop chan struct{}
	wg   sync.WaitGroup
}

const linger = 10 * time.Second // of threads without work

// New returns an isolator that has no threads yet. The caller must close it.
func New(cfg Config) *Isolator {
	i := &Isolator{
		off:   cfg.Threads < 0,
		cores: processors.cores(),
		log:   cfg.Logger,
		epoch: time.Now(),
		kick:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
	}
	if i.off {
		return i
	}
	if i.log == nil {
		i.log = slog.Default()
	}
	_, ok := threadCPU(threadID())
	i.blind = !ok
	i.threads = cfg.Threads
	if i.threads == 0 {
		i.threads = i.cores
	}
	i.steps.max = cfg.MaxKeys
	if i.steps.max <= 0 {
		i.steps.max = 4096
	}
	i.steps.crowd = int32(4 * i.cores)
	i.pool = crew{max: i.threads, keep: i.threads, linger: linger, lowered: true, after: i.afterCompute}
	i.watched = crew{max: 8 * i.cores, keep: i.cores, linger: linger, after: i.afterWatch}
	i.wg.Go(i.monitor)
	return i
}

// Close refuses what comes and what waits for a compute thread, and returns
// when the functions on threads have returned and the threads have ended. It
// does not wait for functions on their callers' goroutines.
func (i *Isolator) Close() {
	if i.closed.Swap(true) || i.off {
		return
	}
	i.watched.close()
	i.pool.close()
	close(i.stop)
	i.wg.Wait()
}

// Stats never waits.
func (i *Isolator) Stats() Stats {
	return Stats{
		Threads:  int(i.pool.size.Load()),
		Busy:     int(i.pool.busy.Load()),
		Queued:   int(i.pool.queued.Load()),
		Watched:  int(i.watched.busy.Load()),
		Isolated: int(i.steps.isolated.Load()),
		Latency:  time.Duration(i.latency.Load()),
	}
}

// Do runs fn, and returns when fn has returned: on the caller's goroutine or
// on another, as the step named key needs it; marked says that the user knows
// it to be CPU-bound. When ctx ends before fn began, fn is not run and the
// cause is returned. When fn ends its goroutine by Goexit on another goroutine
// than the caller's, ErrExited is returned; on the caller's it ends the caller.
// fn must not panic, and must not call Do.
func (i *Isolator) Do(ctx context.Context, key string, marked bool, fn func()) error {
	if i.closed.Load() {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if i.off {
		fn()
		return nil
	}
	if !i.touched.Load() {
		i.touch()
	}
	if marked {
		return i.compute(ctx, nil, fn)
	}
	if i.blind {
		fn()
		return nil
	}
	s := i.steps.get(key)
	if !s.quick(i.tick.Load()) {
		if here, err := i.decide(ctx, s, fn); !here {
			return err
		}
	}
	return s.inline(fn) // from this small frame: it may stay for long
}

// decide runs fn on a thread if its step's class says so, or to find the class
// out; here tells that it did not, and fn is to run on the caller's goroutine.
func (i *Isolator) decide(ctx context.Context, s *step, fn func()) (here bool, err error) {
	for {
		if i.closed.Load() {
			return false, ErrClosed
		}
		share := i.share(s)
		full := int(i.watched.busy.Load()) >= share
		role, turn := s.join(i.tick.Load(), i.cores, i.pressed(), full)
		switch role {
		case isolate:
			if err := i.compute(ctx, s, fn); err != errMoved {
				return false, err
			}
		case watch:
			t := newTask(s, fn)
			t.low = s.class.Load() == waiting
			if i.watched.try(t, share) {
				i.nudge()
				return false, <-t.done
			}
			s.settle(i.tick.Load(), isNothing, false, usage{})
			if !t.low {
				return true, nil
			}
		case wait:
			select {
			case <-turn.come:
			case <-ctx.Done():
				s.quit(turn)
				return false, context.Cause(ctx)
			}
		default:
			return true, nil
		}
	}
}

// share returns how many of the watched threads may be taken when a step asks
// for one: the more is known about it, the less it needs one.
func (i *Isolator) share(s *step) int {
	switch c := s.class.Load(); {
	case c == light && !s.crowded():
		return 2 * i.cores
	case c == waiting:
		return 4 * i.cores
	}
	return 8 * i.cores
}

// compute runs fn on a compute thread.
func (i *Isolator) compute(ctx context.Context, s *step, fn func()) error {
	t := newTask(s, fn)
	if err := i.pool.enqueue(t); err != nil {
		return err
	}
	select {
	case err := <-t.done:
		return err
	case <-ctx.Done():
		if i.pool.withdraw(t) {
			return context.Cause(ctx)
		}
		return <-t.done
	}
}
