package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// ending is a workflow that ends as it is told.
var ending = runtime.Define("ending", func(_ context.Context, fail bool) (int, error) {
	if fail {
		return 0, errors.New("told to fail")
	}
	return 1, nil
})

// looks counts how often a store is asked for what is to be deleted.
type looks struct {
	store.Store
	n atomic.Int64
}

func (l *looks) Expire(ctx context.Context, e store.Expiry) (store.Expired, error) {
	l.n.Add(1)
	return l.Store.Expire(ctx, e)
}

func gone(t *testing.T, r *served, id string) bool {
	t.Helper()
	_, err := r.Get(r.ctx, id)
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		t.Fatal(err)
	}
	return err != nil
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &looks{Store: openStore(t)}
		r := serveOn(t, s, runtime.Config{Logger: quiet, Retention: runtime.Retention{Succeeded: time.Hour, Failed: 48 * time.Hour}}, ending)
		time.Sleep(30 * 24 * time.Hour)
		if n := s.n.Load(); n != 2 {
			t.Errorf("%d looks while nothing had ended, want one at the start for each of two", n)
		}
		for id, fail := range map[string]bool{"succeeded": false, "failed": true} {
			if _, err := ending.Start(r.ctx, fail, runtime.ID(id)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := ending.Start(r.ctx, false, runtime.ID("cancelled"), runtime.Delay(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Cancel(r.ctx, "cancelled"); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			after             time.Duration
			succeeded, failed bool
		}{
			{59 * time.Minute, false, false},
			{3 * time.Minute, true, false},
			{46*time.Hour + 57*time.Minute, true, false},
			{3 * time.Minute, true, true},
		} {
			time.Sleep(c.after)
			if a, b := gone(t, r, "succeeded"), gone(t, r, "failed"); a != c.succeeded || b != c.failed {
				t.Errorf("after another %v: succeeded is gone: %t, failed: %t; want %t, %t", c.after, a, b, c.succeeded, c.failed)
			}
		}
		before := s.n.Load()
		time.Sleep(30 * 24 * time.Hour)
		if gone(t, r, "cancelled") {
			t.Error("a run that is to be kept for ever is gone")
		}
		if n := s.n.Load() - before; n > 0 {
			t.Errorf("%d looks with nothing left to wait for", n)
		}
	})
}

// TestRetentionLooksRarely: runs that end one after another go together.
func TestRetentionLooksRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &looks{Store: openStore(t)}
		r := serveOn(t, s, runtime.Config{Logger: quiet, Retention: runtime.Retention{Succeeded: time.Hour, Failed: time.Hour, Cancelled: time.Hour}}, ending)
		const n = 720
		for range n {
			if _, err := ending.Start(r.ctx, false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		// One hour is over for half of them, in some 60 looks at three statuses.
		stats, err := r.Stats(r.ctx)
		if kept := stats.Runs[store.Succeeded]; err != nil || kept < 359 || kept > 372 {
			t.Errorf("%d runs are kept, %v; want those of an hour", kept, err)
		}
		if looks := s.n.Load(); looks > 250 {
			t.Errorf("%d looks for %d ends", looks, n)
		}
	})
}

// TestRetentionHolds: what somebody still needs is not deleted.
func TestRetentionHolds(t *testing.T) {
	t.Run("a child while its parent lives", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) {
				got, err := ending.Call(ctx, false, runtime.ID("child"))
				if err != nil {
					return 0, err
				}
				return got, runtime.Sleep(ctx, 10*time.Hour)
			})
			s := &looks{Store: openStore(t)}
			r := serveOn(t, s, runtime.Config{Logger: quiet, Retention: runtime.Retention{Succeeded: 2 * time.Hour}}, parent, ending)
			if _, err := parent.Start(r.ctx, struct{}{}, runtime.ID("parent")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(9*time.Hour + 59*time.Minute)
			if gone(t, r, "child") {
				t.Error("the child is gone while its parent lives")
			}
			if n := s.n.Load(); n > 12 {
				t.Errorf("%d looks in ten hours at a run that has to stay", n)
			}
			time.Sleep(62 * time.Minute)
			if !gone(t, r, "child") {
				t.Error("the child is still there an hour after its parent's end")
			}
			if gone(t, r, "parent") {
				t.Error("the parent went with it")
			}
		})
	})
	t.Run("a traced run until its spans were sent", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := openStore(t)
			cfg := runtime.Config{Logger: quiet, Retention: runtime.Retention{Succeeded: time.Hour}, KeepUnsent: true,
				Sample: func([16]byte, *bool) bool { return true }}
			r := serveOn(t, s, cfg, ending)
			if _, err := ending.Start(r.ctx, false, runtime.ID("a")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(24 * time.Hour)
			if gone(t, r, "a") {
				t.Error("it is gone before its span was sent")
			}
			if err := s.SetCursor(r.ctx, "spans", s.Position()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(62 * time.Minute)
			if !gone(t, r, "a") {
				t.Error("it is still there an hour after its span was sent")
			}
		})
	})
}

// TestRetentionOverACrash kills the process at each write of the janitor: the
// next one goes on, and in the end all is gone that had to go.
func TestRetentionOverACrash(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = retainAt(t, at, persisted) })
			})
		}
	}
}

func retainAt(t *testing.T, at int, persisted bool) (crashed bool) {
	s := openStore(t)
	cfg := runtime.Config{Logger: quiet, Retention: runtime.Retention{Succeeded: time.Hour}}
	w := many(2)
	r := serveOn(t, s, cfg, w)
	var wg sync.WaitGroup
	for range 600 {
		wg.Go(func() {
			if _, err := w.Start(r.ctx, struct{}{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	time.Sleep(time.Minute)
	r.stop()

	m := newMortal(s, -1, persisted)
	r = serveOn(t, m, cfg, w)
	time.Sleep(time.Second)
	m.dieAt(at)
	time.Sleep(2 * time.Hour)
	select {
	case <-m.died:
		crashed = true
	default:
	}
	r.stop()

	r = serveOn(t, s, cfg, w)
	time.Sleep(time.Minute)
	runs, err := r.List(r.ctx, runtime.Filter{})
	if len(runs) > 0 || err != nil {
		t.Errorf("%d runs are left, %v", len(runs), err)
	}
	for seq := range int64(600) {
		if steps, err := s.Load(r.ctx, seq+1); len(steps) > 0 || err != nil {
			t.Fatalf("%d rows of run %d are left, %v", len(steps), seq+1, err)
		}
	}
	return crashed
}

func TestRetentionConfig(t *testing.T) {
	_, err := runtime.New(openStore(t), runtime.Config{Retention: runtime.Retention{Failed: -1}})
	if want := "runtime config: Retention.Failed is -1ns: want more than 0, or 0 for ever"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
