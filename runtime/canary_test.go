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

// ownSealer is a codec of a program's own that hides.
type ownSealer struct{ *runtime.EncryptedCodec }

func ownOf(tb testing.TB, keys ...runtime.Key) runtime.Codec {
	c := encrypted(tb, keys...)
	return struct{ runtime.Sealer }{ownSealer{c}}
}

// unmarkedStore is one that was written before there were marks.
type unmarkedStore struct{ store.Store }

func (unmarkedStore) SetMark(context.Context, string, []byte) error { return nil }

// TestAStoreKnowsItsKeys: a process without the keys of a store does not start,
// nor does one that has another under the same name.
func TestAStoreKnowsItsKeys(t *testing.T) {
	old, other, new := key("old", 1), key("old", 7), key("new", 2)
	for name, c := range map[string]struct {
		began   runtime.Codec // nil: plain
		went    runtime.Config
		refused string // empty: it starts
	}{
		"the same":                {encrypted(t, old), runtime.Config{Codec: encrypted(t, old)}, ""},
		"rotated":                 {encrypted(t, old), runtime.Config{Codec: encrypted(t, new, old)}, ""},
		"one is not there":        {encrypted(t, old), runtime.Config{Codec: encrypted(t, new)}, ""},
		"turned on":               {nil, runtime.Config{Codec: encrypted(t, new)}, ""},
		"none at all":             {encrypted(t, old), runtime.Config{}, `written with key "old", and no keys are given`},
		"none for two":            {encrypted(t, new, old), runtime.Config{}, `key "new"`},
		"turned off":              {encrypted(t, old), runtime.Config{Unsealed: true}, ""},
		"another":                 {encrypted(t, old), runtime.Config{Codec: encrypted(t, other)}, `written with another key "old" than the one given`},
		"another, not the first":  {encrypted(t, old), runtime.Config{Codec: encrypted(t, new, other)}, `another key "old"`},
		"another, without leave":  {encrypted(t, old), runtime.Config{Codec: encrypted(t, other), Unsealed: true}, `another key "old"`},
		"the program's own":       {ownOf(t, old), runtime.Config{Codec: ownOf(t, old)}, ""},
		"own, rotated":            {ownOf(t, old), runtime.Config{Codec: ownOf(t, new, old)}, ""},
		"own, another":            {ownOf(t, old), runtime.Config{Codec: ownOf(t, other)}, `another key of the program's own codec`},
		"own, and none":           {ownOf(t, old), runtime.Config{}, "and no keys are given"},
		"never encrypted, no key": {nil, runtime.Config{}, ""},
	} {
		for _, marked := range []bool{true, false} {
			if !marked && name == "own, another" {
				continue // what it sealed tells nobody which key it was
			}
			t.Run(fmt.Sprintf("%s/marked=%t", name, marked), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := openStore(t)
					var first store.Store = s
					if !marked {
						first = unmarkedStore{s}
					}
					r := serveOn(t, first, runtime.Config{Codec: c.began, Logger: quiet}, longRun())
					if _, err := longRun().Start(r.ctx, "tea", runtime.ID("one")); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					r.stop()
					for range 2 { // the first must not make the second go another way
						c.went.Logger = quiet
						rt, err := runtime.New(s, c.went, longRun())
						switch {
						case c.refused == "" && err != nil:
							t.Fatal(err)
						case c.refused != "" && (!errors.Is(err, runtime.ErrSealed) || !strings.Contains(err.Error(), c.refused)):
							t.Fatalf("got %v; want it refused: %s", err, c.refused)
						case err != nil:
							continue
						}
						ctx, cancel := context.WithCancel(t.Context())
						cancel()
						if err := rt.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
							t.Fatal(err)
						}
					}
				})
			})
		}
	}
}

// TestAKeyThatProvesNothingIsNotNoted: a second key that opens nothing may be
// mistyped, and the right one must not be refused for it.
func TestAKeyThatProvesNothingIsNotNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Codec: encrypted(t, key("new", 2), key("old", 7)), Logger: quiet}, longRun())
		<-r.Recovered()
		r.stop()
		marks, err := s.Marks(t.Context())
		if err != nil || len(marks) != 1 || marks["sealed/new"] == nil {
			t.Errorf("marks %q, %v; want one, of the key that seals", marks, err)
		}
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("old", 1)), Logger: quiet}, longRun())
		r.stop()
	})
}

// TestCrashAtTheFirstKey kills the process at each write from the first with
// keys on: no process gets by without them then, save where nothing is sealed.
func TestCrashAtTheFirstKey(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		s := openStore(t)
		m := kill(s)
		r := serveOn(t, m, runtime.Config{Codec: encrypted(t, key("k1", 1)), Logger: quiet}, longRun())
		h, err := longRun().Start(r.ctx, "tea", runtime.ID("one"))
		if err == nil {
			ended := make(chan struct{})
			ctx := r.ctx
			go func() { defer close(ended); h.Result(ctx) }()
			select {
			case <-ended:
				m.kill()
			case <-m.died:
			}
		}
		r.stop()
		runs, err := s.List(t.Context(), store.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		marks, err := s.Marks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for how, cfg := range map[string]runtime.Config{"no key": {}, "another": {Codec: encrypted(t, key("k1", 9))}} {
			cfg.Logger = quiet
			_, err := runtime.New(s, cfg, longRun())
			if refused := errors.Is(err, runtime.ErrSealed); refused != (len(runs)+len(marks) > 0) {
				t.Errorf("%s on a store with %d runs and %d marks: %v", how, len(runs), len(marks), err)
			}
		}
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("k1", 1)), Logger: quiet}, longRun())
		if h, err = longRun().Start(r.ctx, "tea", runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		if out, err := h.Result(r.ctx); err != nil || out != longResult {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

// TestWithoutKeysNothingFails: encryption was turned off, and runs come across
// what was sealed, their own or another's. They are parked, name the key, and
// undo nothing; with the key they go on.
func TestWithoutKeysNothingFails(t *testing.T) {
	undone := 0
	says := runtime.Define("says", func(ctx context.Context, in string) (string, error) {
		err := runtime.OnUpdate(ctx, "ask", func(_ context.Context, req string) (string, error) { return req + " " + in, nil })
		if err != nil {
			return "", err
		}
		if err := runtime.SetEvent(ctx, "word", in); err != nil {
			return "", err
		}
		return in, rest(ctx)
	})
	breaks := runtime.Define("breaks", func(_ context.Context, in string) (string, error) { return "", errors.New(in) })
	listen := map[string]func(ctx context.Context) (string, error){
		"an event": func(ctx context.Context) (string, error) {
			return runtime.GetEvent[string](ctx, "says", "word", time.Minute)
		},
		"a message": func(ctx context.Context) (string, error) { return runtime.Receive[string](ctx, "topic", time.Minute) },
		"an answer": func(ctx context.Context) (string, error) {
			return runtime.Update[string](ctx, "says", "ask", "more", runtime.MessageKey("k"))
		},
		"an output": func(ctx context.Context) (string, error) { return resultOf(ctx, says, "says") },
		"an error":  func(ctx context.Context) (string, error) { return resultOf(ctx, breaks, "breaks") },
		"in a step": func(ctx context.Context) (string, error) {
			return runtime.Step(ctx, "look", func(ctx context.Context) (string, error) { return resultOf(ctx, says, "says") })
		},
		"an error, in a step": func(ctx context.Context) (string, error) {
			return runtime.Step(ctx, "look", func(ctx context.Context) (string, error) { return resultOf(ctx, breaks, "breaks") })
		},
	}
	for what, get := range listen {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openStore(t)
				undone = 0
				hears := runtime.Define("hears", func(ctx context.Context, _ struct{}) (string, error) {
					if err := runtime.Compensate(ctx, "undo", func(context.Context) error { undone++; return nil }); err != nil {
						return "", err
					}
					out, err := get(ctx)
					if strings.HasPrefix(what, "an error") && err != nil {
						return fmt.Sprint(strings.Contains(err.Error(), "tea")), nil
					}
					return out, err
				})
				defs := []runtime.Definition{says, breaks, hears}
				r := serveOn(t, s, runtime.Config{Logger: quiet}, defs...)
				if _, err := hears.Start(r.ctx, struct{}{}, runtime.ID("hears"), runtime.Delay(24*time.Hour)); err != nil {
					t.Fatal(err) // its own input is plain
				}
				r.stop()
				keys := runtime.Config{Codec: encrypted(t, key("k1", 1)), Logger: quiet}
				r = serveOn(t, s, keys, defs...)
				for id, w := range map[string]*runtime.Workflow[string, string]{"says": says, "breaks": breaks} {
					if _, err := w.Start(r.ctx, "tea", runtime.ID(id)); err != nil {
						t.Fatal(err)
					}
				}
				if err := runtime.Send(r.ctx, "hears", "topic", "tea"); err != nil {
					t.Fatal(err)
				}
				if _, err := runtime.Update[string](r.ctx, "says", "ask", "more", runtime.MessageKey("k")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				r.stop()

				r = serveOn(t, s, runtime.Config{Unsealed: true, Logger: quiet}, defs...)
				time.Sleep(25 * time.Hour)
				run, err := r.Get(r.ctx, "hears")
				if err != nil || run.Status != store.Stuck || run.Error.Code != "sealed" || !strings.Contains(run.Error.Message, `key "k1", and no keys are given`) || undone > 0 {
					t.Fatalf("run is %s, %+v, %v, undone %d times; want stuck", run.Status, run.Error, err, undone)
				}
				r.stop()

				r = serveOn(t, s, keys, defs...)
				if _, err := r.Resume(r.ctx, "hears"); err != nil {
					t.Fatal(err)
				}
				if run, err = r.Wait(r.ctx, "hears"); err != nil || run.Status != store.Succeeded {
					t.Errorf("with the key: run is %s, %+v, %v", run.Status, run.Error, err)
				}
			})
		})
	}
}

func resultOf(ctx context.Context, w *runtime.Workflow[string, string], id string) (string, error) {
	h, err := w.Handle(ctx, id)
	if err != nil {
		return "", err
	}
	return h.Result(ctx)
}

// TestWithoutKeysTheRunItselfIsStuck: input and history are sealed.
func TestWithoutKeysTheRunItselfIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		keys := runtime.Config{Codec: encrypted(t, key("k1", 1)), Logger: quiet}
		r := serveOn(t, s, keys, longRun())
		if _, err := longRun().Start(r.ctx, "tea", runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		r = serveOn(t, s, runtime.Config{Unsealed: true, Logger: quiet}, longRun())
		time.Sleep(2 * time.Hour)
		run, err := r.Get(r.ctx, "one")
		if err != nil || run.Status != store.Stuck || run.Error.Code != "sealed" || !strings.Contains(run.Error.Message, `key "k1", and no keys are given`) {
			t.Fatalf("run is %s, %+v, %v; want stuck", run.Status, run.Error, err)
		}
		r.stop()
		r = serveOn(t, s, keys, longRun())
		if _, err := r.Resume(r.ctx, "one"); err != nil {
			t.Fatal(err)
		}
		if run, err := r.Wait(r.ctx, "one"); err != nil || run.Status != store.Succeeded {
			t.Errorf("run is %s, %+v, %v", run.Status, run.Error, err)
		}
	})
}
