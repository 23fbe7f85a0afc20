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
	delay0 time.Duration // see threadDelay
	delays bool          // the kernel tells it

	// mu is held while someone else touches the thread, so that it does not
	// end meanwhile and its number becomes another's.
	mu      sync.Mutex
	ended   bool
	decided bool // the verdict is in
	lowered bool // the thread's priority was lowered while it ran

	gone bool // the thread ends with the task; guarded by crew.mu while it runs
}

func newTask(s *step, fn func()) *task {
	return &task{fn: fn, step: s, done: make(chan error, 1)}
}

// begin claims the task for the calling thread. It returns false when its
// caller gave up.
func (t *task) begin(delay bool) bool {
	if !t.begun.CompareAndSwap(false, true) {
		return false
	}
	t.thread, t.start = threadID(), time.Now()
	if t.step != nil {
		t.cpu0, _ = threadCPU(t.thread)
		if delay {
			t.delay0, t.delays = threadDelay(t.thread)
		}
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

// usage returns the CPU time and the wall time the task took until now. The
// caller holds mu, or is the task's thread.
func (t *task) usage() (cpu, wall time.Duration) {
	now, ok := threadCPU(t.thread)
	if !ok {
		return 0, time.Since(t.start)
	}
	return now - t.cpu0, time.Since(t.start)
}

// waited tells whether a task on a lowered thread did mostly wait for
// something else than the CPU.
func (t *task) waited(cpu, wall time.Duration) bool {
	if !t.delays {
		return cpu < wall/100 // it may just as well have been kept from the CPU
	}
	delay, _ := threadDelay(t.thread)
	return cpu+delay-t.delay0 < wall/10
}
