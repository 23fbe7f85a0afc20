package health

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/stepwell/stepwell/store"
)

// newRegistry makes a registry of its own: what a program registers with the
// default one may do anything in a request.
func newRegistry(m *Monitor) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{m})
	return r
}

// collector turns the last sample into metrics.
type collector struct{ m *Monitor }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("stepwell_"+name, help, labels, nil)
}

var (
	descInfo     = desc("info", "1, with the version as a label.", "version")
	descHealth   = desc("health_status", "1 for the status that holds: ok, degraded or failing.", "status")
	descReady    = desc("ready", "1 while the process takes traffic.")
	descRuns     = desc("runs", "Runs in the store by status.", "status")
	descLoaded   = desc("runs_loaded", "Runs in memory.")
	descHungry   = desc("runs_hungry", "1 while runs wait for room in memory.")
	descThreads  = desc("compute_threads", "Threads for steps bound by the CPU.")
	descBusy     = desc("compute_busy", "Steps on these threads.")
	descQueued   = desc("compute_queued", "Steps that wait for one.")
	descIsolated = desc("compute_isolated", "Steps found to be bound by the CPU without being marked.")
	descCommits  = desc("store_commits_total", "Commits since the start.")
	descWrites   = desc("store_writes_total", "Writes in these commits.")
	descPending  = desc("store_pending_writes", "Writes that wait for a commit.")
	descOldest   = desc("store_oldest_write_seconds", "Age of the longest-waiting write.")
	descCommitAt = desc("store_last_commit_timestamp_seconds", "When the last commit became durable.")
	descLog      = desc("store_log_bytes", "Size of the write-ahead log.")
	descFree     = desc("store_free_bytes", "Room left on the disk.")
	descSched    = desc("sched_latency_seconds", "Wait of goroutines for a processor, 99th percentile of the last second.")
	descAPI      = desc("api_up", "1 while the API listener answers a request from inside.")
	descSample   = desc("health_sample_age_seconds", "Age of the numbers.")
	descBacklog  = desc("traces_backlog", "Committed positions whose spans are not exported yet.")
	descShipped  = desc("traces_shipped_total", "Spans exported since the start.")
)

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, now := c.m.last.Load(), time.Now()
	if s == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge(descInfo, 1, c.m.cfg.Version)
	verdict, _ := s.verdict(now, &c.m.cfg.Limits)
	for st := ok; st <= failing; st++ {
		gauge(descHealth, one(st == verdict), st.String())
	}
	gauge(descReady, one(s.phase == "ready" && verdict != failing))
	for _, st := range store.Statuses() {
		gauge(descRuns, float64(s.run.Store.Runs[st]), st.String())
	}
	gauge(descLoaded, float64(s.run.Loaded))
	gauge(descHungry, one(s.run.Hungry))
	gauge(descThreads, float64(s.run.Isolation.Threads))
	gauge(descBusy, float64(s.run.Isolation.Busy))
	gauge(descQueued, float64(s.run.Isolation.Queued))
	gauge(descIsolated, float64(s.run.Isolation.Isolated))
	st := s.run.Store
	count(descCommits, st.Commits)
	count(descWrites, st.Writes)
	gauge(descPending, float64(st.Pending))
	oldest := 0.0
	if !st.OldestWrite.IsZero() {
		oldest = s.at.Sub(st.OldestWrite).Seconds()
	}
	gauge(descOldest, oldest)
	if !st.LastCommit.IsZero() {
		gauge(descCommitAt, float64(st.LastCommit.UnixMicro())/1e6)
	}
	gauge(descLog, float64(st.LogBytes))
	gauge(descFree, float64(st.FreeBytes))
	gauge(descSched, s.sched.Seconds())
	if !s.api.at.IsZero() {
		gauge(descAPI, one(s.api.err == nil))
	}
	gauge(descSample, now.Sub(s.at).Seconds())
	if c.m.cfg.Traces != nil {
		gauge(descBacklog, float64(s.traces.Backlog))
		count(descShipped, s.traces.Shipped)
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
