package experiment

import (
	"math"
	"slices"
	"time"
)

// Latency sums up the probes. A missed probe counts with the whole timeout, so
// that losing the slowest ones does not improve the numbers.
type Latency struct {
	P50, P99, Max time.Duration
}

func summarize(probes []Probe) Latency {
	all := make([]time.Duration, len(probes))
	for i, p := range probes {
		all[i] = p.Latency
	}
	slices.Sort(all)
	return Latency{P50: percentile(all, 50), P99: percentile(all, 99), Max: percentile(all, 100)}
}

// percentile is the smallest of the sorted values that p percent of them do
// not exceed; zero when there is none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
