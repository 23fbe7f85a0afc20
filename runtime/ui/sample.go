package ui

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

const (
	// sampleEvery is the time between two samples, and between two pictures of
	// them that are sent.
	sampleEvery = time.Second
	// sampleWindow is how far back the charts go.
	sampleWindow = 2 * time.Minute
	// mostSamples bounds what is kept.
	mostSamples = int(sampleWindow/sampleEvery) + 2
)

// sample is what was known at one moment. It is never changed.
type sample struct {
	at     time.Time
	writes uint64
	runs   [9]int64 // by status
	loaded int
	oldest time.Duration // that a run which may begin has waited
	health *healthDoc    // nil: there is none
}

// samples keeps the last of them, oldest first. One sampler serves all who look.
type samples struct {
	rt     *runtime.Runtime
	health func() []byte

	mu    sync.Mutex
	ring  []sample
	stats store.Stats // of a while ago: counting takes time
	// nextStats is when it may be counted again.
	nextStats time.Time
}

// Run takes a sample every second until ctx ends, so that the charts have a
// past when somebody comes to look. Without it they begin with the first look.
func (u *UI) Run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		u.samples.take(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// take adds a sample when the last is old enough. It reads what is in memory.
func (s *samples) take(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.ring); n > 0 && now.Sub(s.ring[n-1].at) < sampleEvery*9/10 {
		return
	}
	h := s.rt.Health()
	smp := sample{at: now, writes: h.Store.Writes, runs: h.Store.Runs, loaded: h.Loaded, health: readHealth(s.health)}
	if !s.stats.OldestQueued.IsZero() && smp.runs[store.Queued] > 0 {
		smp.oldest = max(0, now.Sub(s.stats.OldestQueued))
	}
	s.ring = append(s.ring, smp)
	if extra := len(s.ring) - mostSamples; extra > 0 {
		s.ring = append(s.ring[:0:0], s.ring[extra:]...)
	}
}

// count counts what the store does not hold in memory: seldom, for it takes
// time in proportion to the runs that live, and only while somebody looks.
func (s *samples) count(ctx context.Context, now time.Time) {
	s.mu.Lock()
	due := !now.Before(s.nextStats)
	if due {
		s.nextStats = now.Add(time.Minute) // the others need not wait for this one
	}
	s.mu.Unlock()
	if !due {
		return
	}
	stats, err := s.rt.Stats(ctx)
	took := time.Since(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.stats = stats
	}
	s.nextStats = now.Add(max(3*time.Second, 50*took))
}

// last returns the samples of the window, and what was counted.
func (s *samples) last() ([]sample, store.Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What is in the ring is never changed, and appended to under the lock.
	return s.ring[:len(s.ring):len(s.ring)], s.stats
}

// healthDoc is the health document, as /health answers it.
type healthDoc struct {
	Status     string           `json:"status"`
	Reasons    []string         `json:"reasons"`
	Phase      string           `json:"phase"`
	Version    string           `json:"version"`
	MemoryMB   float64          `json:"memory_mb"`
	UptimeS    float64          `json:"uptime_s"`
	Runs       map[string]int64 `json:"runs"`
	Loaded     int              `json:"loaded"`
	SchedMS    float64          `json:"sched_latency_ms"`
	NextWakeAt time.Time        `json:"next_wake_at"`
	Store      struct {
		LastCommitAt time.Time    `json:"last_commit_at"`
		OldestWriteS float64      `json:"oldest_write_s"`
		Pending      int          `json:"pending_writes"`
		Commits      uint64       `json:"commits"`
		Writes       uint64       `json:"writes"`
		LogBytes     int64        `json:"log_bytes"`
		FreeBytes    int64        `json:"free_bytes"`
		Error        string       `json:"error"`
		Canary       *healthCheck `json:"canary"`
	} `json:"store"`
	Compute struct {
		Threads  int `json:"threads"`
		Busy     int `json:"busy"`
		Queued   int `json:"queued"`
		Isolated int `json:"isolated"`
	} `json:"compute"`
	API    *healthCheck `json:"api"`
	Traces *struct {
		Backlog       int64     `json:"backlog"`
		Shipped       uint64    `json:"shipped"`
		LastSuccessAt time.Time `json:"last_success_at"`
		Error         string    `json:"error"`
	} `json:"traces"`
	Replica json.RawMessage `json:"replica"`
}

// healthCheck is a check that takes time.
type healthCheck struct {
	OK        bool      `json:"ok"`
	CheckedAt time.Time `json:"checked_at"`
	TookMS    float64   `json:"took_ms"`
	Error     string    `json:"error"`
}

// Uptime is how long the process has run.
func (d *healthDoc) Uptime() time.Duration { return time.Duration(d.UptimeS * float64(time.Second)) }

// Counts are the runs by status, in their order.
func (d *healthDoc) Counts() (counts []statusCount) {
	for _, s := range store.Statuses() {
		counts = append(counts, statusCount{s, d.Runs[s.String()]})
	}
	return counts
}

// readHealth returns nil when there is no document.
func readHealth(health func() []byte) *healthDoc {
	if health == nil {
		return nil
	}
	d := &healthDoc{}
	if json.Unmarshal(health(), d) != nil {
		return nil
	}
	return d
}
