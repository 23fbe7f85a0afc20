package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func TestTheLastValueOfAnEventCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			for i := range 3 {
				if err := runtime.Sleep(ctx, time.Hour); err != nil {
					return 0, err
				}
				if err := runtime.SetEvent(ctx, "done", i); err != nil {
					return 0, err
				}
			}
			return 0, nil
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		want := func(timeout time.Duration, n int, wantErr error) {
			t.Helper()
			if got, err := runtime.GetEvent[int](r.ctx, h.ID(), "done", timeout); got != n || !errors.Is(err, wantErr) {
				t.Errorf("got %d, %v; want %d, %v", got, err, n, wantErr)
			}
		}
		want(0, 0, runtime.ErrTimeout)
		begin := time.Now()
		want(time.Minute, 0, runtime.ErrTimeout)
		if d := time.Since(begin); d != time.Minute {
			t.Errorf("timed out after %v", d)
		}
		want(2*time.Hour, 0, nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		want(0, 1, nil)
		if _, err := h.Result(r.ctx); err != nil {
			t.Fatal(err)
		}
		want(0, 2, nil)
		if _, err := runtime.GetEvent[int](r.ctx, h.ID(), "other", runtime.Forever); !errors.Is(err, runtime.ErrConflict) {
			t.Errorf("an event that never comes: %v", err)
		}
		if _, err := runtime.GetEvent[int](r.ctx, "none", "done", runtime.Forever); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("an event of no run: %v", err)
		}
		if _, err := runtime.GetEvent[bool](r.ctx, h.ID(), "done", 0); err == nil || !strings.Contains(err.Error(), "does not fit bool") {
			t.Errorf("an event of another type: %v", err)
		}
		for _, key := range []string{"", "$update", "a/b"} {
			if _, err := runtime.GetEvent[int](r.ctx, h.ID(), key, 0); !errors.Is(err, runtime.ErrInvalid) {
				t.Errorf("key %q: %v", key, err)
			}
		}
		if err := runtime.SetEvent(r.ctx, "done", 1); !errors.Is(err, runtime.ErrNotInRun) {
			t.Errorf("set outside a run: %v", err)
		}
	})
}

// watching is a run that follows another: its event, that it never sets a
// second, and its result.
func watching() (watcher, target *runtime.Workflow[struct{}, string]) {
	target = runtime.Define("target", func(ctx context.Context, _ struct{}) (string, error) {
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return "", err
		}
		if err := runtime.SetEvent(ctx, "half", "half way"); err != nil {
			return "", err
		}
		return "there", runtime.Sleep(ctx, time.Hour)
	})
	watcher = runtime.Define("watcher", func(ctx context.Context, _ struct{}) (string, error) {
		if _, err := runtime.GetEvent[string](ctx, "target", "half", time.Minute); !errors.Is(err, runtime.ErrTimeout) {
			return "", fmt.Errorf("want a timeout, got %w", err)
		}
		half, err := runtime.GetEvent[string](ctx, "target", "half", runtime.Forever)
		if err != nil {
			return "", err
		}
		h, err := target.Handle(ctx, "target")
		if err != nil {
			return "", err
		}
		result, err := h.Result(ctx)
		if err != nil {
			return "", err
		}
		if _, err := runtime.GetEvent[string](ctx, "target", "all", runtime.Forever); !errors.Is(err, runtime.ErrConflict) {
			return "", fmt.Errorf("want a conflict, got %w", err)
		}
		if _, err := runtime.GetEvent[string](ctx, "nobody", "all", runtime.Forever); !errors.Is(err, runtime.ErrNotFound) {
			return "", fmt.Errorf("want not found, got %w", err)
		}
		return half + ", " + result, nil
	})
	return watcher, target
}

// TestARunThatWatchesAnotherLeavesMemory, for an event and for the result of one
// that is not its child.
func TestARunThatWatchesAnotherLeavesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watcher, target := watching()
		r := serveOn(t, openStore(t), runtime.Config{}, watcher, target)
		if _, err := target.Start(r.ctx, struct{}{}, runtime.ID("target")); err != nil {
			t.Fatal(err)
		}
		h, err := watcher.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // before the event, and before the end
			time.Sleep(45 * time.Minute)
			settle(t, r)
			if s, err := h.Status(r.ctx); err != nil || s != store.Waiting {
				t.Errorf("the watcher is %v, %v", s, err)
			}
		}
		if got, err := h.Result(r.ctx); err != nil || got != "half way, there" {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

// TestCrashWhileARunWatchesAnother kills the process at each of its writes.
func TestCrashWhileARunWatchesAnother(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		watcher, target := watching()
		both := runtime.Define("both", func(ctx context.Context, _ struct{}) (string, error) {
			if _, err := target.Start(ctx, struct{}{}, runtime.ID("target")); err != nil {
				return "", err
			}
			// Not a child of the watcher's.
			return watcher.Call(ctx, struct{}{})
		})
		crashTwice(t, kill, both, struct{}{}, "half way, there", both, watcher, target)
	})
}
