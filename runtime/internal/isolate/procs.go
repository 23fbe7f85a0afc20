package isolate

import (
	"os"
	goruntime "runtime"
	"sync"
)

// processors is GOMAXPROCS of the process, of which there is one however many
// isolators there are.
var processors procs

// procs raises GOMAXPROCS by at least one for each lowered thread. A change
// stops the world, and the world stops only when the kernel has let each
// lowered thread run up to its next safe point: so it is raised by doubling,
// and put back when the last one is gone.
type procs struct {
	mu       sync.Mutex
	extra    int  // wanted on top of base; shortly negative when an end overtakes its raise
	raised   int  // what GOMAXPROCS is raised by now
	base     int  // what it was before
	explicit bool // base is the user's value, not Go's
}

// cores returns GOMAXPROCS as it is without the lowered threads.
func (p *procs) cores() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return goruntime.GOMAXPROCS(0) - p.raised
}

// add may stop the world, and then waits for a GC cycle under way too: do not
// call it with a lock that others need.
func (p *procs) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.extra += n
	want := p.raised
	switch {
	case p.extra <= 0:
		want = 0
	case p.extra > want:
		want = max(want, 2*goruntime.NumCPU())
		for want < p.extra {
			want *= 2
		}
	}
	if want == p.raised {
		return
	}
	now := goruntime.GOMAXPROCS(0)
	switch {
	case p.raised == 0:
		// The automatic value is known only by setting it.
		goruntime.SetDefaultGOMAXPROCS()
		p.explicit = os.Getenv("GOMAXPROCS") != "" || now != goruntime.GOMAXPROCS(0)
		p.base = now
	case now != p.base+p.raised:
		p.base, p.explicit = max(now-p.raised, 1), true // someone set it meanwhile: theirs counts
	}
	p.raised = want
	if want == 0 && !p.explicit {
		goruntime.SetDefaultGOMAXPROCS()
		return
	}
	goruntime.GOMAXPROCS(p.base + want)
}
