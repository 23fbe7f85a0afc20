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
	windows, last := newLatency(), time.Now()
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
			if next == 0 { // nothing ran until now: what others waited then is of no interest
				windows.window()
				last = time.Now()
			}
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
	pressed, lowered := i.pressed(), 0
	for _, t := range i.watched.snapshot(nil) {
		v, decided := i.watch(t, pressed)
		switch {
		case !decided:
			sooner(lookEvery)
		case v == isBound && i.lower(t):
			lowered++
		case t.step.class.Load() == waiting:
			sooner(tickEvery)
		default:
			sooner(idleEvery)
		}
	}
	if lowered > 0 {
		processors.add(lowered) // each takes its own back when it leaves
	}
	if every := i.fill(); every > 0 {
		sooner(every)
	}
	return next
}

// fill keeps as many compute threads busy as there are cores: those that wait,
// for a disk or a reply, do not count. It returns when to do so again.
func (i *Isolator) fill() time.Duration {
	running := i.pool.snapshot(nil)
	if len(running) == 0 {
		return 0
	}
	wait := 0
	for _, t := range running {
		if t.waits() {
			wait++
		}
	}
	i.pool.resize(i.threads + min(wait, 3*i.cores))
	if i.pool.queued.Load() > 0 {
		return patience
	}
	return tickEvery
}

// watch looks at one execution on a watched thread. It returns false while
// there is no verdict.
func (i *Isolator) watch(t *task, pressed bool) (v verdict, decided bool) {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return isNothing, true
	}
	u := t.usage()
	v, ok := judge(u, false, pressed)
	ok = ok && (v == isBound || threadSleeps(t.thread))
	first := !t.decided
	t.decided = t.decided || ok
	decided = t.decided
	t.mu.Unlock()
	switch {
	case ok && (first || v == isBound):
		i.found(t.step, v, first, false, u)
	case ok && u.wall >= proven:
		t.step.prove(v, u)
	}
	if !ok {
		v = isNothing
	}
	return v, decided
}

// found passes a verdict on. first: the execution had none before.
func (i *Isolator) found(s *step, v verdict, first, ended bool, u usage) {
	moved := false
	switch {
	case first:
		moved = s.settle(i.tick.Load(), v, ended, u)
	case v == isBound:
		moved = s.bind()
	default:
		s.prove(v, u)
	}
	if moved && !s.warned.Swap(true) {
		i.log.LogAttrs(context.Background(), slog.LevelWarn,
			"step is CPU-bound: it runs on the compute threads from now on; mark it with runtime.Compute() to have it there from the start",
			slog.String("step", s.key), slog.Duration("cpu", u.cpu), slog.Duration("wall", u.wall))
	}
}

// lower takes the CPU from an execution that is under way: its thread goes to
// the lowest priority for the rest of its life. The caller raises GOMAXPROCS
// by one when it returns true.
func (i *Isolator) lower(t *task) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || t.low || lowerThread(t.thread) != nil {
		return false
	}
	t.low = true
	return true
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
	u := t.usage()
	t.mu.Unlock()
	v, _ := judge(u, true, i.pressed())
	i.found(t.step, v, first, true, u)
}

// afterCompute is called on the thread of each execution of the pool.
func (i *Isolator) afterCompute(t *task) {
	if t.step == nil || i.pressed() {
		return // what looks like waiting may be waiting for a turn
	}
	t.mu.Lock()
	u := t.usage()
	t.mu.Unlock()
	if t.step.ran(u) {
		i.lightened(t.step)
	}
}
