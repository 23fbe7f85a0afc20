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

type fn = func(context.Context) (int, error)

func step(ctx context.Context, name string) (int, error) {
	return runtime.Step(ctx, name, func(context.Context) (int, error) { return 1, nil })
}

// rest is where the code is changed: the run sleeps, the program is replaced.
func rest(ctx context.Context) error { return runtime.Sleep(ctx, time.Hour) }

// TestChangedCodeParksTheRun replaces the code while a run sleeps. What does
// not match is parked with both sides named; the right code continues it.
func TestChangedCodeParksTheRun(t *testing.T) {
	old := func(ctx context.Context) (int, error) {
		if _, err := step(ctx, "a"); err != nil {
			return 0, err
		}
		if err := rest(ctx); err != nil {
			return 0, err
		}
		return step(ctx, "b")
	}
	for name, c := range map[string]struct {
		changed fn
		want    string
	}{
		"another name": {func(ctx context.Context) (int, error) { step(ctx, "z"); rest(ctx); return step(ctx, "b") },
			`at 0 the history has step "a", the code came with step "z"`},
		"another kind": {func(ctx context.Context) (int, error) { rest(ctx); rest(ctx); return step(ctx, "b") },
			`at 0 the history has step "a", the code came with sleep`},
		"a step removed": {func(ctx context.Context) (int, error) { rest(ctx); return step(ctx, "b") },
			`at 0 the history has step "a", the code came with sleep`},
		"an early end": {func(ctx context.Context) (int, error) { return step(ctx, "a") },
			`at 1 the history has sleep, the code came with the end of the function`},
		"a branch in its place": {func(ctx context.Context) (int, error) {
			return runtime.Go(ctx, func(ctx context.Context) (int, error) { return step(ctx, "a") }).Wait(ctx)
		}, `at 0 the history has step "a", the code came with a branch`},
		"another type": {func(ctx context.Context) (int, error) {
			_, err := runtime.Step(ctx, "a", func(context.Context) (string, error) { return "", nil })
			return 0, err
		}, `returned what no longer fits string`},
		"swallowed by recover": {func(ctx context.Context) (n int, err error) {
			defer func() { recover(); err = nil }()
			return step(ctx, "z")
		}, `step "z"`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openStore(t)
				w := once(old)
				r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
				h, err := w.Start(r.ctx, struct{}{})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				r.stop()

				w = once(c.changed)
				r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
				h, err = w.Handle(r.ctx, h.ID())
				if err != nil {
					t.Fatal(err)
				}
				_, err = h.Result(r.ctx)
				if !errors.Is(err, runtime.ErrStuck) || !errors.Is(err, runtime.ErrNondeterministic) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v; want a stuck run that says %s", err, c.want)
				}
				r.stop()

				w = once(old)
				r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
				if h, err = w.Handle(r.ctx, h.ID()); err != nil {
					t.Fatal(err)
				}
				if err := runtime.Resume(r.ctx, h.ID()); err != nil {
					t.Fatal(err)
				}
				if got, err := h.Result(r.ctx); err != nil || got != 1 {
					t.Fatalf("resumed under the right code: %d, %v", got, err)
				}
			})
		})
	}
}

func TestAddingAtTheEndOfHistoryIsNoMismatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := once(func(ctx context.Context) (int, error) { step(ctx, "a"); rest(ctx); return 1, nil })
		r := serveOn(t, s, runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		w = once(func(ctx context.Context) (int, error) { step(ctx, "a"); rest(ctx); step(ctx, "new"); return 2, nil })
		r = serveOn(t, s, runtime.Config{}, w)
		if h, err = w.Handle(r.ctx, h.ID()); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Result(r.ctx); err != nil || got != 2 {
			t.Fatalf("got %d, %v", got, err)
		}
	})
}

func TestARunWhoseWorkflowIsGoneIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := once(func(ctx context.Context) (int, error) { return 1, rest(ctx) })
		r := serveOn(t, s, runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet})
		run, err := r.Wait(r.ctx, h.ID())
		if err != nil || run.Status != store.Stuck || !strings.Contains(run.Error.Message, `workflow "once"`) {
			t.Fatalf("got %s, %+v, %v", run.Status, run.Error, err)
		}
	})
}

// TestARunThatKillsTheProcessIsParked recovers a run again and again that
// never gets to record anything.
func TestARunThatKillsTheProcessIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		begun := make(chan struct{}, 100)
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "crash", func(ctx context.Context) (int, error) {
				begun <- struct{}{}
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
		var id string
		for i := range 4 {
			m := newMortal(s, -1, false)
			r := serveOn(t, m, runtime.Config{MaxRecoveries: 3, Logger: quiet}, w)
			if i == 0 {
				h, err := w.Start(r.ctx, struct{}{})
				if err != nil {
					t.Fatal(err)
				}
				id = h.ID()
			}
			<-begun
			m.kill()
			r.stop()
		}
		r := serveOn(t, s, runtime.Config{MaxRecoveries: 3, Logger: quiet}, w)
		run, err := r.Wait(r.ctx, id)
		if err != nil || run.Status != store.Stuck || run.Error.Code != store.CodeRecoveries {
			t.Fatalf("got %s, %+v, %v; want stuck after 3 recoveries", run.Status, run.Error, err)
		}
	})
}
