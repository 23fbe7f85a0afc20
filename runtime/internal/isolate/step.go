package isolate

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

type class = uint32

const (
	unknown class = iota
	waiting       // seen to wait, but what an execution does after that is not known: none has ended
	light
	compute
)

const (
	// proven is how long an execution may wait before its key is known to.
	// Until then those that find no watched thread wait with it.
	proven = 500 * time.Millisecond

	// Executions in a row that mostly wait, or are short, before a step
	// leaves the compute class; doubled each time, so that it does not swing.
	waitsInARow  = 3
	shortsInARow = 16
	shortCPU     = 500 * time.Microsecond

	// maxPause is the longest time between two samples of a light key, in
	// ticks: a step that begins to wait for seconds would hold a thread for each.
	maxPause = 128
)

// step is what is known about one key.
type step struct {
	key     string
	base    int32 // of crowd
	class   atomic.Uint32
	due     atomic.Uint32 // tick from which on an execution is sampled
	used    atomic.Bool   // since the table was last swept
	running atomic.Int32  // on their callers' goroutines
	warned  atomic.Bool   // that it is CPU-bound
	crowd   atomic.Int32  // from how many of them on, further ones are looked at first

	mu      sync.Mutex
	pause   uint32 // ticks until due again
	watched int    // executions without a verdict yet
	line    line   // who waits for a verdict, or for the crowd to thin
	known   bool   // crowd tells what an execution showed from begin to end
	waits   int    // executions in a row on the compute threads that mostly waited
	shorts  int    // the same, short
	again   int    // times it was moved to compute

	isolated  *atomic.Int64 // the table's count of keys in compute
	forgotten bool          // by the table: no longer counted
}

// role is how one execution is to run.
type role int

const (
	inline  role = iota // on the caller's goroutine
	watch               // on a watched thread
	wait                // not before there is a verdict
	isolate             // on a compute thread
)

// quick tells, in a few nanoseconds, that the execution is to run inline.
func (s *step) quick(tick uint32) bool {
	return s.class.Load() == light && tick < s.due.Load() && !s.crowded()
}

func (s *step) crowded() bool { return s.running.Load() >= s.crowd.Load() }

// join decides how an execution runs. After watch, settle is called once;
// after wait, the turn tells when to ask again. full: there are no more
// watched threads for steps of the key's class.
func (s *step) join(tick uint32, cores int, pressed, full bool) (role, *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	look := false
	switch s.class.Load() {
	case compute:
		return isolate, nil
	case light:
		if s.watched < cores && !full && (s.crowded() || s.dueLocked(tick, pressed)) {
			look = true
			break
		}
		// In line first, so that whoever makes room from here on sees it.
		t := s.line.join()
		if s.crowded() {
			return wait, t
		}
		s.line.leave(t)
		return inline, nil
	case waiting:
		// On a watched thread it can still be lowered when its wait is over.
		look = !full
	default:
		look = s.watched < cores
	}
	if look {
		s.watched++
		return watch, nil
	}
	return wait, s.line.join()
}

// inline runs fn on the caller's goroutine.
func (s *step) inline(fn func()) error {
	s.running.Add(1)
	defer s.left() // after a Goexit too
	fn()
	return nil
}

// left makes room for the next in line.
func (s *step) left() {
	if s.running.Add(-1); s.line.waits() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.line.call()
	}
}

// quit leaves the line without a turn.
func (s *step) quit(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.line.leave(t) {
		s.line.call() // the turn was given just then: it is the next one's
	}
}

// dueLocked allows one sample a tick at most. Under pressure the pauses do not
// count.
func (s *step) dueLocked(tick uint32, pressed bool) bool {
	if tick < s.due.Load() {
		return false
	}
	s.due.Store(tick + max(s.pause, 1))
	if pressed {
		s.due.Store(tick + 1)
	}
	return true
}

// settle passes the first verdict on an execution, or none when it could not
// be watched. It returns true when the key has become CPU-bound now.
func (s *step) settle(tick uint32, v verdict, ended bool, u usage) (moved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched--
	switch c := s.class.Load(); {
	case v == isBound:
		moved = s.boundLocked()
	case v == isNothing, c == compute: // another execution showed more
	case ended:
		s.trustLocked(v, u)
	case c == unknown, c == light && !s.known && s.crowded():
		s.class.Store(waiting)
	}
	if s.class.Load() == light {
		s.pause = min(max(2*s.pause, 1), maxPause)
		s.due.Store(tick + s.pause)
	}
	s.line.callAll()
	return moved
}

// prove passes on what an execution showed after its first verdict, when it
// has ended, or waited for so long that its key is known to.
func (s *step) prove(v verdict, u usage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.class.Load(); c == waiting || c == light && !s.known {
		s.trustLocked(v, u)
		s.line.callAll()
	}
}

// trustLocked says how many may run at a time without being looked at. Of what
// was quick, twice as many as before. Of what waits, as many as are expected
// to keep the cores busy, when they compute for long enough at a time to be in
// the way of others; else any number.
func (s *step) trustLocked(v verdict, u usage) {
	s.class.Store(light)
	n := s.crowd.Load()
	switch {
	case v == isQuick && n < math.MaxInt32/2:
		n *= 2
	case v == isQuick:
	case u.cpu < pressedCPU:
		s.known, n = true, math.MaxInt32
	default:
		s.known, n = true, max(s.base, int32(min(int64(s.base)*int64(u.wall/u.cpu)/2, math.MaxInt32)))
	}
	s.crowd.Store(n)
}

// bind moves the key to compute after its verdict. It returns true when it was
// not there.
func (s *step) bind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := s.boundLocked()
	s.line.callAll()
	return moved
}

func (s *step) boundLocked() bool {
	if s.class.Load() == compute {
		return false
	}
	s.class.Store(compute)
	if !s.forgotten {
		s.isolated.Add(1)
	}
	s.again++
	s.waits, s.shorts = 0, 0
	return true
}

// ran counts an execution on a compute thread. It returns true when the key
// leaves the class with it.
func (s *step) ran(u usage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case u.wall > patience && u.cpu < boundCPU && u.waited():
		s.waits, s.shorts = s.waits+1, 0
	case u.cpu < shortCPU:
		s.waits, s.shorts = 0, s.shorts+1
	default:
		s.waits, s.shorts = 0, 0
	}
	doubled := min(s.again-1, 10)
	if s.waits < waitsInARow<<doubled && s.shorts < shortsInARow<<doubled {
		return false
	}
	return s.lightenLocked()
}

func (s *step) lightenLocked() bool {
	if s.class.Load() != compute {
		return false
	}
	s.pause, s.known = 0, false
	s.due.Store(0)
	s.crowd.Store(s.base)
	s.class.Store(light)
	if !s.forgotten {
		s.isolated.Add(-1)
	}
	return true
}

// forget takes the key out of the count, whatever becomes of it.
func (s *step) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.forgotten && s.class.Load() == compute {
		s.isolated.Add(-1)
	}
	s.forgotten = true
}
