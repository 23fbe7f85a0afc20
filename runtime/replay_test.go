package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// record runs w to its end and returns its history, through its exported form.
func record[In, Out any](t *testing.T, cfg runtime.Config, w *runtime.Workflow[In, Out], in In, more ...runtime.Definition) *runtime.History {
	t.Helper()
	cfg.Logger = quiet
	ctx := serve(t, cfg, append(more, w)...)
	h, err := w.Start(ctx, in, runtime.ID("recorded"))
	if err != nil {
		t.Fatal(err)
	}
	h.Result(ctx) // an error is recorded, too
	return exported(t, ctx, "recorded")
}

func exported(t *testing.T, ctx context.Context, id string) *runtime.History {
	t.Helper()
	h, err := runtime.Export(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(h, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	back, err := runtime.ParseHistory(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return back
}

// TestReplayOfEveryPrefix replays what a crash after each of the rows would
// have left: it fits, and nothing is executed.
func TestReplayOfEveryPrefix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		eff := &effects{}
		parent, child := everything(eff)
		h := record(t, runtime.Config{}, parent, "x", child)
		if h.Run.Status != store.Succeeded || len(h.Steps) < 20 {
			t.Fatalf("run is %s with %d rows", h.Run.Status, len(h.Steps))
		}
		before := eff.all()
		for n := range len(h.Steps) + 1 {
			part := &runtime.History{Run: h.Run, Steps: h.Steps[:n]}
			if n < len(h.Steps) {
				part.Run.Status = store.Waiting
			}
			if err := runtime.Replay(t.Context(), part, parent, child); err != nil {
				t.Errorf("the first %d rows: %v", n, err)
			}
		}
		if diff := cmp.Diff(before, eff.all()); diff != "" {
			t.Errorf("the replays executed steps (-before +after):\n%s", diff)
		}
	})
}

// TestReplayTellsWhatDiffers holds each row of a history against other code.
func TestReplayTellsWhatDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := record(t, runtime.Config{}, once(func(ctx context.Context) (int, error) {
			if _, err := step(ctx, "a"); err != nil {
				return 0, err
			}
			if err := rest(ctx); err != nil {
				return 0, err
			}
			f := runtime.Go(ctx, func(ctx context.Context) (int, error) { return step(ctx, "in branch") })
			if _, err := f.Wait(ctx); err != nil {
				return 0, err
			}
			return step(ctx, "b")
		}), struct{}{})
		branch := func(name string) fn {
			return func(ctx context.Context) (int, error) {
				step(ctx, "a")
				rest(ctx)
				runtime.Go(ctx, func(ctx context.Context) (int, error) { return step(ctx, name) }).Wait(ctx)
				return step(ctx, "b")
			}
		}
		for name, c := range map[string]struct {
			code fn
			want string // "": it fits
		}{
			"the same":     {branch("in branch"), ""},
			"another name": {func(ctx context.Context) (int, error) { return step(ctx, "z") }, `at 0 the history has step "a", the code came with step "z"`},
			"another kind": {func(ctx context.Context) (int, error) { return 0, rest(ctx) }, `at 0 the history has step "a", the code came with sleep`},
			"an early end": {func(ctx context.Context) (int, error) { return step(ctx, "a") }, `at 3 the history has step "b", the code came with the end of the function`},
			"in a branch":  {branch("other"), `at 2.0 the history has step "in branch", the code came with step "other"`},
			"another type": {func(ctx context.Context) (int, error) {
				_, err := runtime.Step(ctx, "a", func(context.Context) (string, error) { return "", nil })
				return 0, err
			}, "no longer fits string"},
			"another output": {func(ctx context.Context) (int, error) { n, err := branch("in branch")(ctx); return n + 1, err },
				"at its end the history has output 1, the code came with 2"},
			"another end": {func(ctx context.Context) (int, error) {
				branch("in branch")(ctx)
				return 0, errors.New("new in this version")
			}, "at its end the history has succeeded, the code came with failed: new in this version"},
			"more at the end": {func(ctx context.Context) (int, error) { branch("in branch")(ctx); return step(ctx, "c") }, ""},
		} {
			err := runtime.Replay(t.Context(), h, once(c.code))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", name, err)
			case c.want == "":
			case !errors.Is(err, runtime.ErrNondeterministic) || !strings.Contains(fmt.Sprint(err), c.want):
				t.Errorf("%s: got %v; want %s", name, err, c.want)
			}
		}
		if err := runtime.Replay(t.Context(), h); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("without the workflow: %v; want not found", err)
		}
	})
}

// TestReplayOfAStoppedRun follows the code through what it did after it was
// told to stop, and executes nothing of it.
func TestReplayOfAStoppedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told, ran atomic.Int32
		w := once(func(ctx context.Context) (int, error) {
			step(ctx, "a")
			if err := rest(ctx); errors.Is(err, runtime.ErrCancelled) {
				told.Add(1)
				runtime.Step(ctx, "too late", func(context.Context) (int, error) { ran.Add(1); return 0, nil })
				return 0, err
			}
			return 1, nil
		})
		ctx := serve(t, runtime.Config{Logger: quiet}, w)
		h, err := w.Start(ctx, struct{}{}, runtime.ID("r"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if err := h.Cancel(ctx); err != nil {
			t.Fatal(err)
		}
		h.Result(ctx)
		past := exported(t, ctx, "r")
		if past.Run.Stop != store.StopCancel || past.Run.Status != store.Cancelled {
			t.Fatalf("exported as %s, stop %d", past.Run.Status, past.Run.Stop)
		}
		if err := runtime.Replay(t.Context(), past, w); err != nil || told.Load() != 2 || ran.Load() != 0 {
			t.Errorf("replay: %v; told %d times (want live and in replay), ran %d steps", err, told.Load(), ran.Load())
		}
	})
}

// TestReplayTouchesNothing calls what works outside of steps, too.
func TestReplayTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var errs []error
		w := once(func(ctx context.Context) (int, error) {
			_, err := runtime.List(ctx, runtime.Filter{})
			errs = []error{err, runtime.Cancel(ctx, "other"), runtime.Resume(ctx, "other")}
			return step(ctx, "a")
		})
		h := &runtime.History{Run: runtime.Run{ID: "r", Workflow: w.Name(), Status: store.Running}}
		if err := runtime.Replay(t.Context(), h, w); err != nil {
			t.Fatal(err)
		}
		for _, err := range errs {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("a call that needs the store gave %v; want that this is a replay", err)
			}
		}
	})
}

// TestReplayEndsWithItsContext: the function waits for what will not come.
func TestReplayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, nil })
		h := &runtime.History{Run: runtime.Run{ID: "r", Workflow: w.Name(), Status: store.Running}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := runtime.Replay(ctx, h, w); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// reversed stands for a codec whose output is not JSON.
type reversed struct{ runtime.JSON }

func (r reversed) Encode(v any) ([]byte, error) {
	data, err := r.JSON.Encode(v)
	return append([]byte{0xff}, data...), err
}

func (r reversed) Decode(data []byte, v any) error {
	return r.JSON.Decode(bytes.TrimPrefix(data, []byte{0xff}), v)
}

// TestExportedFormIsComplete reads back what was written, with payloads of
// both kinds.
func TestExportedFormIsComplete(t *testing.T) {
	for name, codec := range map[string]runtime.Codec{"json": runtime.JSON{}, "binary": reversed{}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, child := everything(&effects{})
				ctx := serve(t, runtime.Config{Codec: codec, Logger: quiet, Version: "v7"}, parent, child)
				h, err := parent.Start(ctx, "<x> & 9007199254740993", runtime.ID("r"), runtime.Priority(-3), runtime.Deadline(time.Now().Add(48*time.Hour)),
					runtime.Labels(map[string]string{"a": "b"}))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := h.Result(ctx); err != nil {
					t.Fatal(err)
				}
				want, err := runtime.Export(ctx, "r")
				if err != nil {
					t.Fatal(err)
				}
				got := exported(t, ctx, "r")
				inner := []cmp.Option{
					cmpopts.IgnoreFields(store.Run{}, "Seq", "Epoch", "QueuedAt", "Resumes", "Signals", "Trace"),
					cmpopts.IgnoreFields(store.Step{}, "Pos", "Epoch"), cmpopts.EquateEmpty(),
				}
				if diff := cmp.Diff(want, got, inner...); diff != "" {
					t.Errorf("exported and read again (-want +got):\n%s", diff)
				}
				if got.Run.Trace.TraceID != want.Run.Trace.TraceID {
					t.Errorf("the trace id changed")
				}
				if err := runtime.ReplayWith(t.Context(), runtime.Config{Codec: codec}, got, parent, child); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestExportOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := serve(t, runtime.Config{Logger: quiet})
		if _, err := runtime.Export(ctx, "nope"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("export of no run: %v", err)
		}
		if _, err := runtime.Export(ctx, "a b"); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("export of no id: %v", err)
		}
		if _, err := runtime.Export(t.Context(), "nope"); !errors.Is(err, runtime.ErrNoRuntime) {
			t.Errorf("export without a runtime: %v", err)
		}
	})
}

func TestForeignHistoriesAreRefused(t *testing.T) {
	const run = `"run":{"id":"a","workflow":"w","status":"running"}`
	for text, want := range map[string]string{
		`{`:                               "malformed JSON",
		`[]`:                              "want a JSON object",
		`{}`:                              "it has no field stepwell_history",
		`{"stepwell_history":2,"run":[]}`: "it is of format 2, this version reads 1 to 1",
		`{"stepwell_history":0}`:          "it is of format 0",
		`{"stepwell_history":"1"}`:        "want an integer",
		`{"stepwell_history":1}`:          "the run has no id",
		`{"stepwell_history":1,"run":{"id":"a","workflow":"w","status":"done"}}`:                                 `unknown status "done"`,
		`{"stepwell_history":1,"run":{"id":"a","workflow":"w","status":"running","stop":"no"}}`:                  `stop is "no"`,
		`{"stepwell_history":1,"run":{"id":"a","workflow":"w","status":"running","trace_id":"12"}}`:              `trace_id is "12"`,
		`{"stepwell_history":1,` + run + `,"steps":[{"path":"0","attempt":1,"status":"succeeded"}]}`:             "row 0 of steps has no path, no kind",
		`{"stepwell_history":1,` + run + `,"steps":[{"path":"0","kind":"magic","status":"succeeded"}]}`:          `unknown kind of step "magic"`,
		`{"stepwell_history":1,` + run + `,"steps":[{"path":"0","kind":"step","status":"perhaps"}]}`:             `unknown status of a step "perhaps"`,
		`{"stepwell_history":1,` + run + `,"steps":[{"path":"0","kind":"step","status":"failed","ended_at":1}]}`: "Time.UnmarshalJSON",
	} {
		if _, err := runtime.ParseHistory([]byte(text)); !errors.Is(err, runtime.ErrHistoryFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %s", text, err, want)
		}
	}
	if _, err := runtime.ParseHistory([]byte(`{"stepwell_history":1,` + run + `,"added later":true}`)); err != nil {
		t.Errorf("an addition is not passed over: %v", err)
	}
}

// FuzzHistory: what can be read can be written and read again, and replayed
// without a panic.
func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"stepwell_history":1,"run":{"id":"a","workflow":"once","status":"running","input":{}},"steps":[` +
		`{"path":"0","attempt":1,"kind":"step","name":"a","status":"retrying","wake_at":"2026-01-02T03:04:05.000006Z"}]}`))
	f.Add([]byte(`{"stepwell_history":1,"run":{"id":"a","workflow":"once","status":"failed","stop":"deadline","input_base64":"/w=="},"steps":[` +
		`{"path":"..7","attempt":-1,"kind":"select","status":"waiting","output":[1]}]}`))
	w := once(func(ctx context.Context) (int, error) {
		step(ctx, "a")
		return 1, rest(ctx)
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := runtime.ParseHistory(data)
		if err != nil {
			return
		}
		out, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		again, err := runtime.ParseHistory(out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("read again (-first +second):\n%s", diff)
		}
		runtime.Replay(t.Context(), h, w)
	})
}
