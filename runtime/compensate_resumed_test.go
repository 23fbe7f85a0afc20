package runtime_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// TestARunResumedAndCancelledInLineIsCompensated cancels a run that was stuck
// and stands in a queue again which gives no places.
func TestARunResumedAndCancelledInLineIsCompensated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lines{}
		var broken atomic.Bool
		q := runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1})
		w := once(func(ctx context.Context) (int, error) {
			if broken.Load() {
				return 0, runtime.Sleep(ctx, time.Second)
			}
			err := runtime.Compensate(ctx, "undo", func(context.Context) error { l.add("undo"); return nil })
			if err != nil {
				return 0, err
			}
			_, err = runtime.Step(ctx, "do", func(context.Context) (int, error) { l.add("do"); return 0, nil })
			if err != nil {
				return 0, err
			}
			return 0, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, q, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.OnQueue(q))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // it has left memory
		broken.Store(true)
		time.Sleep(2 * time.Hour)
		if status, err := h.Status(r.ctx); err != nil || status != store.Stuck {
			t.Fatalf("it is %s, %v; want it stuck", status, err)
		}
		broken.Store(false)
		if err := r.PauseQueue(r.ctx, "q"); err != nil {
			t.Fatal(err)
		}
		if err := runtime.Resume(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		run, err := r.Wait(r.ctx, h.ID())
		if got := l.text(); err != nil || run.Status != store.Cancelled || got != "do; undo" {
			t.Errorf("it ended %s, %v, having done %s", run.Status, err, got)
		}
	})
}
