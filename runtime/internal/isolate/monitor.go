package isolate

import (
	"context"
	"log/slog"
	"time"
)

const (
	tickEvery = 100 * time.Millisecond // one window of scheduler latency
	lookEvery = 2 * time.Millisecond   // while an execution has no verdict
	idleEvery = time.Second            // while all that runs was found to wait

	// pressure is the scheduler latency, p99 of a window, from which on the
	// process counts as short of CPU.
	pressure = 10 * time.Millisecond

	// clogging is how long an execution that mostly waits may hold a compute
	// thread that it does not need.
	clogging = time.Second
)

// touch tells the monitor that something runs. It is called once a tick.
func (i *Isolator) touch() {
	i.tick.Store(i.now())
	i.touched.Store(true)
	i.nudge()
}

// nudge makes the monitor look now.
func (i *Isolator) nudge() {
	select {
	case i.kick <- struct{}{}:
	default:
	}
}

func (i *Isolator) now() uint32 { return uint32(time.Since(i.epoch)/tickEvery) + 1 }

// monitor watches from outside while something runs, and sleeps else.
func (i *Isolator) monitor() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var windows = newLatency()
	var last time.Time
	for {
		active := true
		if now := time.Now(); now.Sub(last) >= tickEvery {
			last = now
			active = i.touched.Swap(false)
			i.tick.Store(i.now())
			i.latency.Store(int64(windows.window()))
		}
		next := i.look()
		if active && (next == 0 || next > tickEvery) {
			next = tickEvery
		}
		if next == 0 {
			i.latency.Store(0)
			timer.Stop()
		} else {
			timer.Reset(next)
		}
		select {
		case <-timer.C:
		case <-i.kick:
		case <-i.stop:
			return
		}
	}
}

func (i *Isolator) pressed() bool { return time.Duration(i.latency.Load()) >= pressure }

// look goes once over all that runs on a thread. It returns when to look
// again, 0: when something new runs.
func (i *Isolator) look() (next time.Duration) {
	sooner := func(d time.Duration) {
		if next == 0 || d < next {
			next = d
		}
	}
	pressed := i.pressed()
	for _, t := range i.watched.snapshot(nil) {
		if decided := i.watch(t, pressed); decided {
			sooner(idleEvery)
		} else {
			sooner(lookEvery)
		}
	}
	for _, t := range i.pool.snapshot(nil) {
		sooner(tickEvery)
		if t.step != nil && !pressed {
			i.unclog(t)
		}
	}
	return next
}

// watch looks at one execution on a watched thread. It returns false while
// there is no verdict.
func (i *Isolator) watch(t *task, pressed bool) (decided bool) {
	t.mu.Lock()
	if t.ended || t.lowered {
		t.mu.Unlock()
		return true
	}
	cpu, wall := t.usage()
	v, ok := judge(cpu, wall, false, pressed)
	first := !t.decided
	if !ok || !first && v != isBound {
		t.mu.Unlock()
		return !first
	}
	t.decided = true
	t.mu.Unlock()

	if i.found(t.step, v, first, cpu, wall); v == isBound {
		i.lower(t)
	}
	return true
}

// found passes a verdict on. first: the execution had none before.
func (i *Isolator) found(s *step, v verdict, first bool, cpu, wall time.Duration) {
	moved := false
	if first {
		moved = s.settle(i.tick.Load(), v)
	} else if v == isBound {
		moved = s.bind()
	}
	if moved && !s.warned.Swap(true) {
		i.log.LogAttrs(context.Background(), slog.LevelWarn,
			"step is CPU-bound: it runs on the compute threads from now on; mark it with runtime.Compute() to have it there from the start",
			slog.String("step", s.key), slog.Duration("cpu", cpu), slog.Duration("wall", wall))
	}
}

// lower takes the CPU from an execution that is under way: its thread goes to
// the lowest priority for the rest of its life, and gets a P of its own.
func (i *Isolator) lower(t *task) {
	if !i.watched.release(t) {
		return
	}
	t.mu.Lock()
	if !t.ended && lowerThread(t.thread) == nil {
		t.lowered = true
	}
	lowered := t.lowered
	t.mu.Unlock()
	if lowered {
		processors.add(1) // leave takes it back
	}
}

// unclog frees a compute thread from an execution that does not need it.
func (i *Isolator) unclog(t *task) {
	t.mu.Lock()
	cpu, wall := t.usage()
	clogs := !t.ended && wall >= clogging && t.waited(cpu, wall)
	t.mu.Unlock()
	if clogs && i.pool.release(t) && t.step.lighten() {
		i.lightened(t.step)
	}
}

func (i *Isolator) lightened(s *step) {
	i.log.LogAttrs(context.Background(), slog.LevelInfo,
		"step is no longer CPU-bound: it leaves the compute threads", slog.String("step", s.key))
}

// afterWatch is called on the thread of each execution that was watched.
func (i *Isolator) afterWatch(t *task) {
	t.mu.Lock()
	first := !t.decided
	t.decided = true
	t.mu.Unlock()
	cpu, wall := t.usage()
	v, _ := judge(cpu, wall, true, i.pressed())
	if first || v == isBound {
		i.found(t.step, v, first, cpu, wall)
	}
}

// afterCompute is called on the thread of each execution of the pool.
func (i *Isolator) afterCompute(t *task) {
	if t.step == nil || i.pressed() {
		return // what looks like waiting may be waiting for a turn
	}
	cpu, wall := t.usage()
	if t.step.ran(cpu, wall, t.waited(cpu, wall)) {
		i.lightened(t.step)
	}
}
