package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// lines is a log that several goroutines write.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.list, "; ")
}

type tenantKey struct{}

// logged writes what a middleware sees, and adds a value.
func logged(l *lines, name string) runtime.Middleware {
	wrap := func(ctx context.Context, next func(context.Context) error) error {
		place, ok := runtime.Current(ctx)
		at := fmt.Sprint(name, " ", place.Workflow, "/", place.Step, " ", place.Attempt)
		if !ok {
			at += " outside"
		}
		l.add(at)
		outer, _ := ctx.Value(tenantKey{}).(string)
		err := next(context.WithValue(ctx, tenantKey{}, outer+name))
		l.add(at, "=", err)
		return err
	}
	return runtime.Middleware{Run: wrap, Step: wrap}
}

func TestMiddlewareWrapsRunsAndAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, n := &lines{}, 0
		w := once(func(ctx context.Context) (string, error) {
			tenant, _ := ctx.Value(tenantKey{}).(string)
			return runtime.Step(ctx, "s", func(ctx context.Context) (string, error) {
				if n++; n == 1 {
					return "", errors.New("not yet")
				}
				inner, _ := ctx.Value(tenantKey{}).(string)
				return tenant + " " + inner, nil
			}, runtime.Retry{Max: 2, Initial: time.Millisecond})
		})
		ctx := serve(t, runtime.Config{Logger: quiet}, w, logged(l, "a"), logged(l, "b"))
		// Values of the run's middleware reach the steps.
		if got, err := w.Call(ctx, struct{}{}); err != nil || got != "ab abab" {
			t.Errorf("got %q, %v", got, err)
		}
		want := "a once/ 0; b once/ 0; " +
			"a once/s 1; b once/s 1; b once/s 1 = not yet; a once/s 1 = not yet; " +
			"a once/s 2; b once/s 2; b once/s 2 = <nil>; a once/s 2 = <nil>; " +
			"b once/ 0 = <nil>; a once/ 0 = <nil>"
		if got := l.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestMiddlewareSeesNoReplayedStep also shows that what follows next is reached
// once, however often the run is loaded anew.
func TestMiddlewareSeesNoReplayedStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lines{}
		w := once(func(ctx context.Context) (int, error) {
			for range 2 {
				if _, err := runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil }); err != nil {
					return 0, err
				}
				if err := runtime.Sleep(ctx, time.Hour); err != nil {
					return 0, err
				}
			}
			return 1, nil
		})
		if _, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w, logged(l, "a")), struct{}{}); err != nil {
			t.Fatal(err)
		}
		want := "a once/ 0; a once/s 1; a once/s 1 = <nil>; a once/ 0; a once/s 1; a once/s 1 = <nil>; a once/ 0; a once/ 0 = <nil>"
		if got := l.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestMiddlewareDecidesTheError(t *testing.T) {
	type wrap = func(context.Context, func(context.Context) error) error
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		wrap wrap
		fn   error // of the code inside
		want string
	}{
		"replaced": {func(ctx context.Context, next func(context.Context) error) error {
			return fmt.Errorf("outer: %w", next(ctx))
		}, boom, "outer: boom"},
		"refused":     {func(context.Context, func(context.Context) error) error { return boom }, nil, "boom"},
		"swallowed":   {func(ctx context.Context, next func(context.Context) error) error { next(ctx); return nil }, boom, "boom"},
		"not called":  {func(context.Context, func(context.Context) error) error { return nil }, nil, "without calling next"},
		"a stranger":  {func(_ context.Context, next func(context.Context) error) error { return next(context.Background()) }, nil, "not made from its own"},
		"twice":       {func(ctx context.Context, next func(context.Context) error) error { next(ctx); return next(ctx) }, nil, "called next twice"},
		"a panic":     {func(context.Context, func(context.Context) error) error { panic("boom") }, nil, "panic: boom"},
		"after a fix": {func(ctx context.Context, next func(context.Context) error) error { next(ctx); return boom }, nil, "boom"},
	} {
		t.Run("of a step/"+name, func(t *testing.T) {
			w := once(func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, c.fn })
			})
			_, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w, runtime.Middleware{Step: c.wrap}), struct{}{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `step "s" failed at attempt 1`) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
		t.Run("of a run/"+name, func(t *testing.T) {
			w := once(func(context.Context) (int, error) { return 1, c.fn })
			_, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w, runtime.Middleware{Run: c.wrap}), struct{}{})
			if re, ok := errors.AsType[*runtime.RunError](err); !ok || re.Status != store.Failed || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a failed run with %q", err, c.want)
			}
		})
	}
}

func TestMiddlewareSeesPanics(t *testing.T) {
	seen := make(chan *runtime.PanicError, 2)
	wrap := func(ctx context.Context, next func(context.Context) error) error {
		err := next(ctx)
		if pe, ok := errors.AsType[*runtime.PanicError](err); ok {
			seen <- pe
		}
		return err
	}
	for name, w := range map[string]*runtime.Workflow[struct{}, int]{
		"run": once(func(context.Context) (int, error) { panic("boom") }),
		"step": once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(context.Context) (int, error) { panic("boom") })
		}),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := serve(t, runtime.Config{Logger: quiet}, w, runtime.Middleware{Run: wrap, Step: wrap})
			if _, err := w.Call(ctx, struct{}{}); err == nil {
				t.Fatal("no error")
			}
			if pe := <-seen; pe.Value != "boom" || !strings.Contains(pe.Stack, "middleware_test.go") {
				t.Errorf("got %v with the stack\n%s", pe.Value, pe.Stack)
			}
		})
	}
}

func TestMiddlewareThatWrapsNothingIsRefused(t *testing.T) {
	if _, err := runtime.New(openStore(t), runtime.Config{}, runtime.Middleware{}); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
