package ui

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/runtimetest"
)

// TestSamplesAreBounded runs the sampler for longer than its window, while
// somebody looks too.
func TestSamplesAreBounded(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, env *runtimetest.Env) {
		u := New(env.Runtime(), Config{Health: func() []byte { return []byte(`{"status":"ok","memory_mb":7}`) }})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { u.Run(ctx) })
		time.Sleep(2*sampleWindow + 100*time.Millisecond)
		for range 5 {
			u.samples.take(time.Now()) // too soon after the last
		}
		synctest.Wait()
		all, _ := u.samples.last()
		if len(all) != mostSamples || cap(all) > 2*mostSamples {
			t.Errorf("%d samples are kept, with room for %d, want %d", len(all), cap(all), mostSamples)
		}
		for i := 1; i < len(all); i++ {
			if d := all[i].at.Sub(all[i-1].at); d != sampleEvery {
				t.Errorf("%v between two samples, want %v", d, sampleEvery)
			}
		}
		if d := all[0].health; d == nil || d.MemoryMB != 7 {
			t.Errorf("health: %+v", d)
		}
		stop()
		wg.Wait()
	}, runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil }))
}
