package runtime_test

import (
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// BenchmarkRetention measures runs of five steps by 100 callers while all runs
// are kept, and while each is deleted half a second after its end.
//
//	go test ./runtime -run - -bench Retention -benchtime 100000x -count 3
func BenchmarkRetention(b *testing.B) {
	for name, keep := range map[string]time.Duration{"kept": 0, "deleted": 500 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			s := openStore(b)
			r := serveOn(b, s, runtime.Config{Retention: runtime.Retention{Succeeded: keep}}, fiveSteps)
			measure(b, 100, func(int) error { _, err := fiveSteps.Call(r.ctx, 1); return err })
			b.ReportMetric(float64(b.N)-float64(s.Health().Runs[store.Succeeded]), "deleted")
		})
	}
}
