package runtime_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// refundable charges, sleeps, and is broken in between by a change of its code.
func refundable(l *lines, broken *atomic.Bool) *runtime.Workflow[struct{}, int] {
	return once(func(ctx context.Context) (int, error) {
		if broken.Load() {
			return 0, runtime.Sleep(ctx, time.Second)
		}
		err := runtime.Compensate(ctx, "refund", func(context.Context) error { l.add("refund"); return nil })
		if err != nil {
			return 0, err
		}
		_, err = runtime.Step(ctx, "charge", func(context.Context) (int, error) { l.add("charge"); return 0, nil })
		if err != nil {
			return 0, err
		}
		return 0, runtime.Sleep(ctx, time.Hour)
	})
}

// TestCancelOfAStuckRun: it is refused, for nothing would be undone; resumed and
// cancelled the run is compensated, and told to it ends without.
func TestCancelOfAStuckRun(t *testing.T) {
	for name, without := range map[string]bool{"mended": false, "without compensations": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, broken := &lines{}, &atomic.Bool{}
				w := refundable(l, broken)
				r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
				h, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"))
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				broken.Store(true)
				time.Sleep(2 * time.Hour)
				for range 2 {
					err = h.Cancel(r.ctx)
					if run, _ := r.Get(r.ctx, "one"); !errors.Is(err, runtime.ErrConflict) || !strings.Contains(err.Error(), "run one is stuck, so its code cannot run") || run.Status != store.Stuck {
						t.Fatalf("cancelled while it is %s: %v", run.Status, err)
					}
				}
				for _, f := range []runtime.Filter{{Statuses: []store.Status{store.Stuck}}, {Statuses: []store.Status{store.Running, store.Stuck}}} {
					if n, err := r.CancelAll(r.ctx, f, runtime.Bulk{}); !errors.Is(err, runtime.ErrInvalid) || n.Changed > 0 {
						t.Errorf("cancelled with others: %+v, %v", n, err)
					}
				}
				if n, err := r.CancelAll(r.ctx, runtime.Filter{}, runtime.Bulk{All: true}); err != nil || n.Matched > 0 {
					t.Errorf("cancelled with all: %+v, %v", n, err)
				}
				want := "charge; refund"
				if without {
					want = "charge"
					n, err := r.CancelAll(r.ctx, runtime.Filter{Statuses: []store.Status{store.Stuck}}, runtime.Bulk{WithoutCompensations: true})
					if err != nil || n.Changed != 1 {
						t.Fatalf("%+v, %v", n, err)
					}
				} else {
					broken.Store(false)
					if _, err := r.Resume(r.ctx, "one"); err != nil {
						t.Fatal(err)
					}
					if err := h.Cancel(r.ctx); err != nil {
						t.Fatal(err)
					}
				}
				run, err := r.Wait(r.ctx, "one")
				if got := l.text(); err != nil || run.Status != store.Cancelled || got != want {
					t.Errorf("it ended %s, %v, having done %s; want %s", run.Status, err, got, want)
				}
			})
		})
	}
}
