package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// loads counts how often histories are read.
type loads struct {
	store.Store
	n atomic.Int32
}

func (s *loads) Load(ctx context.Context, seq int64) ([]store.Step, error) {
	s.n.Add(1)
	return s.Store.Load(ctx, seq)
}

// TestAParentWakesForTheChildItWaitsFor: the ends of the others, an hour apart,
// leave it where it is.
func TestAParentWakesForTheChildItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := runtime.Define("child", func(ctx context.Context, hours int) (int, error) {
			return hours, runtime.Sleep(ctx, time.Duration(hours)*time.Hour)
		})
		const n = 20
		parent := once(func(ctx context.Context) (sum int, err error) {
			var hs [n]*runtime.Handle[int]
			for i := range n {
				if hs[i], err = child.Start(ctx, n-i); err != nil { // the first is the slowest
					return 0, err
				}
			}
			for _, h := range hs {
				v, err := h.Result(ctx)
				if err != nil {
					return 0, err
				}
				sum += v
			}
			return sum, nil
		})
		s := &loads{Store: openStore(t)}
		got, err := parent.Call(serveOn(t, s, runtime.Config{}, parent, child).ctx, struct{}{})
		if err != nil || got != n*(n+1)/2 {
			t.Fatalf("got %d, %v", got, err)
		}
		if got := s.n.Load(); got != n+1 {
			t.Errorf("%d histories were read, want %d: each child's once, and the parent's once", got, n+1)
		}
	})
}

// TestAParentThatIsWokenTimeAndAgainStaysInMemory, so that it does not read its
// history at the end of each child.
func TestAParentThatIsWokenTimeAndAgainStaysInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 300
		child := runtime.Define("child", func(ctx context.Context, i int) (int, error) { return i, nil })
		parent := once(func(ctx context.Context) (int, error) {
			var ends []*runtime.Future[int]
			for i := range n {
				ends = append(ends, runtime.Go(ctx, func(ctx context.Context) (int, error) {
					return child.Call(ctx, i, runtime.Delay(time.Duration(i)*120*time.Millisecond))
				}))
			}
			for _, f := range ends {
				if _, err := f.Wait(ctx); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		s := &loads{Store: openStore(t)}
		got, err := parent.Call(serveOn(t, s, runtime.Config{UnloadAfter: 100 * time.Millisecond}, parent, child).ctx, struct{}{})
		if err != nil || got != n {
			t.Fatalf("got %d, %v", got, err)
		}
		if got := s.n.Load(); got > n/10 {
			t.Errorf("histories were read %d times", got)
		}
	})
}

// TestTheEndOfAChildIsNotMissed lets children end while their parent begins to
// wait for them, over and over.
func TestTheEndOfAChildIsNotMissed(t *testing.T) {
	child := runtime.Define("child", func(_ context.Context, n int) (int, error) { return n, nil })
	parent := runtime.Define("parent", func(ctx context.Context, n int) (int, error) {
		outs, err := runtime.Map(ctx, make([]int, n), 0, func(ctx context.Context, _ int) (int, error) { return child.Call(ctx, 1) })
		return len(outs), err
	})
	ctx := serve(t, runtime.Config{UnloadAfter: time.Millisecond, Logger: quiet}, parent, child)
	for range 10 {
		if got, err := parent.Call(ctx, 100); err != nil || got != 100 {
			t.Fatalf("got %d, %v", got, err)
		}
	}
}

// tree is a parent that starts a child, which starts another; all wait long.
// fail says what ends the parent after a minute.
func tree(fail bool, opts ...runtime.StartOption) (defs []runtime.Definition, parent *runtime.Workflow[struct{}, int]) {
	leaf := runtime.Define("leaf", func(ctx context.Context, _ struct{}) (int, error) { return 1, runtime.Sleep(ctx, 24*time.Hour) })
	child := runtime.Define("child", func(ctx context.Context, _ struct{}) (int, error) {
		return leaf.Call(ctx, struct{}{}, runtime.ID("leaf"))
	})
	parent = runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) {
		if _, err := child.Start(ctx, struct{}{}, append(opts, runtime.ID("child"))...); err != nil {
			return 0, err
		}
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return 0, err
		}
		if fail {
			return 0, errors.New("no luck")
		}
		return 1, nil
	})
	return []runtime.Definition{leaf, child, parent}, parent
}

func TestTheEndOfAParentIsPassedDown(t *testing.T) {
	down, on := store.Cancelled, store.Succeeded
	for _, c := range []struct {
		name    string
		opts    []runtime.StartOption
		fail    bool
		cancel  bool
		wantEnd store.Status
	}{
		{"fails", nil, true, false, down},
		{"cancelled", nil, false, true, down},
		{"succeeds", nil, false, false, on},
		{"succeeds, child ends with it", []runtime.StartOption{runtime.OnParentEnd(runtime.StopOnEnd)}, false, false, down},
		{"fails, child abandoned", []runtime.StartOption{runtime.OnParentEnd(runtime.Abandon)}, true, false, on},
		{"cancelled, child abandoned", []runtime.StartOption{runtime.OnParentEnd(runtime.Abandon)}, false, true, on},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defs, parent := tree(c.fail, c.opts...)
				r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, defs...)
				h, err := parent.Start(r.ctx, struct{}{})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if c.cancel {
					if err := h.Cancel(r.ctx); err != nil {
						t.Fatal(err)
					}
				}
				h.Result(r.ctx)
				for _, id := range []string{"child", "leaf"} {
					if run, err := r.Wait(r.ctx, id); err != nil || run.Status != c.wantEnd {
						t.Errorf("%s is %s, %v; want %s", id, run.Status, err, c.wantEnd)
					}
				}
			})
		})
	}
}

func TestAParentPolicyHasToBeOneOfThose(t *testing.T) {
	defs, parent := tree(false)
	ctx := serve(t, runtime.Config{}, defs...)
	if _, err := parent.Start(ctx, struct{}{}, runtime.OnParentEnd(7)); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}

// TestCrashWhileAParentsEndIsPassedDown kills the process at each of its writes
// while a parent fails, and starts another: all below it are stopped.
func TestCrashWhileAParentsEndIsPassedDown(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashPassingDown(t, at, persisted) })
			})
		}
	}
}

func crashPassingDown(t *testing.T, at int, persisted bool) (crashed bool) {
	s := openStore(t)
	defs, parent := tree(true)
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, defs...)
	ended := make(chan struct{})
	if _, err := parent.Start(r.ctx, struct{}{}, runtime.ID("parent")); err == nil {
		first := r
		go func() {
			defer close(ended)
			for _, id := range []string{"parent", "child", "leaf"} {
				first.Wait(first.ctx, id)
			}
		}()
	}
	select {
	case <-ended:
	case <-m.died:
		crashed = true
	}
	r.stop()
	r = serveOn(t, s, runtime.Config{Logger: quiet}, defs...)
	h, err := parent.Start(r.ctx, struct{}{}, runtime.ID("parent"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Result(r.ctx); err == nil {
		t.Error("the parent succeeded")
	}
	for _, id := range []string{"child", "leaf"} {
		if run, err := r.Wait(r.ctx, id); err != nil || run.Status != store.Cancelled {
			t.Errorf("%s is %s, %v; want it cancelled", id, run.Status, err)
		}
	}
	return crashed
}

// sleepingFamily is a parent that starts so many children, for an hour later,
// and sleeps.
func sleepingFamily() (parent, child *runtime.Workflow[int, int]) {
	child = runtime.Define("child", func(_ context.Context, n int) (int, error) { return n, nil })
	parent = runtime.Define("parent", func(ctx context.Context, n int) (int, error) {
		_, err := runtime.Map(ctx, make([]int, n), 0, func(ctx context.Context, i int) (int, error) {
			_, err := child.Start(ctx, i, runtime.Delay(time.Hour))
			return 0, err
		})
		if err != nil {
			return 0, err
		}
		return 0, runtime.Sleep(ctx, 24*time.Hour)
	})
	return parent, child
}

// eventually waits for the counts of runs to be as said.
func eventually(tb testing.TB, r *served, is func([9]int64) bool) {
	tb.Helper()
	every := time.NewTicker(time.Millisecond)
	defer every.Stop()
	for end := time.Now().Add(time.Minute); !is(r.Health().Store.Runs); <-every.C {
		if time.Now().After(end) {
			tb.Fatalf("runs by status: %v", r.Health().Store.Runs)
		}
	}
}

// TestAllOfManyChildrenAreStopped: more than one batch of them.
func TestAllOfManyChildrenAreStopped(t *testing.T) {
	const n = 1200
	parent, child := sleepingFamily()
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, parent, child)
	h, err := parent.Start(r.ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, r, func(s [9]int64) bool { return s[store.Delayed] == n && s[store.Waiting] == 1 })
	if err := h.Cancel(r.ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, r, func(s [9]int64) bool { return s[store.Cancelled] == n+1 })
}
