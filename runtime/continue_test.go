package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// count is the input of a counter.
type count struct {
	N, To int
	Seen  string `json:",omitempty"`
}

// counter counts to a limit, one in each history, after body.
func counter(eff *effects, body func(context.Context, *count) error) *runtime.Workflow[count, string] {
	return runtime.Define("counter", func(ctx context.Context, c count) (string, error) {
		if err := body(ctx, &c); err != nil {
			return "", err
		}
		name := fmt.Sprint("n", c.N)
		if _, err := runtime.Step(ctx, name, func(context.Context) (int, error) { return eff.on(name), nil }); err != nil {
			return "", err
		}
		if c.N++; c.N < c.To {
			return "", runtime.ContinueAs(ctx, c)
		}
		return fmt.Sprint("counted to ", c.N, c.Seen), nil
	})
}

func nothing(context.Context, *count) error { return nil }

func TestContinueAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eff := &effects{}
		w := counter(eff, nothing)
		parent := runtime.Define("parent", func(ctx context.Context, _ struct{}) (string, error) {
			return w.Call(ctx, count{To: 5}, runtime.ID("child"), runtime.Labels(map[string]string{"k": "v"}))
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, parent)
		h, err := w.Start(r.ctx, count{To: 4}, runtime.ID("one"), runtime.Deadline(time.Now().Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != "counted to 4" {
			t.Fatalf("got %q, %v", got, err)
		}
		run, err := r.Get(r.ctx, "one")
		if err != nil || string(run.Input) != `{"N":3,"To":4}` || run.Deadline.IsZero() || run.Attempt != 1 || run.Base != 3 {
			t.Errorf("run %+v, %v", run, err)
		}
		steps, err := r.Steps(r.ctx, "one")
		if err != nil || len(steps) != 1 || steps[0].Path != "3" || steps[0].Name != "n3" {
			t.Errorf("steps %+v, %v: want those of the last history, counted on", steps, err)
		}
		history, err := r.Export(r.ctx, "one")
		if err != nil {
			t.Fatal(err)
		}
		data, err := history.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if history, err = runtime.ParseHistory(data); err != nil || history.Run.Base != 3 {
			t.Fatalf("exported base %d, %v", history.Run.Base, err)
		}
		if err := runtime.Replay(r.ctx, history, w); err != nil {
			t.Error(err)
		}
		// A parent waits for the last of it.
		if got, err := parent.Call(r.ctx, struct{}{}); err != nil || got != "counted to 5" {
			t.Fatalf("got %q, %v", got, err)
		}
		if run, err := r.Get(r.ctx, "child"); err != nil || run.ParentID == "" || run.Labels["k"] != "v" {
			t.Errorf("child %+v, %v", run, err)
		}
	})
}

// TestContinueAsAgainstCrashes kills the process at each write: the outcome is
// the same, and no step that was recorded ran again.
func TestContinueAsAgainstCrashes(t *testing.T) {
	child := runtime.Define("child", func(ctx context.Context, n int) (int, error) {
		return runtime.Step(ctx, "c", func(context.Context) (int, error) { return n, nil })
	})
	w := runtime.Define("long", func(ctx context.Context, c count) (string, error) {
		if !runtime.Patched(ctx, "p") {
			return "", errors.New("not patched")
		}
		h, err := child.Start(ctx, c.N)
		if err != nil {
			return "", err
		}
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return "", err
		}
		n, err := runtime.Go(ctx, func(ctx context.Context) (int, error) { return h.Result(ctx) }).Wait(ctx)
		if err != nil {
			return "", err
		}
		c.Seen += fmt.Sprint(" ", h.ID(), "=", n)
		if c.N++; c.N < 3 {
			return "", fmt.Errorf("on we go: %w", runtime.ContinueAs(ctx, c))
		}
		return strings.TrimSpace(c.Seen), nil
	})
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) {
					more = crashOnce(t, w, at, persisted, `"one:0=0 one:3=1 one:6=2"`, child)
				})
			})
		}
	}
}

func TestAContinuedRunCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := counter(&effects{}, func(ctx context.Context, c *count) error { return runtime.Sleep(ctx, time.Hour) })
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, count{To: 1000}, runtime.ID("one"))
		if err != nil {
			t.Fatal(err)
		}
		late, err := w.Start(r.ctx, count{To: 1000}, runtime.ID("late"), runtime.Deadline(time.Now().Add(5*time.Hour+time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Hour + time.Minute)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Errorf("cancelled: %v", err)
		}
		if _, err := late.Result(r.ctx); !errors.Is(err, runtime.ErrDeadline) {
			t.Errorf("past its deadline: %v", err)
		}
		for id, want := range map[string]string{"one": `"N":10,`, "late": `"N":5,`} {
			if run, err := r.Get(r.ctx, id); err != nil || !strings.Contains(string(run.Input), want) {
				t.Errorf("%s ended with input %s, %v; want %s", id, run.Input, err, want)
			}
		}
	})
}

// TestACancelBeforeTheSwitch: the request came after ContinueAs was called, and
// is heeded.
func TestACancelBeforeTheSwitch(t *testing.T) {
	var r *served
	w := once(func(ctx context.Context) (int, error) {
		err := runtime.ContinueAs(ctx, struct{}{})
		if !errors.Is(err, runtime.ErrContinued) {
			return 0, err
		}
		if _, err := r.Cancel(r.ctx, "one"); err != nil {
			return 0, err
		}
		return 0, err
	})
	r = serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
	<-r.Recovered()
	if _, err := w.Call(r.ctx, struct{}{}, runtime.ID("one")); !errors.Is(err, runtime.ErrCancelled) {
		t.Errorf("%v, want cancelled", err)
	}
}

func TestContinueAsWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, eff := openStore(t), &effects{}
		w := counter(eff, func(ctx context.Context, c *count) error {
			_, err := runtime.Step(ctx, "slow", func(context.Context) (int, error) { time.Sleep(time.Second); return 0, nil })
			return err
		})
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Start(r.ctx, count{To: 20}, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		restarts := 0
		for ; ; restarts++ {
			time.Sleep(700 * time.Millisecond)
			r.stop()
			r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
			if run, err := r.Get(r.ctx, "one"); err != nil || run.Status.Ended() {
				break
			}
		}
		run, err := r.Wait(r.ctx, "one")
		if err != nil || string(run.Output) != `"counted to 20"` {
			t.Fatalf("got %s %s, %v", run.Status, run.Output, err)
		}
		for name, n := range eff.all() {
			if n != 1 {
				t.Errorf("step %s ran %d times over %d restarts", name, n, restarts)
			}
		}
	})
}

func TestContinueAsRefuses(t *testing.T) {
	if err := runtime.ContinueAs(context.Background(), 1); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("outside a run: %v", err)
	}
	var got []error
	w := runtime.Define("w", func(ctx context.Context, _ count) (int, error) {
		_, err := runtime.Step(ctx, "s", func(ctx context.Context) (int, error) { return 0, runtime.ContinueAs(ctx, count{}) })
		got = append(got, err, runtime.ContinueAs(ctx, "text"), runtime.ContinueAs(ctx, make(chan int)), runtime.ContinueAs(ctx, count{Seen: strings.Repeat("x", 200)}))
		return 7, nil
	})
	if n, err := w.Call(serve(t, runtime.Config{MaxPayload: 150}, w), count{}); err != nil || n != 7 {
		t.Fatalf("got %d, %v: what is not returned continues nothing", n, err)
	}
	for i, want := range []string{"not in a run", "input of w: want a JSON object, got a JSON string", "continue: encode input", "too large"} {
		if got[i] == nil || !strings.Contains(got[i].Error(), want) {
			t.Errorf("case %d: %v, want %q", i, got[i], want)
		}
	}
	if !errors.Is(got[1], runtime.ErrInvalid) || !errors.Is(got[3], runtime.ErrTooLarge) {
		t.Errorf("%v and %v", got[1], got[3])
	}
}

// TestAReplayTellsThatTheCodeContinues where the history has an end.
func TestAReplayTellsThatTheCodeContinues(t *testing.T) {
	w := counter(&effects{}, nothing)
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
	<-r.Recovered()
	if _, err := w.Call(r.ctx, count{To: 1}, runtime.ID("one")); err != nil {
		t.Fatal(err)
	}
	h, err := r.Export(r.ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	h.Run.Input = []byte(`{"N":0,"To":2}`)
	if err := runtime.Replay(r.ctx, h, w); !errors.Is(err, runtime.ErrNondeterministic) || !strings.Contains(err.Error(), "the history has succeeded") {
		t.Errorf("%v", err)
	}
	h.Run.Status = store.Queued
	if err := runtime.Replay(r.ctx, h, w); err != nil {
		t.Errorf("under way: %v", err)
	}
}

// TestMiddlewareCanTellAContinuation from a failure.
func TestMiddlewareCanTellAContinuation(t *testing.T) {
	var seen []bool
	m := runtime.Middleware{Run: func(ctx context.Context, next func(context.Context) error) error {
		err := next(ctx)
		seen = append(seen, errors.Is(err, runtime.ErrContinued))
		if err != nil {
			return fmt.Errorf("wrapped: %w", err)
		}
		return nil
	}}
	w := counter(&effects{}, nothing)
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, m)
	<-r.Recovered()
	if got, err := w.Call(r.ctx, count{To: 3}); err != nil || got != "counted to 3" {
		t.Fatalf("got %q, %v", got, err)
	}
	if d := cmp.Diff([]bool{true, true, false}, seen); d != "" {
		t.Errorf("continuations (-want +got):\n%s", d)
	}
}

// TestCompensationsOfAContinuedRun: what an older history registered is not
// undone by a later one; a cancel undoes what this one did.
func TestCompensationsOfAContinuedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eff := &effects{}
		w := counter(eff, func(ctx context.Context, c *count) error {
			name := fmt.Sprint("undo", c.N)
			err := runtime.Compensate(ctx, name, func(context.Context) error { eff.on(name); return nil })
			if err != nil {
				return err
			}
			return runtime.Sleep(ctx, time.Hour)
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, count{To: 3})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != "counted to 3" {
			t.Fatalf("got %q, %v", got, err)
		}
		h, err = w.Start(r.ctx, count{To: 100})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Fatal(err)
		}
		if d := cmp.Diff(map[string]int{"n0": 2, "n1": 1, "n2": 1, "undo1": 1}, eff.all()); d != "" {
			t.Errorf("effects (-want +got):\n%s", d)
		}
	})
}

// TestUpdatesOfAContinuedRun: one that is under way fails, one that was not
// taken yet is answered by the next history.
func TestUpdatesOfAContinuedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Define("w", func(ctx context.Context, n int) (int, error) {
			err := runtime.OnUpdate(ctx, "slow", func(ctx context.Context, d time.Duration) (int, error) { return n, runtime.Sleep(ctx, d) })
			if err != nil {
				return 0, err
			}
			if err := runtime.Sleep(ctx, time.Hour); err != nil || n == 3 {
				return n, err
			}
			return 0, runtime.ContinueAs(ctx, n+1)
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Start(r.ctx, 1, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		type response struct {
			n   int
			err error
		}
		ask := func(key string, d time.Duration) <-chan response {
			ch := make(chan response, 1)
			ctx := r.ctx
			go func() {
				n, err := runtime.Update[int](ctx, "one", "slow", d, runtime.MessageKey(key))
				ch <- response{n, err}
			}()
			synctest.Wait()
			return ch
		}
		if a := <-ask("quick", time.Minute); a.n != 1 || a.err != nil {
			t.Errorf("before it continues: %+v", a)
		}
		slow := ask("slow", 10*time.Hour)
		next := ask("next", time.Minute)
		if a := <-slow; !errors.Is(a.err, runtime.ErrContinued) {
			t.Errorf("under way while it continues: %+v", a)
		}
		if a := <-next; a.n != 2 || a.err != nil {
			t.Errorf("not taken while it continues: %+v", a)
		}
		// Taken before a restart, too.
		ask("restart", 10*time.Hour)
		time.Sleep(time.Minute)
		r.stop()
		time.Sleep(2 * time.Hour)
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if a := <-ask("restart", 10*time.Hour); !errors.Is(a.err, runtime.ErrContinued) {
			t.Errorf("under way over a restart: %+v", a)
		}
		if a := <-ask("quick", time.Minute); a.n != 1 || a.err != nil {
			t.Errorf("asked again, after: %+v", a)
		}
	})
}

// TestContinueAsAfterPatchedAlone: the rows of the old history are still there
// while their spans were not sent, and the patch is noted again.
func TestContinueAsAfterPatchedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Define("w", func(ctx context.Context, n int) (int, error) {
			runtime.Patched(ctx, "p")
			if n < 3 {
				return 0, runtime.ContinueAs(ctx, n+1)
			}
			return n, nil
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet, Sample: func([16]byte, *bool) bool { return true }}, w)
		h, _ := w.Start(r.ctx, 0, runtime.ID("a"))
		time.Sleep(time.Hour)
		run, _ := s.Get(t.Context(), "a")
		if run.Status != store.Succeeded {
			t.Errorf("%s %s: %+v", h.ID(), run.Status, run.Error)
		}
	})
}
