package health

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stepwell/stepwell/store"
)

// Handler serves the monitor. It never waits.
func (m *Monitor) Handler() http.Handler {
	r := mux.NewRouter()
	get := func(path string, fn http.HandlerFunc) {
		r.HandleFunc(path, fn).Methods(http.MethodGet, http.MethodHead)
	}
	get("/health", m.health)
	get("/livez", m.livez)
	get("/readyz", m.readyz)
	get("/startupz", m.startupz)
	metrics := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
	r.Handle("/metrics", metrics).Methods(http.MethodGet, http.MethodHead)
	return r
}

// stamp is a time as the API writes it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

type healthJSON struct {
	Status     string           `json:"status"`
	Reasons    []string         `json:"reasons,omitempty"`
	Phase      string           `json:"phase"`
	Version    string           `json:"version,omitzero"`
	MemoryMB   float64          `json:"memory_mb"`
	UptimeS    float64          `json:"uptime_s"`
	Runs       map[string]int64 `json:"runs"`
	Loaded     int              `json:"loaded"`
	Store      storeJSON        `json:"store"`
	Compute    computeJSON      `json:"compute"`
	API        *checkJSON       `json:"api,omitzero"`
	Traces     *tracesJSON      `json:"traces,omitzero"`
	SchedMS    float64          `json:"sched_latency_ms"`
	NextWakeAt string           `json:"next_wake_at,omitzero"`
}

type storeJSON struct {
	LastCommitAt string     `json:"last_commit_at,omitzero"`
	OldestWriteS float64    `json:"oldest_write_s"`
	Pending      int        `json:"pending_writes"`
	Commits      uint64     `json:"commits"`
	Writes       uint64     `json:"writes"`
	LogBytes     int64      `json:"log_bytes"`
	FreeBytes    int64      `json:"free_bytes"`
	Error        string     `json:"error,omitzero"`
	Canary       *checkJSON `json:"canary,omitzero"`
}

// computeJSON is about steps that are bound by the CPU.
type computeJSON struct {
	Threads  int `json:"threads"`
	Busy     int `json:"busy"`
	Queued   int `json:"queued"`
	Isolated int `json:"isolated"` // not marked, and found out
}

type checkJSON struct {
	OK        bool    `json:"ok"`
	CheckedAt string  `json:"checked_at"`
	TookMS    float64 `json:"took_ms"`
	Error     string  `json:"error,omitzero"`
}

type tracesJSON struct {
	Backlog       int64  `json:"backlog"`
	Shipped       uint64 `json:"shipped"`
	LastSuccessAt string `json:"last_success_at,omitzero"`
	Error         string `json:"error,omitzero"`
}

func (m *Monitor) health(w http.ResponseWriter, _ *http.Request) {
	v := m.document()
	code := http.StatusOK
	if v.Status == failing.String() {
		code = http.StatusServiceUnavailable
	}
	answer(w, code, v)
}

// Document returns what /health answers, as JSON. It never waits.
func (m *Monitor) Document() []byte {
	b, err := json.Marshal(m.document())
	if err != nil {
		return nil // not with these types
	}
	return b
}

func (m *Monitor) document() healthJSON {
	s, now := m.last.Load(), time.Now()
	verdict, reasons := s.verdict(now, &m.cfg.Limits)
	st := s.run.Store
	v := healthJSON{
		Status: verdict.String(), Reasons: reasons, Phase: s.phase, Version: m.cfg.Version,
		MemoryMB: round(float64(s.memory) / 1e6), UptimeS: round(now.Sub(m.begun).Seconds()),
		Runs: runsOf(s), Loaded: s.run.Loaded, SchedMS: millis(s.sched), NextWakeAt: stamp(s.run.NextDue),
		Store: storeJSON{
			LastCommitAt: stamp(st.LastCommit), Pending: st.Pending, Commits: st.Commits, Writes: st.Writes,
			LogBytes: st.LogBytes, FreeBytes: st.FreeBytes, Error: text(st.Err), Canary: s.canary.json(),
		},
		Compute: computeJSON{s.run.Isolation.Threads, s.run.Isolation.Busy, s.run.Isolation.Queued, s.run.Isolation.Isolated},
		API:     s.api.json(),
	}
	if !st.OldestWrite.IsZero() {
		v.Store.OldestWriteS = round(s.at.Sub(st.OldestWrite).Seconds())
	}
	if m.cfg.Traces != nil {
		v.Traces = &tracesJSON{s.traces.Backlog, s.traces.Shipped, stamp(s.traces.LastSuccess), text(s.traces.Err)}
	}
	return v
}

func runsOf(s *sample) map[string]int64 {
	runs := map[string]int64{}
	for _, st := range store.Statuses() {
		runs[st.String()] = s.run.Store.Runs[st]
	}
	return runs
}

func (r result) json() *checkJSON {
	if r.at.IsZero() {
		return nil
	}
	return &checkJSON{r.err == nil, stamp(r.at), millis(r.took), text(r.err)}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func round(v float64) float64        { return float64(int64(v*100+0.5)) / 100 }
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// probeJSON is the answer of the three probes.
type probeJSON struct {
	OK      bool     `json:"ok"`
	Reasons []string `json:"reasons,omitempty"`
}

func probe(w http.ResponseWriter, reasons []string) {
	code := http.StatusOK
	if len(reasons) > 0 {
		code = http.StatusServiceUnavailable
	}
	answer(w, code, probeJSON{len(reasons) == 0, reasons})
}

// livez fails for what a restart can mend, and for nothing else: one that
// restarts for a full disk only adds downtime to it.
func (m *Monitor) livez(w http.ResponseWriter, _ *http.Request) {
	var reasons []string
	for _, f := range m.last.Load().findings(time.Now(), &m.cfg.Limits) {
		if f.level == failing && f.mendable {
			reasons = append(reasons, f.reason)
		}
	}
	probe(w, reasons)
}

// readyz passes while traffic may come.
func (m *Monitor) readyz(w http.ResponseWriter, _ *http.Request) {
	var reasons []string
	switch {
	case m.draining.Load():
		reasons = []string{"the process is draining"}
	case m.held.Load() != nil:
		reasons = *m.held.Load()
	case !m.started.Load():
		reasons = []string{"the process is starting"}
	default:
		for _, f := range m.last.Load().findings(time.Now(), &m.cfg.Limits) {
			if f.level == failing {
				reasons = append(reasons, f.reason)
			}
		}
	}
	probe(w, reasons)
}

// startupz passes once the process has started, and ever after.
func (m *Monitor) startupz(w http.ResponseWriter, _ *http.Request) {
	var reasons []string
	if !m.started.Load() {
		reasons = []string{"the process is starting"}
	}
	probe(w, reasons)
}

func answer(w http.ResponseWriter, code int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(body) //nolint:errcheck // the client has gone
}
