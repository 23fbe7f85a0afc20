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

// TestLooksAreShared: whoever looks within a second sees the same, drawn once.
func TestLooksAreShared(t *testing.T) {
	runtimetest.Run(t, func(t *testing.T, env *runtimetest.Env) {
		u := New(env.Runtime(), Config{})
		first, parts, err := u.present(t.Context())
		if err != nil || len(parts) != len(overviewParts) {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		counted := u.samples.nextStats
		for range 3 {
			if again, _, err := u.present(t.Context()); err != nil || again != first {
				t.Errorf("another look within a second made another state, %v", err)
			}
		}
		time.Sleep(sampleEvery)
		next, _, err := u.present(t.Context())
		if err != nil || next == first {
			t.Errorf("a second later it is the same, %v", err)
		}
		if !u.samples.nextStats.Equal(counted) {
			t.Error("the store was counted again after a second")
		}
		time.Sleep(3 * time.Second)
		if _, _, err := u.present(t.Context()); err != nil || u.samples.nextStats.Equal(counted) {
			t.Errorf("after four seconds the store was not counted again, %v", err)
		}
	}, runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil }))
}
