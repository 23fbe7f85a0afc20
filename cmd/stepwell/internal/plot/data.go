package plot

import "time"

// Data is what is drawn. Times are since the start of the experiment. The zero
// value draws empty axes.
type Data struct {
	Workload string
	Runs     int // asked for
	Probes   []Probe
	Memory   []Memory
	Done     []Done
	// P50, P99 and Max are of Probes, as the caller counts them.
	P50, P99, Max time.Duration
	// PeakMB is the highest memory of the server; zero when unknown.
	PeakMB float64
	// Rate is the number of probes a second.
	Rate float64
	// Timeout is the latency at which a probe counts as missed.
	Timeout time.Duration
	// Wall is how long the experiment took.
	Wall time.Duration
}

// Probe is one request to the health listener.
type Probe struct {
	At      time.Duration // when it was due
	Latency time.Duration
	Missed  bool
}

// Memory is the resident memory of the server at a moment.
type Memory struct {
	At time.Duration
	MB float64
}

// Done counts the runs that have ended at a moment, and how many of them
// without success.
type Done struct {
	At            time.Duration
	Ended, Failed int
}

func (d *Data) missed() int {
	n := 0
	for _, p := range d.Probes {
		if p.Missed {
			n++
		}
	}
	return n
}

// last is the state of the runs at the end.
func (d *Data) last() Done {
	if len(d.Done) == 0 {
		return Done{}
	}
	return d.Done[len(d.Done)-1]
}

// span is the length of the time axis, never zero.
func (d *Data) span() time.Duration {
	end := max(d.Wall, time.Second)
	for _, p := range d.Probes {
		end = max(end, p.At)
	}
	for _, m := range d.Memory {
		end = max(end, m.At)
	}
	return max(end, d.last().At)
}
