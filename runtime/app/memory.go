package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much the heap may grow between two collections, in percent. While little
// is allocated a small heap costs nothing, and memory is what the runs take;
// while much is, collecting often would cost the steps their time.
const (
	calmGC = 20
	busyGC = 100
	// busyRate is the rate of allocation, in bytes a second, that tells them
	// apart.
	busyRate = 16 << 20
)

// tuneMemory sets the garbage collector by what is allocated, until ctx ends,
// unless the user set it. There is no limit on memory: with one, a process
// that needs more would only collect.
func tuneMemory(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	percent := calmGC
	debug.SetGCPercent(percent)
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	allocated, at := sample[0].Value.Uint64(), time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		metrics.Read(sample)
		was, since := allocated, time.Since(at)
		allocated, at = sample[0].Value.Uint64(), time.Now()
		wanted := calmGC
		if float64(allocated-was)/since.Seconds() > busyRate {
			wanted = busyGC
		}
		if wanted != percent { // setting it stops the world for a moment
			percent = wanted
			debug.SetGCPercent(percent)
		}
	}
}
