package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// BenchmarkRecover measures how long a runtime needs from its start until
// 10,000 runs that a dead process left amid their second step are under way.
func BenchmarkRecover(b *testing.B) {
	const n = 10_000
	for range b.N {
		b.StopTimer()
		s := openStore(b)
		leave(b, s, n)
		var begun atomic.Int64
		all := make(chan struct{})
		w := runtime.Define("hold", func(ctx context.Context, _ struct{}) (int, error) {
			if _, err := step(ctx, "first"); err != nil {
				return 0, err
			}
			return runtime.Step(ctx, "hold", func(ctx context.Context) (int, error) {
				if begun.Add(1) == n {
					close(all)
				}
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
		b.StartTimer()
		r := serveOn(b, s, runtime.Config{Drain: -1, Logger: quiet}, w)
		<-all
		b.StopTimer()
		r.stop()
		b.StartTimer()
	}
}

// leave stores runs as a killed process does: running, with one step done.
func leave(b *testing.B, s store.Store, n int) {
	at := time.Now()
	done := make(chan error, n)
	for i := range n {
		go func() {
			run, _, err := s.Create(b.Context(), store.NewRun{ID: "run-" + string(rune('a'+i%26)) + time.Duration(i).String(), Workflow: "hold", Input: []byte("{}"), CreatedAt: at, ClaimFor: "dead"})
			if err == nil {
				err = s.Record(b.Context(), run.Claim(), &store.Step{Path: "0", Attempt: 1, Kind: store.KindStep, Name: "first", Status: store.StepSucceeded, Output: []byte("1"), StartedAt: at, EndedAt: at})
			}
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}
