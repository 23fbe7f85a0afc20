package isolate

import (
	"math"
	"runtime/metrics"
	"time"
)

// latency reads how long goroutines waited for their turn, window by window.
type latency struct {
	sample [1]metrics.Sample
	before []uint64
	counts []uint64
}

func newLatency() *latency {
	l := &latency{}
	l.sample[0].Name = "/sched/latencies:seconds"
	l.window() // up to now
	return l
}

// window returns the 99th percentile since the last call, rounded up to its
// bucket's bound.
func (l *latency) window() time.Duration {
	metrics.Read(l.sample[:])
	if l.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := l.sample[0].Value.Float64Histogram()
	if l.before == nil {
		l.before = make([]uint64, len(h.Counts))
		l.counts = make([]uint64, len(h.Counts))
	}
	for i, n := range h.Counts {
		l.counts[i] = n - l.before[i]
		l.before[i] = n
	}
	return percentile(l.counts, h.Buckets)
}

// percentile returns the bound below which 99 % of the counts lie.
func percentile(counts []uint64, bounds []float64) time.Duration {
	var all uint64
	for _, n := range counts {
		all += n
	}
	above := all / 100
	for i := len(counts) - 1; i >= 0; i-- {
		if counts[i] > above {
			bound := bounds[i+1]
			if math.IsInf(bound, 1) {
				bound = bounds[i]
			}
			return time.Duration(bound * float64(time.Second))
		}
		above -= counts[i]
	}
	return 0
}
