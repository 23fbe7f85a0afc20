package experiment

import (
	"encoding/json"
	"io"
	"time"
)

// document is a Result for programs. Its names and units stay as they are.
type document struct {
	Workload string `json:"workload"`
	Runs     struct {
		Asked      int `json:"asked"`
		Succeeded  int `json:"succeeded"`
		Failed     int `json:"failed"`
		Cancelled  int `json:"cancelled"`
		Stuck      int `json:"stuck"`
		Unfinished int `json:"unfinished"`
	} `json:"runs"`
	Failures []string `json:"failures,omitempty"`
	Probes   struct {
		Rate      float64        `json:"per_second"`
		TimeoutMS float64        `json:"timeout_ms"`
		Sent      int            `json:"sent"`
		Answered  int            `json:"answered"`
		Missed    int            `json:"missed"`
		Reasons   map[string]int `json:"missed_for,omitempty"`
	} `json:"probes"`
	// Latency counts a missed probe with the whole timeout.
	Latency latencyMS `json:"latency_ms"`
	// Without is the same without the prober's own delay, LateMS at most.
	Without latencyMS `json:"latency_ms_without_prober_delay"`
	LateMS  float64   `json:"prober_delay_max_ms"`
	Memory  struct {
		PeakMB   float64 `json:"peak,omitzero"`
		HealthMB float64 `json:"health,omitzero"`
	} `json:"memory_mb"`
	WallS   float64 `json:"wall_s"`
	Plot    string  `json:"plot,omitempty"`
	Stopped string  `json:"stopped,omitempty"`
	Server  string  `json:"server_error,omitempty"`
	OK      bool    `json:"ok"`
}

type latencyMS struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// JSON writes the result for programs.
func (r *Result) JSON(w io.Writer, plot string) error {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	d := document{Workload: r.Workload, Failures: r.Failures, WallS: float64(r.Wall.Milliseconds()) / 1e3, Plot: plot, OK: r.Verdict() == nil}
	d.Runs.Asked, d.Runs.Unfinished = r.Runs, r.Runs-r.Ended.ended()
	d.Runs.Succeeded, d.Runs.Failed, d.Runs.Cancelled, d.Runs.Stuck = r.Ended.Succeeded, r.Ended.Failed, r.Ended.Cancelled, r.Ended.Stuck
	d.Probes.Rate, d.Probes.TimeoutMS = r.Rate, ms(r.Timeout)
	d.Probes.Sent, d.Probes.Missed, d.Probes.Reasons = len(r.Probes), r.missed(), r.reasons()
	d.Probes.Answered = d.Probes.Sent - d.Probes.Missed
	late, rest := r.late()
	d.Latency = latencyMS{ms(r.Latency.P50), ms(r.Latency.P99), ms(r.Latency.Max)}
	d.Without, d.LateMS = latencyMS{ms(rest.P50), ms(rest.P99), ms(rest.Max)}, ms(late)
	d.Memory.PeakMB, d.Memory.HealthMB = r.PeakMB, r.HealthMB
	if r.Stopped != nil {
		d.Stopped = r.Stopped.Error()
	}
	if r.Server != nil {
		d.Server = r.Server.Error()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
