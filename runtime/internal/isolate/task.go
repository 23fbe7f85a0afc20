package isolate

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// task is one execution on a thread of a crew.
type task struct {
	fn   func()
	step *step      // nil: marked by the user, nothing to find out
	done chan error // has room: the thread does not wait for the caller

	elem *list.Element // in the crew's queue; guarded by crew.mu

	// begun is claimed by the thread that runs it, or by a caller that no
	// longer wants it.
	begun atomic.Bool

	// Written by the thread before the task is among the crew's running ones.
	thread int
	start  time.Time
	cpu0   time.Duration

	// mu is held while someone else touches the thread, so that it does not
	// end meanwhile and its number becomes another's.
	mu      sync.Mutex
	ended   bool
	decided bool // the verdict is in
	low     bool // the thread has the lowest priority, from the start or since it was lowered, and ends with the task
	looked  bool // delay0 is known
	delay0  time.Duration
	last    usage // when it was last looked at
}

func newTask(s *step, fn func()) *task {
	return &task{fn: fn, step: s, done: make(chan error, 1)}
}

// begin claims the task for the calling thread. It returns false when its
// caller gave up. look: the task will be looked at, if only at its end.
func (t *task) begin(thread int, look bool) bool {
	if !t.begun.CompareAndSwap(false, true) {
		return false
	}
	t.thread, t.start = thread, time.Now()
	t.cpu0, _ = threadCPU(thread)
	if look {
		t.delay0, _ = threadDelay(thread)
		t.looked = true
	}
	return true
}

// drop takes the task back. It returns false when it began.
func (t *task) drop() bool { return t.begun.CompareAndSwap(false, true) }

// call runs the function. The deferred part runs after a Goexit too.
func (t *task) call(after func(*task)) {
	err := ErrExited
	defer func() {
		t.mu.Lock()
		t.ended = true
		t.mu.Unlock()
		after(t)
		t.done <- err
	}()
	t.fn()
	err = nil
}

// usage returns what the task took. The caller holds mu.
func (t *task) usage() usage {
	u := usage{wall: time.Since(t.start)}
	if now, ok := threadCPU(t.thread); ok {
		u.cpu = now - t.cpu0
	}
	if u.wall < lookEvery {
		return u // not worth reading a file for
	}
	// What the kernel kept the thread waiting before the first look is lost.
	delay, ok := threadDelay(t.thread)
	if !t.looked {
		t.looked, t.delay0 = true, delay
	}
	u.wall, u.sure = max(u.wall-(delay-t.delay0), u.cpu), ok
	return u
}

// waits tells whether the task mostly waited for something else than the CPU
// since it was last asked.
func (t *task) waits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	u, last := t.usage(), t.last
	t.last = u
	cpu, wall := u.cpu-last.cpu, u.wall-last.wall
	return u.sure && wall >= patience/2 && cpu < wall/4 && threadSleeps(t.thread)
}
