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

func send(t *testing.T, ctx context.Context, id, topic string, v any, opts ...runtime.SendOption) {
	t.Helper()
	if err := runtime.Send(ctx, id, topic, v, opts...); err != nil {
		t.Fatal(err)
	}
}

// settle lets whatever is under way come to rest; what waits has left memory.
func settle(t *testing.T, r *served) {
	t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	if n := r.Health().Loaded; n != 0 {
		t.Fatalf("%d runs are in memory, want none: all wait", n)
	}
}

func TestMessagesComeInOrderEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (out []int, err error) {
			for range 4 {
				n, err := runtime.Receive[int](ctx, "n", runtime.Forever)
				if err != nil {
					return nil, err
				}
				out = append(out, n)
			}
			return out, nil
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.Message("n", 1))
		if err != nil {
			t.Fatal(err)
		}
		settle(t, r) // it waits for the second
		send(t, r.ctx, h.ID(), "n", 2, runtime.MessageKey("two"))
		send(t, r.ctx, h.ID(), "n", 2, runtime.MessageKey("two"))
		send(t, r.ctx, h.ID(), "other", 9)
		send(t, r.ctx, h.ID(), "n", 3)
		settle(t, r)
		send(t, r.ctx, h.ID(), "n", 4)
		if got, err := h.Result(r.ctx); err != nil || fmt.Sprint(got) != "[1 2 3 4]" {
			t.Fatalf("got %v, %v", got, err)
		}
	})
}

// TestATimeoutIsRecorded looks at it live and after a restart: it is the same,
// though a message has come since.
func TestATimeoutIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		w := once(func(ctx context.Context) (string, error) {
			begun := time.Now()
			_, err := runtime.Receive[string](ctx, "t", time.Hour)
			if !errors.Is(err, runtime.ErrTimeout) {
				return "", fmt.Errorf("want a timeout, got %w", err)
			}
			if _, err := runtime.Receive[string](ctx, "t", 0); !errors.Is(err, runtime.ErrTimeout) {
				return "", fmt.Errorf("without waiting: want a timeout, got %w", err)
			}
			seen = append(seen, fmt.Sprint(err, time.Since(begun) > time.Minute))
			return runtime.Receive[string](ctx, "t", runtime.Forever)
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		r.stop() // amid the wait: the restart neither shortens nor prolongs it
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		time.Sleep(30*time.Minute + time.Second)
		run, err := r.Get(r.ctx, h.ID())
		if err != nil || run.Status != store.Waiting || !run.WakeAt.IsZero() {
			t.Fatalf("run is %s until %v, %v; want it to wait for the third message", run.Status, run.WakeAt, err)
		}
		send(t, r.ctx, h.ID(), "t", "late")
		if run, err = r.Wait(r.ctx, h.ID()); err != nil || string(run.Output) != `"late"` {
			t.Fatalf("got %s, %v", run.Output, err)
		}
		if len(seen) < 2 || seen[0] != strings.Replace(seen[len(seen)-1], "false", "true", 1) && seen[0] != seen[len(seen)-1] {
			t.Errorf("live and in replay: %q", seen)
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil || len(steps) != 5 || steps[1].Status != store.StepFailed || steps[1].Kind != store.KindReceive || steps[1].Error.Code != store.CodeTimeout {
			t.Errorf("steps %+v, %v", steps, err)
		}
	})
}

func TestAStopEndsAWaitForAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got error
		w := once(func(ctx context.Context) (string, error) {
			v, err := runtime.Receive[string](ctx, "t", runtime.Forever)
			got = err
			return v, err
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		settle(t, r)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) || !errors.Is(got, runtime.ErrCancelled) {
			t.Errorf("the run got %v, its caller %v", got, err)
		}
	})
}

// TestAMessageThatDoesNotFit is taken all the same, and does not stick the run.
func TestAMessageThatDoesNotFit(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) {
		_, err := runtime.Receive[int](ctx, "t", runtime.Forever)
		if err == nil || !strings.Contains(err.Error(), "does not fit int") {
			return 0, fmt.Errorf("got %w", err)
		}
		return runtime.Receive[int](ctx, "t", runtime.Forever)
	})
	got, err := w.Call(serve(t, runtime.Config{}, w), struct{}{}, runtime.Message("t", "text"), runtime.Message("t", 7))
	if err != nil || got != 7 {
		t.Fatalf("got %d, %v", got, err)
	}
}

func TestASendThatIsRefused(t *testing.T) {
	nothing := once(func(context.Context) (int, error) { return 0, nil })
	sender := runtime.Define("sender", func(ctx context.Context, to string) (bool, error) {
		err := runtime.Send(ctx, to, "t", 1)
		if err := runtime.Sleep(ctx, 0); err != nil {
			return false, err
		}
		return to == "gone" && errors.Is(err, runtime.ErrNotFound) || to == "ended" && errors.Is(err, runtime.ErrConflict), nil
	})
	ctx := serve(t, runtime.Config{MaxPayload: 1000}, nothing, sender)
	if _, err := nothing.Call(ctx, struct{}{}, runtime.ID("ended")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, topic, key string
		v              any
		want           error
	}{
		{"gone", "t", "", 1, runtime.ErrNotFound},
		{"ended", "t", "", 1, runtime.ErrConflict},
		{"bad id", "t", "", 1, runtime.ErrInvalid},
		{"ended", "$update", "", 1, runtime.ErrInvalid},
		{"ended", "", "", 1, runtime.ErrInvalid},
		{"ended", "t", "$key", 1, runtime.ErrInvalid},
		{"ended", "t", "", strings.Repeat("x", 1000), runtime.ErrTooLarge},
	} {
		if err := runtime.Send(ctx, c.id, c.topic, c.v, runtime.MessageKey(c.key)); !errors.Is(err, c.want) {
			t.Errorf("send to %q, topic %q, key %q: %v, want %v", c.id, c.topic, c.key, err, c.want)
		}
	}
	for _, to := range []string{"gone", "ended"} {
		if ok, err := sender.Call(ctx, to); err != nil || !ok {
			t.Errorf("a run that sends to %q does not see why it is refused: %v", to, err)
		}
	}
	if _, err := nothing.Start(ctx, struct{}{}, runtime.ID("ended"), runtime.Message("t", 1)); !errors.Is(err, runtime.ErrConflict) {
		t.Errorf("a start with a message to a run that has ended: %v", err)
	}
	if _, err := nothing.Start(ctx, struct{}{}, runtime.Message("$t", 1)); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("a start with a message of a bad topic: %v", err)
	}
	if _, err := runtime.Receive[int](ctx, "t", 0); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("receive outside a run: %v", err)
	}
	if err := runtime.Send(context.Background(), "gone", "t", 1); !errors.Is(err, runtime.ErrNoRuntime) {
		t.Errorf("send without a runtime: %v", err)
	}
}

// pingPong is two runs that send to each other: the crash test of messages.
func pingPong() (ping, pong *runtime.Workflow[int, []int]) {
	pong = runtime.Define("pong", func(ctx context.Context, n int) (out []int, err error) {
		for range n {
			v, err := runtime.Receive[int](ctx, "ball", runtime.Forever)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			if err := runtime.Send(ctx, "ping", "ball", v+1); err != nil {
				return nil, err
			}
		}
		if _, err := runtime.Receive[int](ctx, "ball", time.Minute); !errors.Is(err, runtime.ErrTimeout) {
			return nil, fmt.Errorf("a ball too many, or %w", err)
		}
		return out, nil
	})
	ping = runtime.Define("ping", func(ctx context.Context, n int) (out []int, err error) {
		other, err := pong.Start(ctx, n, runtime.ID("pong"), runtime.Message("ball", 0))
		if err != nil {
			return nil, err
		}
		for i := range n {
			v, err := runtime.Receive[int](ctx, "ball", runtime.Forever)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
			if i < n-1 {
				if err := runtime.Send(ctx, "pong", "ball", v+1); err != nil {
					return nil, err
				}
			}
		}
		if _, err := runtime.Receive[int](ctx, "ball", time.Minute); !errors.Is(err, runtime.ErrTimeout) {
			return nil, fmt.Errorf("a ball too many, or %w", err)
		}
		theirs, err := other.Result(ctx)
		return append(out, theirs...), err
	})
	return ping, pong
}

// TestCrashAmidMessages kills the process at each of its writes: no message is
// lost, none comes twice.
func TestCrashAmidMessages(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		ping, pong := pingPong()
		crashTwice(t, kill, ping, 2, "[1 3 0 2]", ping, pong)
	})
}

// crashTwice runs w until the process dies at a write, then again on the same
// store, and wants its outcome.
func crashTwice[In, Out any](t *testing.T, kill func(store.Store) *mortal, w *runtime.Workflow[In, Out], in In, want string, defs ...runtime.Definition) {
	t.Helper()
	s := openStore(t)
	m := kill(s)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, defs...)
	ended := make(chan struct{})
	if h, err := w.Start(r.ctx, in, runtime.ID(w.Name())); err == nil {
		ctx := r.ctx
		go func() { defer close(ended); h.Result(ctx) }()
	}
	select {
	case <-ended:
	case <-m.died:
	}
	r.stop()
	r = serveOn(t, s, runtime.Config{Logger: quiet}, defs...)
	h, err := w.Start(r.ctx, in, runtime.ID(w.Name()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Result(r.ctx)
	if err != nil || fmt.Sprint(got) != want {
		t.Fatalf("got %v, %v; want %s", got, err, want)
	}
}
