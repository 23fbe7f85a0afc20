package isolate

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newIsolator(t *testing.T, cfg Config) *Isolator {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	i := New(cfg)
	t.Cleanup(i.Close)
	return i
}

func TestOff(t *testing.T) {
	i := newIsolator(t, Config{Threads: -1})
	ran := 0
	for _, marked := range []bool{true, false} {
		if err := i.Do(t.Context(), "k", marked, func() { ran++ }); err != nil {
			t.Error(err)
		}
	}
	if ran != 2 || i.Stats() != (Stats{}) {
		t.Errorf("%d ran, %+v", ran, i.Stats())
	}
}

func TestEndedContext(t *testing.T) {
	cause := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	i := newIsolator(t, Config{Threads: 1})
	for _, marked := range []bool{true, false} {
		if err := i.Do(ctx, "k", marked, func() { t.Error("ran") }); err != cause {
			t.Errorf("marked %v: %v", marked, err)
		}
	}
}

// block occupies the only thread of i until the returned function is called.
func block(t *testing.T, i *Isolator) (release func()) {
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- i.Do(context.WithoutCancel(t.Context()), "block", true, func() { close(began); <-end })
	}()
	<-began
	return func() {
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// fixed keeps the pool from growing while its threads wait: the monitor, that
// makes it grow, is gone.
func fixed(t *testing.T, threads int) *Isolator {
	i := newIsolator(t, Config{Threads: threads})
	close(i.stop)
	i.wg.Wait()
	i.stop = make(chan struct{})
	return i
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := fixed(t, 1)
		release := block(t, i)
		var order []int
		cause := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		for n := range 10 {
			wg.Go(func() {
				if n%2 == 0 {
					if err := i.Do(t.Context(), "k", true, func() { order = append(order, n) }); err != nil {
						t.Error(err)
					}
				} else if err := i.Do(ctx, "k", true, func() { t.Error("ran after its context ended") }); err != cause {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if got := i.Stats(); got.Queued != 10 || got.Busy != 1 || got.Threads != 1 {
			t.Errorf("%+v", got)
		}
		cancel(cause)
		synctest.Wait()
		if got := i.Stats().Queued; got != 5 {
			t.Errorf("%d queued after five gave up", got)
		}
		release()
		wg.Wait()
		for n, got := range order {
			if got != 2*n {
				t.Errorf("ran in order %v", order)
				break
			}
		}
		if len(order) != 5 {
			t.Errorf("ran %v", order)
		}
	})
}

func TestBegunIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIsolator(t, Config{Threads: 1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := false
		err := i.Do(ctx, "k", true, func() {
			cancel()
			<-time.After(time.Second)
			ended = true
		})
		if err != nil || !ended {
			t.Errorf("returned %v before the function had", err)
		}
	})
}

func TestGoexit(t *testing.T) {
	i := newIsolator(t, Config{Threads: 2})
	for range 5 {
		if err := i.Do(t.Context(), "k", true, goruntime.Goexit); err != ErrExited {
			t.Fatalf("on a compute thread: %v", err)
		}
	}
	var wg sync.WaitGroup
	var ran atomic.Int32
	for range 20 { // the queue is served although every other one exits
		wg.Go(func() {
			i.Do(t.Context(), "k", true, goruntime.Goexit)
			i.Do(t.Context(), "k", true, func() { ran.Add(1) })
		})
	}
	wg.Wait()
	if ran.Load() != 20 {
		t.Errorf("%d of 20 ran", ran.Load())
	}
	if got := i.Stats(); got.Threads > 2 || got.Queued != 0 {
		t.Errorf("%+v", got)
	}
	s := i.steps.get("light")
	s.class.Store(light)
	s.due.Store(1 << 31)
	returned := false
	wg.Go(func() {
		i.Do(t.Context(), "light", false, goruntime.Goexit)
		returned = true
	})
	wg.Wait()
	if returned || s.running.Load() != 0 {
		t.Errorf("on the caller's goroutine: returned %v, %d counted as running", returned, s.running.Load())
	}
	canWatch(t)
	for range 20 {
		if err := i.Do(t.Context(), "watched", false, goruntime.Goexit); err != ErrExited {
			t.Errorf("on a watched thread: %v", err)
		}
		i.steps.steps.Delete("watched") // unknown again
	}
	if n := i.watched.size.Load(); n > int64(i.cores) {
		t.Errorf("%d watched threads left", n)
	}
}

// The only thread ends with its task: what waits needs another.
func TestGoexitLeavesQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := fixed(t, 1)
		release := block(t, i)
		var wg sync.WaitGroup
		wg.Go(func() { i.Do(t.Context(), "k", true, goruntime.Goexit) })
		synctest.Wait()
		ran := false
		wg.Go(func() { i.Do(t.Context(), "k", true, func() { ran = true }) })
		synctest.Wait()
		release()
		wg.Wait()
		if !ran {
			t.Error("it did not run")
		}
	})
}

func TestQueuedLeavesCompute(t *testing.T) {
	canWatch(t)
	synctest.Test(t, func(t *testing.T) {
		i := fixed(t, 1)
		release := block(t, i)
		s := i.steps.get("k")
		s.bind()
		var wg sync.WaitGroup
		wg.Go(func() {
			i.Do(t.Context(), "k", false, func() {
				if lowered() {
					t.Error("ran on a compute thread, which its key had left")
				}
			})
		})
		synctest.Wait()
		for range shortsInARow {
			s.ran(usage{})
		}
		release()
		wg.Wait()
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := fixed(t, 1)
		release := block(t, i)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if err := i.Do(t.Context(), "k", true, func() { t.Error("ran") }); err != ErrClosed {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		closed := false
		wg.Go(func() { i.Close(); closed = true })
		synctest.Wait()
		if closed {
			t.Error("closed while a function runs")
		}
		release()
		wg.Wait()
		for _, marked := range []bool{true, false} {
			if err := i.Do(t.Context(), "k", marked, func() { t.Error("ran") }); err != ErrClosed {
				t.Error(err)
			}
		}
		if got := i.Stats(); got.Threads != 0 || got.Busy != 0 || got.Watched != 0 {
			t.Errorf("after close: %+v", got)
		}
		i.Close()
	})
}

// A step's functions wait on all kinds of things; what is left of them must
// not keep the process from being idle, nor its threads.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newIsolator(t, Config{Threads: 2})
		for _, marked := range []bool{true, false, false} {
			i.Do(t.Context(), "k", marked, func() { <-time.After(time.Minute) })
		}
		<-time.After(time.Minute)
		before := i.tick.Load()
		<-time.After(time.Hour)
		if after := i.tick.Load(); after != before {
			t.Errorf("the clock went on for %d ticks with nothing to do", after-before)
		}
		if got := i.Stats(); got.Threads != 0 || got.Watched != 0 || got.Latency != 0 {
			t.Errorf("idle: %+v", got)
		}
		if n := i.watched.size.Load(); n != 0 {
			t.Errorf("%d watched threads left", n)
		}
		i.Do(t.Context(), "k", false, func() {})
		if i.tick.Load() == before {
			t.Error("the clock stands still although something ran")
		}
	})
}

func TestWaitingStepsAreLight(t *testing.T) {
	canWatch(t)
	synctest.Test(t, func(t *testing.T) {
		i := newIsolator(t, Config{Threads: 2})
		start := time.Now()
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() { i.Do(t.Context(), "k", false, func() { <-time.After(5 * time.Second) }) })
		}
		wg.Wait()
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("1000 waits of 5 s took %v", took)
		}
		s := i.steps.get("k")
		if s.class.Load() != light || i.Stats().Isolated != 0 {
			t.Errorf("class %d", s.class.Load())
		}
	})
}

// Steps that wait for other steps, or for the disk, must not lock the compute
// threads up.
func TestPoolGrowsWhileItWaits(t *testing.T) {
	canWatch(t)
	i := newIsolator(t, Config{Threads: 1})
	inner := false
	if err := i.Do(t.Context(), "outer", true, func() {
		i.Do(t.Context(), "inner", true, func() { inner = true })
	}); err != nil || !inner {
		t.Errorf("inner ran: %v; %v", inner, err)
	}
}

func TestFound(t *testing.T) {
	canWatch(t)
	var log bytes.Buffer
	i := newIsolator(t, Config{Threads: 2, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := i.Do(t.Context(), "order/price", false, func() { burnUntil(t, lowered) }); err != nil {
		t.Fatal(err) // it was lowered while it ran
	}
	if got := i.Stats(); got.Isolated != 1 {
		t.Fatalf("not found: %+v", got)
	}
	for range 3 {
		i.Do(t.Context(), "order/price", false, func() {
			if !lowered() {
				t.Error("ran at normal priority")
			}
		})
	}
	i.Do(t.Context(), "order/ship", false, func() {
		if lowered() {
			t.Error("another step runs at low priority")
		}
	})
	s := i.steps.get("order/price")
	for s.class.Load() == compute {
		s.ran(usage{})
	}
	i.found(s, isBound, false, true, usage{}) // once more
	i.Close()
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "step=order/price") {
		t.Errorf("want one warning that names the step:\n%s", &log)
	}
}

// A step that was light for a long time and then gets a bigger input.
func TestTurnsBound(t *testing.T) {
	canWatch(t)
	i := newIsolator(t, Config{Threads: 2})
	for range 1000 {
		i.Do(t.Context(), "k", false, func() {})
	}
	if c := i.steps.get("k").class.Load(); c != light {
		t.Fatalf("class %d after quick executions", c)
	}
	for n := 0; i.Stats().Isolated == 0; n++ {
		if n > 10*maxPause {
			t.Fatal("not found")
		}
		i.Do(t.Context(), "k", false, func() { burn(2 * boundCPU) })
	}
}

func TestManyAtOnce(t *testing.T) {
	canWatch(t)
	i := newIsolator(t, Config{Threads: 2})
	var wg sync.WaitGroup
	var normal, isolated atomic.Int32
	for range 30 {
		wg.Go(func() {
			i.Do(t.Context(), "k", false, func() {
				if burn(2 * boundCPU); lowered() {
					isolated.Add(1)
				} else {
					normal.Add(1)
				}
			})
		})
	}
	wg.Wait()
	// The first may end before the monitor has looked.
	if n := int(normal.Load()); n > 2*i.cores || isolated.Load() != int32(30-n) {
		t.Errorf("%d ran at normal priority, %d isolated", n, isolated.Load())
	}
}

func TestLeavesCompute(t *testing.T) {
	canWatch(t)
	synctest.Test(t, func(t *testing.T) {
		i := newIsolator(t, Config{Threads: 2})
		s := i.steps.get("k")
		s.bind()
		for n := 0; s.class.Load() == compute; n++ {
			if n > 100*waitsInARow { // those during which the machine was short of CPU do not count
				t.Fatal("executions that only wait keep to the compute threads")
			}
			i.Do(t.Context(), "k", false, func() { <-time.After(3 * patience) })
		}
	})
}
