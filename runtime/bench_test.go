package runtime_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store/sqlite/sqlitetest"
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
// begins, at several numbers of concurrent callers; beside it, in the same
// run, the same number of writes through a bare sketch of group commit.
//
//	go test ./runtime -run - -bench Steps -benchtime 20000x -count 5
func BenchmarkSteps(b *testing.B) {
	for _, callers := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint("engine/", callers), func(b *testing.B) {
			ctx := serve(b, runtime.Config{}, fiveSteps)
			measure(b, callers, func(int) error { _, err := fiveSteps.Call(ctx, 1); return err })
		})
		b.Run(fmt.Sprint("bare/", callers), func(b *testing.B) {
			bare := sqlitetest.OpenBare(b)
			measure(b, callers, func(run int) error { return bare.Run(run, 5+2) })
		})
	}
}

func measure(b *testing.B, callers int, run func(int) error) {
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := run(int(i)); err != nil {
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
