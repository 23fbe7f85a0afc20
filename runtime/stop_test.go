package runtime_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// cause is a way to ask a run to stop.
type cause struct {
	name   string
	opts   func() []runtime.StartOption
	stop   func(context.Context, *runtime.Handle[int]) error
	err    error
	status store.Status
}

var causes = []cause{
	{"cancel", func() []runtime.StartOption { return nil },
		func(ctx context.Context, h *runtime.Handle[int]) error { return h.Cancel(ctx) },
		runtime.ErrCancelled, store.Cancelled},
	{"deadline", func() []runtime.StartOption {
		return []runtime.StartOption{runtime.Deadline(time.Now().Add(time.Minute))}
	}, func(context.Context, *runtime.Handle[int]) error { return nil },
		runtime.ErrDeadline, store.Failed},
}

// TestStopReachesTheRun asks runs to stop in each place where they can be.
func TestStopReachesTheRun(t *testing.T) {
	seen := make(chan error, 1)
	slow := func(ctx context.Context) (int, error) {
		return runtime.Step(ctx, "slow", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			seen <- context.Cause(ctx)
			return 0, ctx.Err()
		}, runtime.Retry{})
	}
	places := map[string]struct {
		fn   fn
		opts []runtime.StartOption
		// seen: the step sees the cause in its context
		seen bool
	}{
		"in a step":         {fn: slow, seen: true},
		"in a step, branch": {fn: func(ctx context.Context) (int, error) { return runtime.Go(ctx, slow).Wait(ctx) }, seen: true},
		"asleep":            {fn: func(ctx context.Context) (int, error) { return 0, runtime.Sleep(ctx, time.Hour) }},
		"asleep, ignored": {fn: func(ctx context.Context) (int, error) {
			runtime.Sleep(ctx, time.Hour)
			return 5, nil // it cannot talk itself out of it
		}},
		"between attempts": {fn: func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(context.Context) (int, error) { return 0, errors.New("no") }, runtime.Retry{Initial: time.Hour})
		}},
		"delayed": {fn: slow, opts: []runtime.StartOption{runtime.Delay(time.Hour)}},
	}
	for name, place := range places {
		for _, cause := range causes {
			t.Run(cause.name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					seen = make(chan error, 1)
					w := once(place.fn)
					r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
					h, err := w.Start(r.ctx, struct{}{}, append(cause.opts(), place.opts...)...)
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(30 * time.Second)
					if err := cause.stop(r.ctx, h); err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					if _, err := h.Result(r.ctx); !errors.Is(err, cause.err) {
						t.Fatalf("got %v, want %v", err, cause.err)
					}
					if d := time.Since(begin); d > time.Minute {
						t.Errorf("ended only after %v", d)
					}
					if place.seen {
						if got := <-seen; got != cause.err {
							t.Errorf("the step saw %v, want %v", got, cause.err)
						}
					}
					if got, err := h.Status(r.ctx); err != nil || got != cause.status {
						t.Errorf("status %s, %v; want %s", got, err, cause.status)
					}
					if err := h.Cancel(r.ctx); !errors.Is(err, runtime.ErrConflict) || !strings.Contains(err.Error(), "it has ended") {
						t.Errorf("cancel of an ended run: %v", err)
					}
				})
			})
		}
	}
}

func TestCancelSurvivesACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := once(func(ctx context.Context) (int, error) { return 1, rest(ctx) })
		m := newMortal(s, -1, false)
		r := serveOn(t, m, runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := s.Stop(context.Background(), h.ID(), store.StopCancel, time.Now()); err != nil {
			t.Fatal(err)
		}
		m.kill()
		r.stop()
		r = serveOn(t, s, runtime.Config{}, w)
		if h, err = w.Handle(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Fatalf("got %v", err)
		}
	})
}

// TestACancelledStepRunsAgainAfterResume: what was cut short is shown, and
// does not count as the step's outcome.
func TestACancelledStepRunsAgainAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				if n++; n == 1 {
					<-ctx.Done()
					return 0, ctx.Err()
				}
				return n, nil
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Fatalf("got %v", err)
		}
		if err := runtime.Resume(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if h, err = w.Handle(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != 2 {
			t.Fatalf("got %d, %v; want the second execution's", got, err)
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil || len(steps) != 2 || steps[0].Status != store.StepCancelled || steps[1].Attempt != 2 {
			t.Fatalf("history %+v, %v", steps, err)
		}
	})
}
