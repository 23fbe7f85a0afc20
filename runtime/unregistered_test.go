package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

const unregistered = `workflow "forgotten": not found; registered: parent`

func forgotten() *runtime.Workflow[int, int] {
	return runtime.Define("forgotten", func(_ context.Context, in int) (int, error) { return in + 1, nil })
}

// TestAWorkflowThatIsNotRegisteredIsNotStarted: nothing is written that nobody
// could execute.
func TestAWorkflowThatIsNotRegisteredIsNotStarted(t *testing.T) {
	s := openStore(t)
	parent := runtime.Define("parent", func(context.Context, int) (int, error) { return 1, nil })
	r := serveOn(t, s, runtime.Config{Logger: quiet}, parent)
	_, started := forgotten().Start(r.ctx, 1)
	_, called := forgotten().Call(r.ctx, 1)
	for how, err := range map[string]error{"start": started, "call": called} {
		if !errors.Is(err, runtime.ErrNotFound) || !strings.Contains(err.Error(), unregistered) {
			t.Errorf("%s: got %v; want %s", how, err, unregistered)
		}
	}
	if runs, err := s.List(t.Context(), store.Filter{Limit: 10}); err != nil || len(runs) != 0 {
		t.Errorf("the store has %d runs, %v", len(runs), err)
	}
}

// TestAnotherValueOfADefinition: the name is what counts, unless the types tell
// that it is another workflow.
func TestAnotherValueOfADefinition(t *testing.T) {
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, forgotten())
	if got, err := forgotten().Call(r.ctx, 1); err != nil || got != 2 {
		t.Errorf("another value of the same workflow: %d, %v", got, err)
	}
	other := runtime.Define("forgotten", func(context.Context, string) (int, error) { return 0, nil })
	_, err := other.Start(r.ctx, "x")
	if !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), "registered as one from int to int, this is another from string to int") {
		t.Errorf("another workflow of the same name: %v", err)
	}
}

// forgetful starts a workflow in three places where it may not be registered.
func forgetful(child *runtime.Workflow[int, int]) map[string]*runtime.Workflow[int, int] {
	parent := func(start func(ctx context.Context, in int) (int, error)) *runtime.Workflow[int, int] {
		return runtime.Define("parent", func(ctx context.Context, in int) (int, error) {
			if _, err := step(ctx, "before"); err != nil {
				return 0, err
			}
			err := runtime.Compensate(ctx, "undo", func(context.Context) error { return errors.New("must not run") })
			if err != nil {
				return 0, err
			}
			return start(ctx, in)
		})
	}
	return map[string]*runtime.Workflow[int, int]{
		"call": parent(func(ctx context.Context, in int) (int, error) { return child.Call(ctx, in) }),
		"start": parent(func(ctx context.Context, in int) (int, error) {
			h, err := child.Start(ctx, in)
			if err != nil {
				return 0, err
			}
			return h.Result(ctx)
		}),
		"in a step": parent(func(ctx context.Context, in int) (int, error) {
			return runtime.Step(ctx, "starts", func(ctx context.Context) (int, error) { return child.Call(ctx, in) })
		}),
		"in a transaction": parent(func(ctx context.Context, in int) (int, error) {
			return runtime.Tx(ctx, "starts", func(ctx context.Context, _ *sql.Tx) (int, error) { return child.Call(ctx, in) })
		}),
	}
}

// TestARunThatStartsWhatIsNotRegisteredIsStuck, and goes on under a program that
// has the workflow. It crashes at each write on its way.
func TestARunThatStartsWhatIsNotRegisteredIsStuck(t *testing.T) {
	for how, parent := range forgetful(forgotten()) {
		t.Run(how, func(t *testing.T) {
			eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
				s := openStore(t)
				m := kill(s)
				r := serveOn(t, m, runtime.Config{Logger: quiet}, parent)
				ended := make(chan struct{})
				if h, err := parent.Start(r.ctx, 1, runtime.ID("one")); err == nil {
					ctx := r.ctx
					go func() { defer close(ended); h.Result(ctx) }()
				}
				select {
				case <-ended:
					m.kill()
				case <-m.died:
				}
				r.stop()

				r = serveOn(t, s, runtime.Config{Logger: quiet}, parent)
				if _, err := parent.Start(r.ctx, 1, runtime.ID("one")); err != nil {
					t.Fatal(err)
				}
				run, err := r.Wait(r.ctx, "one")
				if err != nil || run.Status != store.Stuck || run.Error.Code != "workflow_unregistered" || !strings.Contains(run.Error.Message, unregistered) {
					t.Fatalf("run is %s, %+v, %v; want stuck: %s", run.Status, run.Error, err, unregistered)
				}
				if how == "in a transaction" {
					return // in which nothing can be started
				}
				r.stop()

				r = serveOn(t, s, runtime.Config{Logger: quiet}, parent, forgotten())
				if _, err := r.Resume(r.ctx, "one"); err != nil {
					t.Fatal(err)
				}
				if run, err = r.Wait(r.ctx, "one"); err != nil || string(run.Output) != "2" {
					t.Fatalf("resumed under the right program: %s %s, %+v, %v", run.Status, run.Output, run.Error, err)
				}
			})
		})
	}
}

// TestAChildThatWasStartedIsNotLookedForAgain: what is recorded stands, also
// where its workflow is not registered any more.
func TestAChildThatWasStartedIsNotLookedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		parent := runtime.Define("parent", func(ctx context.Context, in int) (int, error) {
			out, err := forgotten().Call(ctx, in)
			if err != nil {
				return 0, err
			}
			return out, rest(ctx)
		})
		r := serveOn(t, s, runtime.Config{}, parent, forgotten())
		if _, err := parent.Start(r.ctx, 1, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		r = serveOn(t, s, runtime.Config{}, parent)
		if run, err := r.Wait(r.ctx, "one"); err != nil || string(run.Output) != "2" {
			t.Fatalf("run is %s %s, %+v, %v", run.Status, run.Output, run.Error, err)
		}
	})
}
