package isolate

import "time"

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
)

// usage is what an execution took until now.
type usage struct {
	cpu  time.Duration // on the CPU
	wall time.Duration // since it began, without the time the kernel kept it from the CPU
	sure bool          // the kernel tells that time
}

// waited tells whether an execution did mostly wait for something else than
// the CPU.
func (u usage) waited() bool {
	if !u.sure {
		return u.cpu < u.wall/100 // it may just as well have been kept from the CPU
	}
	return u.cpu < u.wall/10
}

// verdict is what watching an execution showed.
type verdict int

const (
	isQuick   verdict = iota // it ended soon
	isWaiting                // it takes its time, but little CPU
	isMixed                  // it mostly waits, but computes in between
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
	case ended && u.cpu < boundCPU && (u.cpu >= u.wall/2 || u.wall < 100*time.Microsecond):
		return isQuick, true
	case u.cpu >= boundCPU:
		return isMixed, ended || !pressed
	case pressed && !ended:
		return isWaiting, u.wall >= pressedPatience && u.cpu < u.wall/50
	}
	return isWaiting, ended || u.wall >= patience && u.cpu < u.wall/4
}
