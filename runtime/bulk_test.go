package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// startMany begins n delayed runs with a label, named by it and a number.
func startMany(t *testing.T, ctx context.Context, w *runtime.Workflow[struct{}, int], n int, label string) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, err := w.Start(ctx, struct{}{}, runtime.ID(fmt.Sprint(label, i)), runtime.Delay(time.Hour), runtime.Labels(map[string]string{"set": label}))
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func labelled(v string) runtime.Filter { return runtime.Filter{Labels: map[string]string{"set": v}} }

func TestBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(context.Context) (int, error) { return 1, nil })
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		startMany(t, r.ctx, w, 300, "a")
		startMany(t, r.ctx, w, 20, "b")
		want := func(what string, got runtime.BulkCount, err error, matched, changed, skipped int) {
			t.Helper()
			got.Next = 0
			if want := (runtime.BulkCount{Matched: matched, Changed: changed, Skipped: skipped}); got != want || err != nil {
				t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
			}
		}
		count := func(st store.Status, label string) int {
			t.Helper()
			runs, err := runtime.List(r.ctx, runtime.Filter{Statuses: []store.Status{st}, Labels: labelled(label).Labels, Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			return len(runs)
		}

		var told []int
		progress := func(n runtime.BulkCount) { told = append(told, n.Matched) }
		got, err := runtime.CancelAll(r.ctx, labelled("a"), runtime.Bulk{DryRun: true, Progress: progress})
		want("dry run", got, err, 300, 0, 0)
		if fmt.Sprint(told) != "[128 256 300]" {
			t.Errorf("progress %v", told)
		}
		if n := count(store.Delayed, "a"); n != 300 {
			t.Fatalf("a dry run left %d", n)
		}
		got, err = runtime.CancelAll(r.ctx, labelled("a"), runtime.Bulk{})
		want("cancel", got, err, 300, 300, 0)
		if a, b := count(store.Cancelled, "a"), count(store.Delayed, "b"); a != 300 || b != 20 {
			t.Errorf("%d cancelled, %d of the others left", a, b)
		}
		got, err = runtime.CancelAll(r.ctx, labelled("a"), runtime.Bulk{})
		want("cancel again", got, err, 0, 0, 0)

		got, err = runtime.ResumeAll(r.ctx, labelled("a"), runtime.Bulk{})
		want("resume without a status", got, err, 0, 0, 0)
		f := labelled("a")
		f.Statuses, f.Limit = []store.Status{store.Cancelled}, 100
		for i := range 3 {
			got, err = runtime.ResumeAll(r.ctx, f, runtime.Bulk{})
			want("resume", got, err, 100, 100, 0)
			if i < 2 && got.Next == 0 {
				t.Errorf("part %d says that it is the last", i)
			}
			f.Before = got.Next
		}
		time.Sleep(time.Minute)
		if n := count(store.Succeeded, "a"); n != 300 {
			t.Errorf("%d of the resumed succeeded", n)
		}
		got, err = runtime.DeleteAll(r.ctx, runtime.Filter{}, runtime.Bulk{All: true})
		want("delete", got, err, 300, 300, 0)
		if n := count(store.Delayed, "b"); n != 20 {
			t.Errorf("%d of the others left", n)
		}
	})
}

// TestBulkSkips: what can not be changed is counted and left.
func TestBulkSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := runtime.Define("child", func(context.Context, struct{}) (int, error) { return 7, nil })
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (int, error) {
			for range 3 {
				if _, err := child.Call(ctx, struct{}{}); err != nil {
					return 0, err
				}
			}
			return 0, runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, parent, child)
		if _, err := parent.Start(r.ctx, struct{}{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		got, err := runtime.DeleteAll(r.ctx, runtime.Filter{Workflow: "child"}, runtime.Bulk{})
		if want := (runtime.BulkCount{Matched: 3, Skipped: 3}); got != want || err != nil {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}

func TestBulkRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(context.Context) (int, error) { return 1, nil })
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		startMany(t, r.ctx, w, 3, "a")
		statuses := func(s ...store.Status) runtime.Filter { return runtime.Filter{Statuses: s} }
		type bulk = func(context.Context, runtime.Filter, runtime.Bulk) (runtime.BulkCount, error)
		for name, c := range map[string]struct {
			do bulk
			f  runtime.Filter
		}{
			"cancel everything":  {runtime.CancelAll, runtime.Filter{}},
			"resume everything":  {runtime.ResumeAll, runtime.Filter{Limit: 5}},
			"delete everything":  {runtime.DeleteAll, runtime.Filter{Before: 5}},
			"cancel what ended":  {runtime.CancelAll, statuses(store.Delayed, store.Failed)},
			"resume what failed": {runtime.ResumeAll, statuses(store.Failed)},
			"delete what lives":  {runtime.DeleteAll, statuses(store.Stuck)},
		} {
			if n, err := c.do(r.ctx, c.f, runtime.Bulk{}); !errors.Is(err, runtime.ErrInvalid) || n != (runtime.BulkCount{}) {
				t.Errorf("%s: %+v, %v; want ErrInvalid", name, n, err)
			}
		}
		if _, err := runtime.CancelAll(context.Background(), labelled("a"), runtime.Bulk{}); !errors.Is(err, runtime.ErrNoRuntime) {
			t.Errorf("without a runtime: %v", err)
		}
		ctx, cancel := context.WithCancel(r.ctx)
		cancel()
		if _, err := runtime.CancelAll(ctx, labelled("a"), runtime.Bulk{}); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that has ended: %v", err)
		}
		runs, err := r.List(r.ctx, statuses(store.Delayed))
		if len(runs) != 3 || err != nil {
			t.Errorf("%d runs are as they were, %v; want 3", len(runs), err)
		}
	})
}

// TestBulkOverACrash: what a bulk call had done when the process died is done,
// and the same call again does the rest.
func TestBulkOverACrash(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for _, at := range []int{1, 2, 100, 150, 299, 300} {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := openStore(t)
					w := once(func(context.Context) (int, error) { return 1, nil })
					r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
					startMany(t, r.ctx, w, 300, "a")
					r.stop()
					m := newMortal(s, -1, persisted)
					r = serveOn(t, m, runtime.Config{Logger: quiet}, w)
					time.Sleep(time.Second)
					m.dieAt(at)
					got, err := r.CancelAll(r.ctx, labelled("a"), runtime.Bulk{})
					if err == nil {
						t.Fatal("the process did not die")
					}
					r.stop()
					r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
					rest, err := r.CancelAll(r.ctx, labelled("a"), runtime.Bulk{})
					if n := got.Changed + rest.Changed; err != nil || n != 300 && !(persisted && n == 299) {
						t.Errorf("%+v, then %+v, %v; want 300 together", got, rest, err)
					}
				})
			})
		}
	}
}
