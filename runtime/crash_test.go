package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

var quiet = slog.New(slog.DiscardHandler)

// effects counts what steps did to the world outside.
type effects struct {
	mu sync.Mutex
	n  map[string]int
}

func (e *effects) on(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n == nil {
		e.n = map[string]int{}
	}
	e.n[name]++
	return e.n[name]
}

func (e *effects) all() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.n)
}

// everything uses every durable point there is.
func everything(eff *effects) (parent, child *runtime.Workflow[string, string]) {
	step := func(ctx context.Context, name string, opts ...runtime.StepOption) (string, error) {
		return runtime.Step(ctx, name, func(context.Context) (string, error) { eff.on(name); return name, nil }, opts...)
	}
	child = runtime.Define("child", func(ctx context.Context, in string) (string, error) {
		got, err := step(ctx, "in child")
		return in + " " + got, err
	})
	parent = runtime.Define("everything", func(ctx context.Context, in string) (string, error) {
		id, err := runtime.NewID(ctx)
		if err != nil {
			return "", err
		}
		at, err := runtime.Now(ctx)
		if err != nil {
			return "", err
		}
		// The id and the time are now what they were: a step told them apart.
		same, err := runtime.Step(ctx, "same", func(context.Context) (string, error) { return id + at.String(), nil })
		if err != nil {
			return "", err
		}
		flaky, err := runtime.Step(ctx, "flaky", func(context.Context) (int, error) {
			if eff.on("flaky") == 1 {
				return 0, errors.New("not yet")
			}
			return 1, nil
		}, runtime.Retry{Max: 4, Initial: 10 * time.Second})
		if err != nil {
			return "", err
		}
		slow := runtime.Go(ctx, func(ctx context.Context) (string, error) {
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			return step(ctx, "slow branch")
		})
		fast := runtime.Go(ctx, func(ctx context.Context) (string, error) { return step(ctx, "fast branch") })
		first, err := runtime.Select(ctx, slow, fast)
		if err != nil {
			return "", err
		}
		items, err := runtime.Map(ctx, []string{"a", "b", "c"}, 2, func(ctx context.Context, item string) (string, error) {
			if err := runtime.Sleep(ctx, time.Minute); err != nil {
				return "", err
			}
			return step(ctx, "item "+item)
		})
		if err != nil {
			return "", err
		}
		late, err := slow.Wait(ctx)
		if err != nil {
			return "", err
		}
		c, err := child.Call(ctx, "child of "+in)
		if err != nil {
			return "", err
		}
		if same != id+at.String() {
			return "", errors.New("an id or a time changed")
		}
		return fmt.Sprintln(in, flaky, first, items, late, c), nil
	})
	return parent, child
}

// TestCrashAtEveryWrite kills the process at each of its writes, before and
// after that is committed, and starts another: the outcome is the same, and no
// step that was recorded ran again.
func TestCrashAtEveryWrite(t *testing.T) {
	const want = "x 1 1 [item a item b item c] slow branch child of x in child\n"
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashAt(t, at, persisted, want) })
			})
		}
	}
}

// crashAt reports whether the crash came before the run had ended.
func crashAt(t *testing.T, at int, persisted bool, want string) bool {
	s, eff := openStore(t), &effects{}
	parent, child := everything(eff)
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, parent, child)
	ended := make(chan struct{})
	if h, err := parent.Start(r.ctx, "x", runtime.ID("one")); err == nil {
		ctx := r.ctx
		go func() { defer close(ended); h.Result(ctx) }()
	}
	crashed := true
	select {
	case <-ended:
		crashed = false
	case <-m.died:
	}
	r.stop()
	recorded, before := completed(t, s), eff.all()

	r = serveOn(t, s, runtime.Config{Logger: quiet}, parent, child)
	h, err := parent.Start(r.ctx, "x", runtime.ID("one"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Result(r.ctx)
	if err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
	after := eff.all()
	for name, n := range after {
		if recorded[name] && n != before[name] {
			t.Errorf("step %q ran %d times, %d of them after it was recorded", name, n, n-before[name])
		}
		if n > 2 && name != "flaky" || n > 3 {
			t.Errorf("step %q ran %d times over one crash", name, n)
		}
	}
	if len(after) != 7 {
		t.Errorf("effects %v, want 7", after)
	}
	return crashed
}

// completed holds the names of the steps that are recorded as succeeded.
func completed(t *testing.T, s store.Store) map[string]bool {
	names := map[string]bool{}
	runs, err := s.List(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		steps, err := s.Load(context.Background(), run.Seq)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range steps {
			if row.Status == store.StepSucceeded {
				names[row.Name] = true
			}
		}
	}
	return names
}
