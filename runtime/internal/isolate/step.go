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
	// boundCPU makes a step CPU-bound: the scheduler preempts after as much,
	// so anything below is gone before it can hurt twice.
	boundCPU = 10 * time.Millisecond
	// pressedCPU does the same when the process is short of CPU: a thousand
	// steps of 2 ms starve a listener as well as a hundred of 20.
	pressedCPU = time.Millisecond
	// patience is how long an execution that takes little CPU is watched
	// before the others of its key may go on.
	patience = 20 * time.Millisecond
	// pressedPatience is the same when it may be waiting for its turn only.
	pressedPatience = 200 * time.Millisecond

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
	class   atomic.Uint32
	due     atomic.Uint32 // tick from which on an execution is sampled
	used    atomic.Bool   // since the table was last swept
	running atomic.Int32  // on their callers' goroutines
	warned  atomic.Bool   // that it is CPU-bound
	crowd   atomic.Int32  // from how many of them on, further ones are looked at first

	mu      sync.Mutex
	pause   uint32        // ticks until due again
	watched int           // executions without a verdict yet
	verdict chan struct{} // closed when there is one; nil: nobody waits
	waits   int           // executions in a row on the compute threads that mostly waited
	shorts  int           // the same, short
	again   int           // times it was moved to compute

	isolated  *atomic.Int64 // the table's count of keys in compute
	forgotten bool          // by the table: no longer counted
}

// verdict is what watching an execution showed.
type verdict int

const (
	isQuick   verdict = iota // it ended soon
	isWaiting                // it takes its time, but little CPU
	isBound                  // it takes the CPU
	isNothing                // it could not be watched
)

// judge returns the verdict on an execution, and whether there is one: while
// it runs there may be none yet.
func judge(u usage, ended, pressed bool) (verdict, bool) {
	switch {
	case u.cpu >= boundCPU && u.cpu >= u.wall/4,
		// On a starved process the rest of the time was waiting for a turn.
		pressed && u.cpu >= boundCPU && u.cpu >= u.wall/50,
		pressed && ended && u.cpu >= pressedCPU && u.cpu >= u.wall/4:
		return isBound, true
	case ended:
		if u.wall >= 100*time.Microsecond && u.cpu < u.wall/2 {
			return isWaiting, true
		}
		return isQuick, true
	case pressed:
		return isWaiting, u.wall >= pressedPatience && u.cpu < u.wall/50
	}
	return isWaiting, u.wall >= patience && u.cpu < u.wall/4
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
	return s.class.Load() == light && tick < s.due.Load() && s.running.Load() < s.crowd.Load()
}

// join decides how an execution runs. After watch, settle is called once;
// after wait, the channel tells when to ask again. full: there are no more
// watched threads for those that may do without.
func (s *step) join(tick uint32, cores int, pressed, full bool) (role, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	crowded := s.running.Load() >= s.crowd.Load()
	r := watch
	switch s.class.Load() {
	case compute:
		return isolate, nil
	case light:
		if crowded && s.watched >= cores {
			r = wait
		} else if !crowded && (s.watched >= cores || full || !s.dueLocked(tick, pressed)) {
			return inline, nil
		}
	case waiting:
		// On a watched thread it can still be lowered when its wait is over.
		if full {
			r = wait
		}
	default:
		if s.watched >= cores {
			r = wait
		}
	}
	if r == watch {
		s.watched++
		return watch, nil
	}
	if s.verdict == nil {
		s.verdict = make(chan struct{})
	}
	return wait, s.verdict
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
func (s *step) settle(tick uint32, v verdict, ended bool) (moved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched--
	switch c := s.class.Load(); {
	case v == isBound:
		moved = s.boundLocked()
	case v == isNothing, c == compute: // another execution showed more
	case !ended && c == unknown:
		s.class.Store(waiting)
	case !ended && c == waiting:
	default:
		s.pause = min(max(2*s.pause, 1), maxPause)
		s.due.Store(tick + s.pause)
		s.trustLocked(v)
	}
	s.openLocked()
	return moved
}

// trustLocked lets more run at a time: of what waits any number, of what was
// quick twice as many.
func (s *step) trustLocked(v verdict) {
	if v == isWaiting {
		s.crowd.Store(math.MaxInt32)
	} else if n := s.crowd.Load(); n < math.MaxInt32/2 {
		s.crowd.Store(2 * n)
	}
	s.class.Store(light)
}

// prove passes on what an execution showed after its first verdict, when it
// has ended, or waited for so long that it is known to.
func (s *step) prove(v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.class.Load() == waiting {
		s.trustLocked(v)
		s.openLocked()
	}
}

// bind moves the key to compute after its verdict. It returns true when it was
// not there.
func (s *step) bind() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := s.boundLocked()
	s.openLocked()
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

func (s *step) openLocked() {
	if s.verdict != nil {
		close(s.verdict)
		s.verdict = nil
	}
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

// lighten moves a key out of compute at once.
func (s *step) lighten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lightenLocked()
}

func (s *step) lightenLocked() bool {
	if s.class.Load() != compute {
		return false
	}
	s.pause = 0
	s.due.Store(0)
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

// waited tells whether an execution did mostly wait for something else than
// the CPU.
func (u usage) waited() bool {
	if !u.sure {
		return u.cpu < u.wall/100 // it may just as well have been kept from the CPU
	}
	return u.cpu < u.wall/10
}
