package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func TestWaitingRunsLeaveMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) { return 1, runtime.Sleep(ctx, 30*24*time.Hour) })
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		synctest.Wait() // for the runtime's own
		before := goroutines()
		var last *runtime.Handle[int]
		for range 200 {
			h, err := w.Start(r.ctx, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			last = h
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if n := r.Health().Loaded; n != 0 {
			t.Errorf("%d runs loaded, want none", n)
		}
		if n := goroutines(); n > before {
			t.Errorf("%d goroutines more than before", n-before)
		}
		run, err := r.Get(r.ctx, last.ID())
		if err != nil || run.Status != store.Waiting || run.WakeAt.Before(time.Now().Add(29*24*time.Hour)) {
			t.Errorf("run is %s until %v, %v", run.Status, run.WakeAt, err)
		}
		begin := time.Now()
		if got, err := last.Result(r.ctx); err != nil || got != 1 {
			t.Fatalf("got %d, %v", got, err)
		}
		if d := time.Since(begin); d < 29*24*time.Hour || d > 30*24*time.Hour+time.Second {
			t.Errorf("woke after %v", d)
		}
	})
}

// goroutines counts those that have a stack to show. (NumGoroutine counts the
// one that runs finalizers too, while it does.)
func goroutines() int {
	buf := make([]byte, 4<<20)
	return strings.Count("\n"+string(buf[:goruntime.Stack(buf, true)]), "\ngoroutine ")
}

// TestUnloadIsNotSeenByTheCode: a recover cannot hold it, a deferred Step does
// nothing, and the code after the wait runs once.
func TestUnloadIsNotSeenByTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var deferred, passed, recovered atomic.Int32
		w := once(func(ctx context.Context) (n int, err error) {
			defer func() {
				if recover() != nil {
					recovered.Add(1)
				}
			}()
			defer func() {
				deferred.Add(1)
				runtime.Step(ctx, "in defer", func(context.Context) (int, error) { passed.Add(1); return 0, nil })
			}()
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return 0, err
			}
			return step(ctx, "after")
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != 1 {
			t.Fatalf("got %d, %v", got, err)
		}
		if deferred.Load() != 2 || passed.Load() != 1 || recovered.Load() != 0 {
			t.Errorf("deferred ran %d times (want 2: unload and end), its step %d (want 1), recovered %d", deferred.Load(), passed.Load(), recovered.Load())
		}
	})
}

func TestARunWithABusyBranchStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		w := once(func(ctx context.Context) (int, error) {
			begun.Add(1)
			busy := runtime.Go(ctx, func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "busy", func(context.Context) (int, error) { time.Sleep(time.Minute); return 1, nil })
			})
			if err := runtime.Sleep(ctx, 30*time.Second); err != nil {
				return 0, err
			}
			return busy.Wait(ctx)
		})
		if got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err != nil || got != 1 {
			t.Fatalf("got %d, %v", got, err)
		}
		if begun.Load() != 1 {
			t.Errorf("the function began %d times, want once: a step was under way", begun.Load())
		}
	})
}

// TestSelectTakesTheSameWayInReplay lets the second branch win, then replays
// with both over.
func TestSelectTakesTheSameWayInReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			slow := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 10, runtime.Sleep(ctx, 2*time.Hour) })
			fast := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 20, runtime.Sleep(ctx, time.Hour) })
			first, err := runtime.Select(ctx, slow, fast)
			if err != nil {
				return 0, err
			}
			if err := runtime.Sleep(ctx, 5*time.Hour); err != nil { // unloaded: replayed with both over
				return 0, err
			}
			v, err := []*runtime.Future[int]{slow, fast}[first].Wait(ctx)
			return v + first, err
		})
		if got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err != nil || got != 21 {
			t.Fatalf("got %d, %v; want 21: the second was first", got, err)
		}
	})
}

func TestMapKeepsOrderBoundsAndTellsTheFirstError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		bad := errors.New("bad item")
		w := once(func(ctx context.Context) ([]int, error) {
			outs, err := runtime.Map(ctx, []int{5, 4, 3, 2, 1, 0}, 2, func(ctx context.Context, i int) (int, error) {
				return runtime.Step(ctx, "item", func(context.Context) (int, error) {
					most.Store(max(most.Load(), now.Add(1)))
					time.Sleep(time.Duration(i) * time.Second)
					now.Add(-1)
					if i == 1 || i == 4 {
						return 0, bad
					}
					return i * 10, nil
				})
			})
			se, _ := errors.AsType[*runtime.StepError](err)
			if se == nil || se.Path != "0.1.0" {
				return nil, errors.Join(errors.New("want the error of item 1"), err)
			}
			return outs, nil
		})
		got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
		if err != nil || len(got) != 6 || got[0] != 50 || got[5] != 0 || got[2] != 30 {
			t.Fatalf("got %v, %v", got, err)
		}
		if most.Load() != 2 {
			t.Errorf("%d at once, want 2", most.Load())
		}
	})
}

func TestBranchesEndWithTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cut atomic.Bool
		w := once(func(ctx context.Context) (int, error) {
			runtime.Go(ctx, func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "endless", func(ctx context.Context) (int, error) {
					<-ctx.Done()
					cut.Store(true)
					return 0, ctx.Err()
				}, runtime.Retry{})
			})
			runtime.Go(ctx, func(ctx context.Context) (int, error) { return 0, runtime.Sleep(ctx, time.Hour) })
			if err := runtime.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
			return 3, nil
		})
		begin := time.Now()
		got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
		if err != nil || got != 3 || !cut.Load() || time.Since(begin) > 2*time.Second {
			t.Fatalf("got %d, %v, step cut short: %t, after %v", got, err, cut.Load(), time.Since(begin))
		}
	})
}
