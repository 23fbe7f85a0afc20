package health

import (
	"fmt"
	"time"
)

// Limits beyond which a process is degraded or failing. Zero fields get the
// defaults named.
type Limits struct {
	// WriteSlow is the age of the oldest waiting write at which the process is
	// degraded, WriteStuck at which it fails, WriteDead at which a restart is
	// called for. Default 1 s, 5 s, 30 s.
	WriteSlow, WriteStuck, WriteDead time.Duration
	// APIDead is how long the API listener may be silent before a restart is
	// called for. Default 20 s.
	APIDead time.Duration
	// DiskFree is the room below which the process is degraded. Default 128 MiB.
	DiskFree int64
	// LogBytes is the size of the write-ahead log above which it is degraded.
	// Default 256 MiB.
	LogBytes int64
	// Pending is the number of waiting writes above which it is degraded.
	// Default 16,384.
	Pending int
	// SchedLatency is how long goroutines may wait for a processor (99th
	// percentile) before it is degraded. Default 500 ms.
	SchedLatency time.Duration
	// Hungry is how long runs may wait for room in memory before it is
	// degraded. Default 1 min.
	Hungry time.Duration
	// TracesSilent is how long the export of spans may fail, with some
	// waiting, before it is degraded. Default 5 min.
	TracesSilent time.Duration
	// SampleOld is the age of the last sample at which the process fails,
	// SampleDead at which a restart is called for. Default 10 s, 30 s.
	SampleOld, SampleDead time.Duration
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&l.WriteSlow, time.Second}, {&l.WriteStuck, 5 * time.Second}, {&l.WriteDead, 30 * time.Second},
		{&l.APIDead, 20 * time.Second}, {&l.SchedLatency, 500 * time.Millisecond}, {&l.Hungry, time.Minute},
		{&l.TracesSilent, 5 * time.Minute}, {&l.SampleOld, 10 * time.Second}, {&l.SampleDead, 30 * time.Second},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if l.DiskFree == 0 {
		l.DiskFree = 128 << 20
	}
	if l.LogBytes == 0 {
		l.LogBytes = 256 << 20
	}
	if l.Pending == 0 {
		l.Pending = 1 << 14
	}
	return l
}

type status int

const (
	ok status = iota
	degraded
	failing
)

func (s status) String() string { return [...]string{"ok", "degraded", "failing"}[s] }

// verdict judges a sample at a moment, which may be later than its own. The
// worst reason decides; all that hold are named.
func (s *sample) verdict(now time.Time, l *Limits) (status, []string) {
	worst := ok
	var reasons []string
	for _, f := range s.findings(now, l) {
		worst = max(worst, f.level)
		reasons = append(reasons, f.reason)
	}
	return worst, reasons
}

// finding is one thing that is not as it should be.
type finding struct {
	level status
	// mendable: a restart can mend it.
	mendable bool
	reason   string
}

func (s *sample) findings(now time.Time, l *Limits) (found []finding) {
	add := func(level status, mendable bool, format string, args ...any) {
		found = append(found, finding{level, mendable, fmt.Sprintf(format, args...)})
	}
	if age := now.Sub(s.at); age > l.SampleOld {
		add(failing, age > l.SampleDead, "the numbers are %v old: the process hardly gets to run, or hangs", age.Round(time.Second))
	}
	switch s.phase {
	case "ready":
	case "held":
		for _, reason := range s.held {
			add(failing, false, "%s", reason)
		}
	case "over":
		add(failing, true, "the engine has ended")
	default:
		add(degraded, false, "the process is %s", s.phase)
	}
	// All else is judged as of the sample: what waited then may be over.
	now = s.at
	s.storeFindings(now, l, add)
	if s.phase == "ready" && s.api.fails > 1 {
		silent := now.Sub(s.api.since)
		add(failing, silent > l.APIDead, "the API listener on %s has not answered for %v: %v", s.listener, silent.Round(time.Second), s.api.err)
	}
	if s.sched > l.SchedLatency {
		add(degraded, false, "goroutines wait %v for a processor (99th percentile)", s.sched.Round(time.Millisecond))
	}
	if !s.hungry.IsZero() && now.Sub(s.hungry) > l.Hungry {
		add(degraded, false, "runs have waited for room in memory for %v: %d are loaded", now.Sub(s.hungry).Round(time.Second), s.run.Loaded)
	}
	if s.traces.Err != nil && s.traces.Backlog > 0 && now.Sub(s.traces.LastSuccess) > l.TracesSilent {
		add(degraded, false, "spans are not taken: %d records wait: %v", s.traces.Backlog, s.traces.Err)
	}
	return found
}

func (s *sample) storeFindings(now time.Time, l *Limits, add func(status, bool, string, ...any)) {
	st := s.run.Store
	switch {
	case s.run.Err != nil:
		add(failing, true, "the engine has failed: %v", s.run.Err)
	case st.Err != nil:
		add(failing, st.Fatal, "the store cannot write: %v", st.Err)
	case s.canary.err != nil:
		add(failing, false, "a test write failed: %v", s.canary.err)
	}
	if !st.OldestWrite.IsZero() {
		switch age := now.Sub(st.OldestWrite); {
		case age > l.WriteStuck:
			add(failing, age > l.WriteDead, "a write has waited %v for its commit", age.Round(time.Second))
		case age > l.WriteSlow:
			add(degraded, false, "a write has waited %v for its commit", age.Round(100*time.Millisecond))
		}
	}
	if st.Pending > l.Pending {
		add(degraded, false, "%d writes wait", st.Pending)
	}
	if s.phase != "starting" && st.FreeBytes >= 0 && st.FreeBytes < l.DiskFree {
		add(degraded, false, "%d MiB are left on the disk", st.FreeBytes>>20)
	}
	if st.LogBytes > l.LogBytes {
		add(degraded, false, "the write-ahead log has %d MiB", st.LogBytes>>20)
	}
}
