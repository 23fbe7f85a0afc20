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

var errNoSeven = errors.New("no seven")

func init() { runtime.RegisterError("test_sold_out", errNoSeven) }

// shop answers "buy" until it is told to close; each answer is the work of a
// step. It accepts no more than nine pieces at once.
func shop(eff *effects) *runtime.Workflow[struct{}, string] {
	return runtime.Define("shop", func(ctx context.Context, _ struct{}) (string, error) {
		buy := func(ctx context.Context, n int) (string, error) {
			if n == 7 {
				return "", fmt.Errorf("no seven: %w", errNoSeven)
			}
			if err := runtime.Sleep(ctx, time.Minute); err != nil {
				return "", err
			}
			return runtime.Step(ctx, "sell", func(context.Context) (string, error) {
				eff.on("sell")
				return fmt.Sprint("sold ", n), nil
			})
		}
		few := func(_ context.Context, n int) error {
			if n > 9 {
				return errors.New("at most 9")
			}
			return nil
		}
		if err := runtime.OnUpdate(ctx, "buy", buy, runtime.Validate(few)); err != nil {
			return "", err
		}
		return runtime.Receive[string](ctx, "close", runtime.Forever)
	})
}

func TestUpdatesAreAnsweredByTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eff := &effects{}
		w := shop(eff)
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("shop"))
		if err != nil {
			t.Fatal(err)
		}
		settle(t, r) // the handler does not keep it in memory
		for range 2 {
			got, err := runtime.Update[string](r.ctx, "shop", "buy", 3, runtime.MessageKey("k"))
			if err != nil || got != "sold 3" {
				t.Errorf("got %q, %v", got, err)
			}
		}
		for range 2 { // the second time after a restart
			_, err = runtime.Update[string](r.ctx, "shop", "buy", 10, runtime.MessageKey("ten"))
			if ue, ok := errors.AsType[*runtime.UpdateError](err); !ok || !errors.Is(err, runtime.ErrRejected) || !ue.Rejected || ue.Message != "at most 9" {
				t.Errorf("a request that is not valid: %v", err)
			}
			_, err = runtime.Update[string](r.ctx, "shop", "buy", 7, runtime.MessageKey("seven"))
			if errors.Is(err, runtime.ErrRejected) || !errors.Is(err, errNoSeven) {
				t.Errorf("a request whose handler fails: %v", err)
			}
			r.stop()
			r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		}
		if _, err := runtime.Update[string](r.ctx, "shop", "buy", "many"); !errors.Is(err, runtime.ErrRejected) {
			t.Errorf("a request of another type: %v", err)
		}
		steps, err := r.Steps(r.ctx, "shop")
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range steps {
			if row.Kind == store.KindUpdate && (row.Name != "buy" || row.ChildID != "k" && row.ChildID != "seven") {
				t.Errorf("a rejected request is in the history: %+v", row)
			}
		}
		send(t, r.ctx, "shop", "close", "closed")
		if run, err := r.Wait(r.ctx, h.ID()); err != nil || string(run.Output) != `"closed"` {
			t.Errorf("got %s, %v", run.Output, err)
		}
		if got, err := runtime.Update[string](r.ctx, "shop", "buy", 3, runtime.MessageKey("k")); err != nil || got != "sold 3" {
			t.Errorf("asked again after the end: %q, %v", got, err)
		}
		if n := eff.all()["sell"]; n != 1 {
			t.Errorf("sold %d times", n)
		}
	})
}

func TestUpdatesThatNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(&effects{})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("shop")); err != nil {
			t.Fatal(err)
		}
		ask := func(id, name, key string, ctx context.Context) error {
			_, err := runtime.Update[string](ctx, id, name, 1, runtime.MessageKey(key))
			return err
		}
		short, cancel := context.WithTimeout(r.ctx, time.Second)
		defer cancel()
		if err := ask("shop", "other", "", short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no such handler: %v", err)
		}
		open := make(chan error, 2)
		for _, name := range []string{"buy", "other"} {
			go func() { open <- ask("shop", name, "", r.ctx) }()
		}
		time.Sleep(10 * time.Second) // the handler sleeps
		send(t, r.ctx, "shop", "close", "closed")
		for range 2 {
			if err := <-open; !errors.Is(err, runtime.ErrConflict) || strings.Contains(err.Error(), "$") {
				t.Errorf("open at the end of the run: %v", err)
			}
		}
		for _, c := range []struct {
			id, name, key string
			want          error
		}{
			{"shop", "buy", "", runtime.ErrConflict}, {"none", "buy", "", runtime.ErrNotFound}, {"bad id", "buy", "", runtime.ErrInvalid},
			{"shop", "$buy", "", runtime.ErrInvalid}, {"shop", "buy", "$", runtime.ErrInvalid},
		} {
			if err := ask(c.id, c.name, c.key, r.ctx); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		twice := once(func(ctx context.Context) (int, error) {
			nothing := func(context.Context, int) (int, error) { return 0, nil }
			if err := runtime.OnUpdate(ctx, "a", nothing); err != nil {
				return 0, err
			}
			if err := runtime.OnUpdate(ctx, "a", nothing); !errors.Is(err, runtime.ErrInvalid) {
				return 0, fmt.Errorf("a second handler: %w", err)
			}
			return 1, runtime.OnUpdate(ctx, "b", nothing)
		})
		if got, err := twice.Call(serve(t, runtime.Config{}, twice), struct{}{}); err != nil || got != 1 {
			t.Errorf("got %d, %v", got, err)
		}
		if err := runtime.OnUpdate(r.ctx, "a", func(context.Context, int) (int, error) { return 0, nil }); !errors.Is(err, runtime.ErrNotInRun) {
			t.Errorf("outside a run: %v", err)
		}
	})
}

// customer is a run that buys from a shop, and closes it.
func customer(shop *runtime.Workflow[struct{}, string]) *runtime.Workflow[struct{}, string] {
	return runtime.Define("customer", func(ctx context.Context, _ struct{}) (string, error) {
		s, err := shop.Start(ctx, struct{}{}, runtime.ID("shop"))
		if err != nil {
			return "", err
		}
		var got []string
		for _, n := range []int{1, 10, 7} {
			v, err := runtime.Update[string](ctx, "shop", "buy", n)
			if err != nil && !errors.Is(err, runtime.ErrRejected) && !errors.Is(err, errNoSeven) {
				return "", err
			}
			got = append(got, v)
		}
		if err := runtime.Send(ctx, "shop", "close", "bye"); err != nil {
			return "", err
		}
		bye, err := s.Result(ctx)
		return fmt.Sprintf("%q %s", got, bye), err
	})
}

// TestCrashAmidAnUpdate kills the process at each of its writes.
func TestCrashAmidAnUpdate(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		w := shop(&effects{})
		c := customer(w)
		crashTwice(t, kill, c, struct{}{}, `["sold 1" "" ""] bye`, w, c)
	})
}

// TestAMailboxIsReplayed: the histories of all of them fit the code that made
// them.
func TestAMailboxIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(&effects{})
		c := customer(w)
		watcher, target := watching()
		writer, reader := streaming()
		ping, pong := pingPong()
		defs := []runtime.Definition{w, c, watcher, target, writer, reader, ping, pong}
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, defs...)
		var waits []func() error
		for _, one := range []*runtime.Workflow[struct{}, string]{c, target, watcher, reader} {
			h, err := one.Start(r.ctx, struct{}{}, runtime.ID(one.Name()))
			if err != nil {
				t.Fatal(err)
			}
			waits = append(waits, func() error { _, err := h.Result(r.ctx); return err })
		}
		if _, err := ping.Call(r.ctx, 2, runtime.ID("ping")); err != nil {
			t.Fatal(err)
		}
		for _, wait := range waits {
			if err := wait(); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{"customer", "shop", "target", "watcher", "reader", "ping", "pong"} {
			h, err := r.Export(r.ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if err := runtime.Replay(r.ctx, h, defs...); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}
