package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// BenchmarkChildren measures one parent with many children of one step each:
// from its start to its end, by child. In line it starts all, then waits for
// one after the other; at once it waits for all in branches of their own.
//
//	go test ./runtime -run - -bench Children -benchtime 1x
func BenchmarkChildren(b *testing.B) {
	child := runtime.Define("child", func(ctx context.Context, n int) (int, error) {
		return runtime.Step(ctx, "add", func(context.Context) (int, error) { return n + 1, nil })
	})
	inLine := runtime.Define("in-line", func(ctx context.Context, n int) (sum int, err error) {
		handles := make([]*runtime.Handle[int], n)
		for i := range handles {
			if handles[i], err = child.Start(ctx, i); err != nil {
				return 0, err
			}
		}
		for _, h := range handles {
			v, err := h.Result(ctx)
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
	atOnce := runtime.Define("at-once", func(ctx context.Context, n int) (sum int, err error) {
		outs, err := runtime.Map(ctx, make([]int, n), 0, func(ctx context.Context, i int) (int, error) { return child.Call(ctx, i) })
		for _, v := range outs {
			sum += v
		}
		return sum, err
	})
	for _, parent := range []*runtime.Workflow[int, int]{inLine, atOnce} {
		for _, n := range []int{1000, 5000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", parent.Name(), n), func(b *testing.B) {
				ctx := serve(b, runtime.Config{Logger: quiet}, child, inLine, atOnce)
				b.ResetTimer()
				for range b.N {
					if _, err := parent.Call(ctx, n); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(n*b.N), "µs/child")
			})
		}
	}
}

// BenchmarkStopChildren measures how long it takes, by child, until a cancel of
// a parent has reached many children that are asleep.
//
//	go test ./runtime -run - -bench StopChildren -benchtime 1x
func BenchmarkStopChildren(b *testing.B) {
	for _, n := range []int{1000, 5000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			parent, child := sleepingFamily()
			var took time.Duration
			for i := range b.N {
				r := serveOn(b, openStore(b), runtime.Config{Logger: quiet}, parent, child)
				h, err := parent.Start(r.ctx, n, runtime.ID(fmt.Sprint("parent", i)))
				if err != nil {
					b.Fatal(err)
				}
				eventually(b, r, func(s [9]int64) bool { return s[store.Delayed] == int64(n) && s[store.Waiting] == 1 })
				began := time.Now()
				if err := h.Cancel(r.ctx); err != nil {
					b.Fatal(err)
				}
				eventually(b, r, func(s [9]int64) bool { return s[store.Cancelled] == int64(n)+1 })
				took += time.Since(began)
				r.stop()
			}
			b.ReportMetric(took.Seconds()*1e6/float64(n*b.N), "µs/child")
		})
	}
}

// BenchmarkLongRun measures one run with many steps, by step: live, and
// replayed by a new runtime that goes on behind the last of them.
//
//	go test ./runtime -run - -bench LongRun -benchtime 1x
func BenchmarkLongRun(b *testing.B) {
	for _, n := range []int{1000, 5000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var live, replayed time.Duration
			for range b.N {
				s := openStore(b)
				reached := make(chan struct{}, 1)
				w := runtime.Define("long", func(ctx context.Context, n int) (int, error) {
					for range n {
						if _, err := step(ctx, "add"); err != nil {
							return 0, err
						}
					}
					return runtime.Step(ctx, "last", func(ctx context.Context) (int, error) {
						reached <- struct{}{}
						<-ctx.Done()
						return 0, ctx.Err()
					})
				})
				r := serveOn(b, s, runtime.Config{Logger: quiet, Drain: -1}, w)
				began := time.Now()
				if _, err := w.Start(r.ctx, n); err != nil {
					b.Fatal(err)
				}
				<-reached
				live += time.Since(began)
				r.stop()
				began = time.Now()
				r = serveOn(b, s, runtime.Config{Logger: quiet, Drain: -1}, w)
				<-reached
				replayed += time.Since(began)
				r.stop()
			}
			b.ReportMetric(live.Seconds()*1e6/float64(n*b.N), "µs/step")
			b.ReportMetric(replayed.Seconds()*1e6/float64(n*b.N), "µs/step-replayed")
		})
	}
}
