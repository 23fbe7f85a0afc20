package isolate

import (
	"container/list"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// crew runs tasks on goroutines that are each locked to a thread. It starts
// them when needed and lets them go when there was nothing to do for a while.
type crew struct {
	keep    int           // threads that may wait for the next task
	linger  time.Duration // how long they wait
	lowered bool          // the threads run at the lowest priority, each with a P of its own
	after   func(*task)   // called on the thread after each task, before its caller goes on

	wg sync.WaitGroup

	mu      sync.Mutex
	max     int       // threads at a time
	queue   list.List // of *task, first come, first served
	idle    []chan *task
	threads int
	running map[*task]bool
	closed  bool

	// What Stats shows: it must not wait for mu, which a lowered thread may hold.
	size, busy, queued atomic.Int64
}

func (c *crew) countLocked() {
	c.size.Store(int64(c.threads))
	c.busy.Store(int64(c.threads - len(c.idle)))
	c.queued.Store(int64(c.queue.Len()))
}

// enqueue runs the task as soon as there is a thread for it.
func (c *crew) enqueue(t *task) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if !c.placeLocked(t) {
		t.elem = c.queue.PushBack(t)
		c.countLocked()
	}
	return nil
}

// try runs the task now, or returns false when limit threads are taken.
func (c *crew) try(t *task, limit int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.closed && c.threads-len(c.idle) < limit && c.placeLocked(t)
}

func (c *crew) placeLocked(t *task) bool {
	if n := len(c.idle); n > 0 {
		// The last one: its caches are the warmest, and the others may leave.
		c.idle[n-1] <- t
		c.idle = c.idle[:n-1]
		c.countLocked()
		return true
	}
	if c.threads >= c.max {
		return false
	}
	c.startLocked(t)
	return true
}

func (c *crew) startLocked(t *task) {
	c.threads++
	c.countLocked()
	c.wg.Go(func() { c.work(t) })
}

// refillLocked starts threads for what waits.
func (c *crew) refillLocked() {
	for c.threads < c.max {
		t := c.popLocked()
		if t == nil {
			return
		}
		c.startLocked(t)
	}
}

// popLocked returns the next task to run. Those whose key has left the compute
// class meanwhile go back to their callers.
func (c *crew) popLocked() *task {
	for {
		e := c.queue.Front()
		if e == nil {
			return nil
		}
		t := c.queue.Remove(e).(*task)
		t.elem = nil
		if t.step == nil || t.step.class.Load() == compute {
			return t
		}
		if t.drop() {
			t.done <- errMoved
		}
	}
}

// withdraw takes back a task that has not begun.
func (c *crew) withdraw(t *task) bool {
	if !t.drop() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.elem != nil {
		c.queue.Remove(t.elem)
		t.elem = nil
		c.countLocked()
	}
	return true
}

// resize changes the number of threads. Those that are too many leave when
// their task has ended.
func (c *crew) resize(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n != c.max {
		c.max = n
		c.refillLocked()
	}
}

// work is the life of one thread, from its first task on.
func (c *crew) work(t *task) {
	goruntime.LockOSThread()
	if onMainThread() {
		// Not this one. It is held until the other goroutine has another.
		placed := make(chan struct{})
		c.wg.Go(func() {
			goruntime.LockOSThread()
			close(placed)
			c.work(t)
		})
		<-placed
		goruntime.UnlockOSThread()
		return
	}
	id := threadID()
	if c.lowered {
		lowerThread(id) // refused: it still is one of a few
		processors.add(1)
	}
	defer func() { c.leave(t) }() // after a Goexit too
	for t != nil {
		if t.low {
			lowerThread(id)
			processors.add(1)
		}
		if t.begin(id, c.lowered && t.step != nil) {
			c.run(t)
		}
		if t.low {
			return
		}
		t = c.next()
	}
}

func (c *crew) run(t *task) {
	c.mu.Lock()
	if c.running == nil {
		c.running = map[*task]bool{}
	}
	c.running[t] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.running, t)
		c.mu.Unlock()
	}()
	t.call(c.after)
}

// next returns what a thread does next, nil when it may leave.
func (c *crew) next() *task {
	c.mu.Lock()
	if c.threads > c.max {
		c.mu.Unlock()
		return nil
	}
	if next := c.popLocked(); next != nil {
		c.countLocked()
		c.mu.Unlock()
		return next
	}
	if c.closed || len(c.idle) >= c.keep {
		c.mu.Unlock()
		return nil
	}
	hand := make(chan *task, 1)
	c.idle = append(c.idle, hand)
	c.countLocked()
	c.mu.Unlock()

	timer := time.NewTimer(c.linger)
	defer timer.Stop()
	select {
	case next := <-hand: // nil: closed
		return next
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.idle, hand); i >= 0 {
		c.idle = slices.Delete(c.idle, i, i+1)
		return nil
	}
	return <-hand // it came while the timer fired
}

// leave ends a thread. t is the task it ends with, if it does.
func (c *crew) leave(t *task) {
	c.mu.Lock()
	c.threads--
	c.countLocked()
	c.refillLocked()
	c.mu.Unlock()
	// The goroutine ends locked, so the thread ends with it: nobody else may
	// get one of low priority, and Go would keep the others for ever.
	if c.lowered || t != nil && t.low {
		processors.add(-1)
	}
}

// snapshot appends the tasks that run now.
func (c *crew) snapshot(to []*task) []*task {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.running {
		to = append(to, t)
	}
	return to
}

// close refuses what comes and what waits, and returns when what runs has
// ended.
func (c *crew) close() {
	c.mu.Lock()
	c.closed = true
	for e := c.queue.Front(); e != nil; e = c.queue.Front() {
		t := c.queue.Remove(e).(*task)
		t.elem = nil
		if t.drop() {
			t.done <- ErrClosed
		}
	}
	for _, hand := range c.idle {
		close(hand)
	}
	c.idle = nil
	c.mu.Unlock()
	c.wg.Wait()
}
