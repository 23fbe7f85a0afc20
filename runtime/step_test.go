package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// once defines a workflow of one name and function, typed by its function.
func once[Out any](fn func(context.Context) (Out, error)) *runtime.Workflow[struct{}, Out] {
	return runtime.Define("once", func(ctx context.Context, _ struct{}) (Out, error) { return fn(ctx) })
}

func TestStepGivesWhatTheCodecKept(t *testing.T) {
	type value struct {
		Kept    int
		dropped int
	}
	w := once(func(ctx context.Context) (int, error) {
		v, err := runtime.Step(ctx, "make", func(context.Context) (value, error) { return value{1, 2}, nil })
		return v.Kept*10 + v.dropped, err
	})
	got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
	if err != nil || got != 10 {
		t.Fatalf("got %d, %v; want 10: a value must make the round trip live as well", got, err)
	}
}

var errSoldOut = errors.New("sold out")

func init() { runtime.RegisterError("sold_out", errSoldOut) }

func TestStepErrorIsItsRecordedForm(t *testing.T) {
	other := errors.New("not registered")
	w := once(func(ctx context.Context) (string, error) {
		_, err := runtime.Step(ctx, "buy", func(context.Context) (int, error) {
			return 0, fmt.Errorf("buy: %w and %w", errSoldOut, other)
		})
		se, ok := errors.AsType[*runtime.StepError](err)
		if !ok {
			return "", fmt.Errorf("got %T, want a StepError", err)
		}
		return fmt.Sprintln(errors.Is(err, errSoldOut), errors.Is(err, other), se.Step, se.Path, se.Attempts), nil
	})
	got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
	if want := "true false buy 0 1\n"; err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func TestRetryWaitsAndCountsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Duration
		begin := time.Now()
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "flaky", func(context.Context) (int, error) {
				tries = append(tries, time.Since(begin).Round(time.Millisecond))
				if len(tries) < 4 {
					return 0, errors.New("not yet")
				}
				return 7, nil
			}, runtime.Retry{Max: 5, Initial: time.Minute, Factor: 3, MaxDelay: 4 * time.Minute})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != 7 {
			t.Fatalf("got %d, %v", got, err)
		}
		if got, want := fmt.Sprint(tries), "[0s 1m0s 4m0s 8m0s]"; got != want {
			t.Errorf("attempts at %s, want %s", got, want)
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil || len(steps) != 4 {
			t.Fatalf("%d rows of history, %v; want one per attempt", len(steps), err)
		}
		for i, s := range steps {
			if s.Attempt != i+1 || (s.Status == store.StepRetrying) != (i < 3) {
				t.Errorf("row %d is attempt %d, %s", i, s.Attempt, s.Status)
			}
		}
	})
}

func TestWhatIsNotRetried(t *testing.T) {
	always := runtime.Retry{Max: 3, Initial: time.Millisecond}
	only := always
	only.If = func(err error) bool { return errors.Is(err, errSoldOut) }
	for name, c := range map[string]struct {
		err  error
		opts []runtime.StepOption
		want int32
	}{
		"without Retry":  {errors.New("x"), nil, 1},
		"Permanent":      {runtime.Permanent(errors.New("x")), []runtime.StepOption{always}, 1},
		"If says no":     {errors.New("x"), []runtime.StepOption{only}, 1},
		"If says yes":    {errSoldOut, []runtime.StepOption{only}, 3},
		"until Max":      {errors.New("x"), []runtime.StepOption{always}, 3},
		"wrapped deeply": {fmt.Errorf("y: %w", runtime.Permanent(errSoldOut)), []runtime.StepOption{always}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int32
				w := once(func(ctx context.Context) (int, error) {
					return runtime.Step(ctx, "s", func(context.Context) (int, error) { n.Add(1); return 0, c.err }, c.opts...)
				})
				if _, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err == nil {
					t.Fatal("no error")
				}
				if n.Load() != c.want {
					t.Fatalf("%d attempts, want %d", n.Load(), c.want)
				}
			})
		})
	}
}

func TestTimeoutEndsOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n int
		w := once(func(ctx context.Context) (int, error) {
			v, err := runtime.Step(ctx, "slow", func(ctx context.Context) (int, error) {
				if n++; n < 3 {
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return 5, nil
			}, runtime.Timeout(time.Second), runtime.Retry{Max: 2, Initial: time.Second})
			if !errors.Is(err, runtime.ErrTimeout) {
				return 0, fmt.Errorf("got %v, want ErrTimeout", err)
			}
			return v + n, nil
		})
		if got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err != nil || got != 2 {
			t.Fatalf("got %d, %v; want 2 attempts", got, err)
		}
	})
}

func TestStepThatPanicsOrExitsFails(t *testing.T) {
	for name, fn := range map[string]func(){
		"panic":  func() { panic("boom") },
		"Goexit": func() { exit() },
	} {
		t.Run(name, func(t *testing.T) {
			w := once(func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "s", func(context.Context) (int, error) { fn(); return 1, nil })
			})
			_, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
			if re, ok := errors.AsType[*runtime.RunError](err); !ok || re.Status != store.Failed {
				t.Fatalf("got %v, want a failed run", err)
			}
		})
	}
}

func TestWorkflowThatPanicsOrExitsFails(t *testing.T) {
	for name, fn := range map[string]func(){
		"panic":  func() { panic("boom") },
		"Goexit": func() { exit() },
	} {
		t.Run(name, func(t *testing.T) {
			w := once(func(ctx context.Context) (int, error) { fn(); return 1, nil })
			_, err := w.Call(serve(t, runtime.Config{}, w), struct{}{})
			if re, ok := errors.AsType[*runtime.RunError](err); !ok || re.Status != store.Failed {
				t.Fatalf("got %v, want a failed run", err)
			}
		})
	}
}

func TestTooLargeIsRefusedAndSaysHowLarge(t *testing.T) {
	w := runtime.Define("echo", func(ctx context.Context, s string) (string, error) {
		return runtime.Step(ctx, "grow", func(context.Context) (string, error) { return strings.Repeat(s, 100), nil })
	})
	ctx := serve(t, runtime.Config{MaxPayload: 50}, w)
	if _, err := w.Start(ctx, strings.Repeat("x", 60)); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), "at most 50") {
		t.Errorf("input: got %v", err)
	}
	if _, err := w.Call(ctx, "x"); err == nil || !strings.Contains(err.Error(), "102 bytes, at most 50") {
		t.Errorf("step output: got %v", err)
	}
}

func TestMistakenOptionsAreNamed(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil }, runtime.Timeout(-time.Second))
	})
	if _, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err == nil || !strings.Contains(err.Error(), "Timeout(-1s): want more than 0") {
		t.Fatalf("got %v", err)
	}
}

func TestOutsideARunStepsCallThrough(t *testing.T) {
	ctx := context.Background()
	v, err := runtime.Step(ctx, "s", func(context.Context) (int, error) { return 3, errSoldOut })
	if v != 3 || err != errSoldOut {
		t.Errorf("Step: %d, %v", v, err)
	}
	if err := runtime.Sleep(ctx, time.Microsecond); err != nil {
		t.Errorf("Sleep: %v", err)
	}
	if _, err := runtime.Select(ctx); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("Select: %v", err)
	}
	if outs, err := runtime.Map(ctx, []int{1, 2}, 1, func(_ context.Context, i int) (int, error) { return i * 2, nil }); err != nil || outs[1] != 4 {
		t.Errorf("Map: %v, %v", outs, err)
	}
	if v, err := runtime.Go(ctx, func(context.Context) (int, error) { return 9, nil }).Wait(ctx); v != 9 || err != nil {
		t.Errorf("Go: %d, %v", v, err)
	}
	if _, err := once(func(context.Context) (int, error) { return 0, nil }).Start(ctx, struct{}{}); !errors.Is(err, runtime.ErrNoRuntime) {
		t.Errorf("Start: %v", err)
	}
}

func TestASecondGoroutineOnABranchIsAnError(t *testing.T) {
	w := once(func(ctx context.Context) (bool, error) {
		inside, second := make(chan struct{}), make(chan error, 1)
		go func() {
			<-inside
			_, err := runtime.Step(ctx, "b", func(context.Context) (int, error) { return 0, nil })
			second <- err
		}()
		var got error
		_, err := runtime.Step(ctx, "a", func(context.Context) (int, error) {
			close(inside)
			got = <-second
			return 0, nil
		})
		return errors.Is(got, runtime.ErrBranchBusy), err
	})
	if ok, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}); err != nil || !ok {
		t.Fatalf("got %t, %v; want ErrBranchBusy", ok, err)
	}
}
