package runtime_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stepwell/stepwell/runtime"
)

// fiveSteps is the workflow that the numbers in the README are about.
var fiveSteps = runtime.Define("five", func(ctx context.Context, n int) (int, error) {
	for range 5 {
		var err error
		n, err = runtime.Step(ctx, "add", func(context.Context) (int, error) { return n + 1, nil })
		if err != nil {
			return 0, err
		}
	}
	return n, nil
})

// BenchmarkSteps measures runs of five steps, each durable before the next
// begins, at several numbers of concurrent callers.
func BenchmarkSteps(b *testing.B) {
	for _, callers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { benchmarkSteps(b, callers) })
	}
}

func benchmarkSteps(b *testing.B, callers int) {
	ctx := serve(b, runtime.Config{}, fiveSteps)
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if _, err := fiveSteps.Call(ctx, 1); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(5*b.N)/b.Elapsed().Seconds(), "steps/s")
}
