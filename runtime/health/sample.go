package health

import (
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// sample is what was known at one moment. It is never changed.
type sample struct {
	at       time.Time
	phase    string // starting, held, recovering, ready, draining or over
	run      runtime.Health
	canary   result
	api      result
	traces   Traces
	memory   int64         // resident bytes
	sched    time.Duration // 99th percentile of the wait for a processor
	hungry   time.Time     // since when runs wait for room in memory
	listener string
	held     []string // why the process must not become ready
}

// result is what a check that takes time came to.
type result struct {
	err   error
	since time.Time // of the first failure in a row; zero while it succeeds
	fails int       // in a row
	at    time.Time // of the last check
	took  time.Duration
}

func (r result) next(err error, began, now time.Time) result {
	n := result{err: err, at: now, took: now.Sub(began)}
	if err != nil {
		n.fails, n.since = r.fails+1, r.since
		if n.since.IsZero() {
			n.since = now
		}
	}
	return n
}

// take reads all numbers. It waits for nothing that takes time.
func (m *Monitor) take(now time.Time) *sample {
	s := &sample{at: now, phase: "starting", memory: residentBytes(), sched: m.sched.read()}
	if src := m.source.Load(); src != nil {
		s.run = (*src).Health()
		s.phase = s.run.Phase
		if s.phase == "new" || s.phase == "ready" && !m.started.Load() {
			s.phase = "starting"
		}
	}
	if held := m.held.Load(); held != nil {
		s.phase, s.held = "held", *held
	}
	if m.draining.Load() {
		s.phase = "draining"
	}
	if !s.run.Hungry {
		m.hungry = time.Time{}
	} else if m.hungry.IsZero() {
		m.hungry = now
	}
	s.hungry = m.hungry
	s.canary, s.api = m.canary.result(), m.asker.result()
	if m.cfg.Traces != nil {
		s.traces = m.cfg.Traces()
	}
	if addr := m.api.Load(); addr != nil {
		s.listener = *addr
	}
	return s
}
