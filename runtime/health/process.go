package health

import (
	"bytes"
	"math"
	"os"
	"runtime/metrics"
	"strconv"
	"time"
)

// residentBytes is the memory of this process that is in RAM. Where the system
// does not tell, it is what Go holds.
func residentBytes() int64 {
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 {
			if pages, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				return pages * int64(os.Getpagesize())
			}
		}
	}
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 || s[1].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// schedLatency measures how long goroutines that could run waited for a
// processor.
type schedLatency struct {
	sample [1]metrics.Sample
	before []uint64
}

// read returns the 99th percentile since the last call.
func (l *schedLatency) read() time.Duration {
	l.sample[0].Name = "/sched/latencies:seconds"
	metrics.Read(l.sample[:])
	if l.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := l.sample[0].Value.Float64Histogram()
	if len(l.before) != len(h.Counts) {
		l.before = make([]uint64, len(h.Counts))
	}
	p := p99(l.before, h.Counts, h.Buckets)
	copy(l.before, h.Counts)
	return p
}

// p99 is the 99th percentile of what was counted since before: the lower bound
// of its bucket. Of fewer than a hundred it would be the maximum, and says
// nothing.
func p99(before, counts []uint64, buckets []float64) time.Duration {
	var total uint64
	for i, n := range counts {
		total += n - before[i]
	}
	if total < 100 {
		return 0
	}
	above := total / 100 // so many may lie above it
	for i := len(counts) - 1; i >= 0; i-- {
		n := counts[i] - before[i]
		if n > above {
			return seconds(buckets[i])
		}
		above -= n
	}
	return 0
}

// seconds is the lower bound of a bucket; the first has none.
func seconds(v float64) time.Duration {
	if math.IsInf(v, 0) || v < 0 {
		return 0
	}
	return time.Duration(v * float64(time.Second))
}
