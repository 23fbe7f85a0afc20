package runtime_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func TestParentsThatWaitLeaveRoomForTheirChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) { return step(ctx, "c") })
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) { return child.Call(ctx, struct{}{}) })
		r := serveOn(t, openStore(t), runtime.Config{MaxLoaded: 2}, child, parent)
		h1, _ := parent.Start(r.ctx, struct{}{})
		h2, _ := parent.Start(r.ctx, struct{}{})
		ctx, c := context.WithTimeout(r.ctx, time.Hour)
		defer c()
		_, err := h1.Result(ctx)
		_, err2 := h2.Result(ctx)
		t.Logf("health %+v", r.Health().Loaded)
		if err != nil || err2 != nil {
			t.Errorf("after an hour: %v %v", err, err2)
		}
	})
}

func TestAnUnknownWorkflowGivesItsPlaceOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		unk := runtime.Define("unk", func(ctx context.Context, _ struct{}) (int, error) { return 1, nil })
		w := once(func(ctx context.Context) (int, error) { return 1, nil })
		rt0, _ := runtime.New(s, runtime.Config{}, unk, w)
		c0 := rt0.Context(context.Background())
		unk.Start(c0, struct{}{})
		h, err := w.Start(c0, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		r := serveOn(t, s, runtime.Config{MaxLoaded: 1}, w)
		time.Sleep(time.Hour)
		run, _ := r.Get(r.ctx, h.ID())
		if run.Status != store.Succeeded {
			t.Errorf("after an hour: %v, health %+v", run.Status, r.Health().Hungry)
		}
	})
}

func TestAnUnknownWorkflowGivesItsQueueOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		q := runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1})
		unk := runtime.Define("unk", func(ctx context.Context, _ struct{}) (int, error) { return 1, nil })
		w := once(func(ctx context.Context) (int, error) { return 1, nil })
		rt0, _ := runtime.New(s, runtime.Config{}, unk, w, q)
		c0 := rt0.Context(context.Background())
		unk.Start(c0, struct{}{}, runtime.OnQueue(q))
		h, err := w.Start(c0, struct{}{}, runtime.OnQueue(q))
		if err != nil {
			t.Fatal(err)
		}
		r := serveOn(t, s, runtime.Config{}, w, q)
		time.Sleep(time.Hour)
		run, _ := r.Get(r.ctx, h.ID())
		if run.Status != store.Succeeded {
			t.Errorf("after an hour: %v", run.Status)
		}
	})
}

func TestSelectRecordsNothingOnceStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			a := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 1, runtime.Sleep(ctx, 24*time.Hour) })
			b := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 2, runtime.Sleep(ctx, time.Hour) })
			first, err := runtime.Select(ctx, a, b)
			return first, err
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		time.Sleep(time.Minute)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		h.Result(r.ctx)
		h2, _ := w.Handle(r.ctx, h.ID())
		if _, err := r.Resume(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		got, err := h2.Result(r.ctx)
		if err != nil || got != 1 {
			t.Errorf("got %d %v after %v, want 1 after an hour", got, err, time.Since(begin))
		}
		got, err = h.Result(r.ctx)
		if err != nil {
			t.Errorf("the old handle: %d %v", got, err)
		}
	})
}

func TestSelectAfterARefusedSleepCanBeResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			a := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 1, runtime.Sleep(ctx, 24*time.Hour) })
			_ = runtime.Sleep(ctx, time.Hour) // error not looked at
			_, err := runtime.Select(ctx, a)
			return 7, err
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		time.Sleep(time.Minute)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		h.Result(r.ctx)
		h2, _ := w.Handle(r.ctx, h.ID())
		if _, err := r.Resume(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		got, err := h2.Result(r.ctx)
		if err != nil {
			t.Errorf("got %d %v", got, err)
		}
	})
}

func queueHolds(t *testing.T, cfg runtime.QueueConfig, resume bool) {
	synctest.Test(t, func(t *testing.T) {
		q := runtime.NewQueue("q", cfg)
		var now, most atomic.Int32
		w := once(func(ctx context.Context) (int, error) {
			if !resume {
				if err := runtime.Sleep(ctx, time.Hour); err != nil {
					return 0, err
				}
			}
			return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				select {
				case <-time.After(time.Minute):
					return 1, nil
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w, q)
		var hs []*runtime.Handle[int]
		for range 3 {
			h, err := w.Start(r.ctx, struct{}{}, runtime.OnQueue(q))
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
		}
		if resume {
			time.Sleep(time.Second)
			hs[0].Cancel(r.ctx)
			time.Sleep(time.Second) // the second begins
			if _, err := r.Resume(r.ctx, hs[0].ID()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		for _, h := range hs {
			h.Result(r.ctx)
		}
		if most.Load() != 1 {
			t.Errorf("%d at once, want 1", most.Load())
		}
	})
}
func TestPerExecutorHoldsForRunsThatSleep(t *testing.T) {
	queueHolds(t, runtime.QueueConfig{PerExecutor: 1}, false)
}
func TestConcurrencyHoldsForResumedRuns(t *testing.T) {
	queueHolds(t, runtime.QueueConfig{Concurrency: 1}, true)
}

type valueKey struct{}

func TestValuesOfTheCallersContextReachTheStep(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) {
		ctx = context.WithValue(ctx, valueKey{}, 5)
		ctx, c := context.WithTimeout(ctx, 50*time.Millisecond)
		defer c()
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
			_, dl := ctx.Deadline()
			v, _ := ctx.Value(valueKey{}).(int)
			if !dl {
				return v, errors.New("no deadline")
			}
			return v, nil
		})
	})
	got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
	if got != 5 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestTimeoutDoesNotCountTheLine(t *testing.T) {
	var runs atomic.Int32
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
			runs.Add(1)
			for b := time.Now(); time.Since(b) < 100*time.Millisecond; {
			}
			return 1, nil
		}, runtime.Compute(), runtime.Timeout(150*time.Millisecond))
	})
	ctx := serve(t, runtime.Config{ComputeThreads: 1}, w)
	var hs []*runtime.Handle[int]
	for range 6 {
		h, _ := w.Start(ctx, struct{}{})
		hs = append(hs, h)
	}
	bad := 0
	for _, h := range hs {
		if _, err := h.Result(ctx); err != nil {
			bad++
			t.Log(err)
		}
	}
	if bad > 0 {
		t.Errorf("%d of 6 failed, functions begun: %d", bad, runs.Load())
	}
}

func TestAnInputThatNoLongerFitsParksTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		v1 := runtime.Define("w", func(ctx context.Context, in struct{ A int }) (int, error) { return 1, runtime.Sleep(ctx, time.Hour) })
		r := serveOn(t, s, runtime.Config{}, v1)
		h, _ := v1.Start(r.ctx, struct{ A int }{1})
		time.Sleep(time.Minute)
		r.stop()
		v2 := runtime.Define("w", func(ctx context.Context, in struct{ A string }) (int, error) { return 1, runtime.Sleep(ctx, time.Hour) })
		r2 := serveOn(t, s, runtime.Config{}, v2)
		run, err := r2.Wait(r2.ctx, h.ID())
		if run.Status != store.Stuck {
			t.Errorf("%v %v %v", run.Status, run.Error, err)
		}
	})
}

func TestDrainDoesNotWaitForAWaitingParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) { return 1, runtime.Sleep(ctx, time.Hour) })
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) { return child.Call(ctx, struct{}{}) })
		r := serveOn(t, openStore(t), runtime.Config{}, child, parent)
		parent.Start(r.ctx, struct{}{})
		time.Sleep(time.Minute)
		t.Logf("loaded %d", r.Health().Loaded)
		b := time.Now()
		r.stop()
		if d := time.Since(b); d > time.Second {
			t.Errorf("drain took %v", d)
		}
	})
}

func TestAStuckChildIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) {
			name := "a"
			if runs.Add(1) == 2 {
				name = "b"
			}
			if _, err := step(ctx, name); err != nil {
				return 0, err
			}
			return 1, runtime.Sleep(ctx, time.Hour)
		})
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) { return child.Call(ctx, struct{}{}) })
		r := serveOn(t, openStore(t), runtime.Config{}, child, parent)
		h, _ := parent.Start(r.ctx, struct{}{})
		time.Sleep(2 * time.Hour)
		run, _ := r.Get(r.ctx, h.ID())
		if run.Status == store.Failed {
			t.Errorf("parent %v %+v", run.Status, run.Error)
		}
	})
}

type fullAtChild struct {
	store.Store
	n atomic.Int32
}

func (s *fullAtChild) Create(ctx context.Context, n store.NewRun) (store.Run, bool, error) {
	if n.ParentID != "" && s.n.Add(1) == 1 {
		return store.Run{}, false, store.ErrFull
	}
	return s.Store.Create(ctx, n)
}
func TestAChildStartWaitsForRoom(t *testing.T) {
	child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) { return 1, nil })
	parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) { return child.Call(ctx, struct{}{}) })
	r := serveOn(t, &fullAtChild{Store: openStore(t)}, runtime.Config{}, child, parent)
	got, err := parent.Call(r.ctx, struct{}{})
	if err != nil {
		t.Errorf("%d %v", got, err)
	}
}

// A drain that waited for its whole time would outlast the test.
func TestDrainEndsRetriesWithoutDelay(t *testing.T) {
	tried := make(chan struct{}, 1000)
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
			select {
			case tried <- struct{}{}:
			default:
			}
			return 0, errors.New("x")
		}, runtime.Retry{Initial: 1, Factor: 1, MaxDelay: 1})
	})
	r := serveOn(t, openStore(t), runtime.Config{Drain: time.Hour, Logger: quiet}, w)
	if _, err := w.Start(r.ctx, struct{}{}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		<-tried
	}
	r.stop()
}

func TestErrorTextIsTheSameLiveAndInReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		w := once(func(ctx context.Context) (int, error) {
			_, err := runtime.Step(ctx, "s", func(context.Context) (int, error) { return 0, errors.New("bad \xff\x00 byte") })
			seen = append(seen, err.Error())
			return 1, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		_, err := w.Call(r.ctx, struct{}{})
		if err != nil || len(seen) != 2 || seen[0] != seen[1] {
			t.Errorf("%q %v", seen, err)
		}
	})
}
func TestChildrenOfRunsWithLongIDs(t *testing.T) {
	child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) { return 1, nil })
	parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) { return child.Call(ctx, struct{}{}) })
	r := serveOn(t, openStore(t), runtime.Config{}, child, parent)
	_, err := parent.Call(r.ctx, struct{}{}, runtime.ID(strings.Repeat("a", 199)))
	if err != nil {
		t.Error(err)
	}
}
func TestAnyErrorOfACutShortStepIsNoOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				n++
				select {
				case <-ctx.Done():
					return 0, errors.New("signal: killed")
				case <-time.After(time.Minute):
					return 1, nil
				}
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		time.Sleep(time.Second)
		h.Cancel(r.ctx)
		time.Sleep(time.Second)
		r.Resume(r.ctx, h.ID())
		h2, _ := w.Handle(r.ctx, h.ID())
		got, err := h2.Result(r.ctx)
		if err != nil {
			t.Errorf("%d %v", got, err)
		}
	})
}
func TestAHandleSeesTheResumedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(time.Minute):
					return 1, nil
				}
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		time.Sleep(time.Second)
		h.Cancel(r.ctx)
		time.Sleep(time.Second)
		r.Resume(r.ctx, h.ID())
		if got, err := h.Result(r.ctx); err != nil {
			t.Errorf("%d %v", got, err)
		}
	})
}
func TestErrorsAreBounded(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) { return 0, errors.New(strings.Repeat("x", 50<<20)) })
	})
	r := serveOn(t, openStore(t), runtime.Config{MaxPayload: 1000}, w)
	h, _ := w.Start(r.ctx, struct{}{})
	h.Result(r.ctx)
	run, _ := r.Get(r.ctx, h.ID())
	if n := len(run.Error.Message); n > 1<<20 {
		t.Errorf("stored an error of %d bytes with MaxPayload 1000", n)
	}
}

// a step that retries under a run that unloaded between, and Go with nested unload, and MaxLoaded contention

func TestManyRunsThroughLittleMemory(t *testing.T) {
	q := runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 3})
	w := once(func(ctx context.Context) (int, error) {
		f := runtime.Go(ctx, func(ctx context.Context) (int, error) {
			if err := runtime.Sleep(ctx, time.Duration(rand.IntN(30))*time.Millisecond); err != nil {
				return 0, err
			}
			return step(ctx, "b")
		})
		g := runtime.Go(ctx, func(ctx context.Context) (int, error) {
			return 1, runtime.Sleep(ctx, time.Duration(rand.IntN(30))*time.Millisecond)
		})
		if _, err := runtime.Select(ctx, f, g); err != nil {
			return 0, err
		}
		if err := runtime.Sleep(ctx, time.Duration(rand.IntN(20))*time.Millisecond); err != nil {
			return 0, err
		}
		return f.Wait(ctx)
	})
	s := openStore(t)
	r := serveOn(t, s, runtime.Config{MaxLoaded: 4, UnloadAfter: time.Millisecond}, w, q)
	<-r.Recovered()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var ids []string
	for range 8 {
		wg.Go(func() {
			for i := range 150 {
				opts := []runtime.StartOption{}
				if i%3 == 0 {
					opts = append(opts, runtime.OnQueue(q))
				}
				if i%5 == 0 {
					opts = append(opts, runtime.Deadline(time.Now().Add(time.Duration(rand.IntN(60))*time.Millisecond)))
				}
				h, err := w.Start(r.ctx, struct{}{}, opts...)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				ids = append(ids, h.ID())
				mu.Unlock()
				if i%4 == 0 {
					runtime.Sleep(r.ctx, time.Duration(rand.IntN(5))*time.Millisecond)
					h.Cancel(r.ctx)
				}
			}
		})
	}
	wg.Wait()
	ctx, c := context.WithTimeout(r.ctx, 40*time.Second)
	defer c()
	n := map[store.Status]int{}
	for _, id := range ids {
		run, err := r.Wait(ctx, id)
		if err != nil {
			t.Fatalf("%v %v %+v", run.Status, err, r.Health())
		}
		n[run.Status]++
		if run.Status == store.Stuck {
			t.Error(run.Error)
		}
	}
	t.Log(n, r.Health().Loaded)
}

func TestSelectAfterCancelTakesTheShorterBranch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			a := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 1, runtime.Sleep(ctx, time.Hour) })
			b := runtime.Go(ctx, func(ctx context.Context) (int, error) { return 2, runtime.Sleep(ctx, 24*time.Hour) })
			return runtime.Select(ctx, a, b)
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		time.Sleep(time.Minute)
		h.Cancel(r.ctx)
		time.Sleep(time.Minute)
		begin := time.Now()
		r.Resume(r.ctx, h.ID())
		run, err := r.Wait(r.ctx, h.ID())
		t.Logf("%s %s %v %v", run.Status, run.Output, err, time.Since(begin))
		if string(run.Output) != "0" {
			t.Error("want the first, after an hour")
		}
	})
}
func TestAMapOfFewerItemsIsAMismatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 5
		w := once(func(ctx context.Context) ([]int, error) {
			k := n
			n = 4
			out, err := runtime.Map(ctx, make([]int, k), 0, func(ctx context.Context, i int) (int, error) {
				if k == 4 || true {
					return step(ctx, "i")
				}
				return 0, nil
			})
			if err != nil {
				return nil, err
			}
			return out, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		<-r.Recovered()
		h, _ := w.Start(r.ctx, struct{}{})
		_, err := h.Result(r.ctx)
		t.Log(err)
	})
}
