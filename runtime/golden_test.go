package runtime_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// golden are histories that were recorded once and are never recorded again:
// what this version makes of them is what it makes of the runs that live in
// people's databases. One that does not fit any more is a bug in the engine. A
// new kind of row gets a new file and a new workflow, with -record.
var golden = map[string]string{ // name to SHA-256
	"continued-1":    "f5b67553740cc5657556c208f515d224fe438082716093ba10bae517fdb6c988",
	"forked-1":       "ed5a8c8269c5531fc67a19551ac38caa48afee5855888f759e07a3bb07261c98",
	"cancelled-1":    "fd9eaccc3e27518c6e2211e64c05c8d69ee787000179f0adcd582e56056485ef",
	"everything-1":   "027bcd5dad9c867fdaa2fb6fda5d7969d9bfc41e5f9085059730746ca6c6891b",
	"failed-1":       "3403acfde6eafcb6a16379bafacec67fd826cabd87bc278c741e377a6f1a4c4f",
	"mailbox-1":      "1efbe9397133e23f4a50db1d2e332d53b27f3907f79287cb24a078bb3c10b7e9",
	"retrying-1":     "fb0a9160162564444c7983690c701b932926ad351be4dfba146f4019d12898a2",
	"waiting-1":      "425a73e352b57347aefc847572715fd3becc7b2ab45ff405c6e263e84b2c72f1",
	"compensated-1":  "767b4faaa7edddea19b04415be6b1cdb869bb291ed1a9ac65a5431a6649cc37c",
	"compensating-1": "e3a7a3e3501fa18a102e874af854124cec412712426b4a67ecfb186801b47052",
}

var recordNew = flag.String("record", "", "record this golden history, which must not exist yet")

// goldenWorkflows made the golden histories. They are never changed.
func goldenWorkflows() (defs []runtime.Definition, run map[string]func(ctx context.Context) error) {
	parent, child := goldenEverything()
	failing := runtime.Define("golden-failing", func(ctx context.Context, n int) (int, error) {
		_, err := runtime.Step(ctx, "fails", func(context.Context) (int, error) { return 0, runtime.Permanent(errors.New("no")) })
		if _, notes := goldenStep(ctx, "notes it"); notes != nil {
			return 0, notes
		}
		return n, err
	})
	talker, writer := goldenMailbox()
	changed := goldenChange()
	booking := goldenBooking()
	return []runtime.Definition{parent, child, failing, talker, writer, changed, booking, goldenTable}, map[string]func(ctx context.Context) error{
		"everything-1": func(ctx context.Context) error {
			h, err := parent.Start(ctx, "x", runtime.ID("everything-1"), runtime.Labels(map[string]string{"golden": "yes"}))
			if err == nil {
				_, err = h.Result(ctx)
			}
			return err
		},
		// Before the third attempt of a step.
		"retrying-1": func(ctx context.Context) error {
			_, err := parent.Start(ctx, "y", runtime.ID("retrying-1"))
			time.Sleep(15 * time.Second)
			return err
		},
		// While three branches sleep.
		"waiting-1": func(ctx context.Context) error {
			_, err := parent.Start(ctx, "y", runtime.ID("waiting-1"))
			time.Sleep(60 * time.Second)
			return err
		},
		"cancelled-1": func(ctx context.Context) error {
			h, err := parent.Start(ctx, "z", runtime.ID("cancelled-1"))
			if err != nil {
				return err
			}
			time.Sleep(30 * time.Minute)
			if err := h.Cancel(ctx); err != nil {
				return err
			}
			h.Result(ctx)
			return nil
		},
		"mailbox-1": func(ctx context.Context) error {
			h, err := talker.Start(ctx, "x", runtime.ID("mailbox-1"))
			if err == nil {
				_, err = h.Result(ctx)
			}
			return err
		},
		"continued-1": goldenContinued(changed),
		"forked-1":    goldenForked(changed),
		// Cancelled, with all that it did undone.
		"compensated-1": func(ctx context.Context) error {
			h, err := booking.Start(ctx, "x", runtime.ID("compensated-1"))
			if err != nil {
				return err
			}
			time.Sleep(30 * time.Minute)
			if err := h.Cancel(ctx); err != nil {
				return err
			}
			h.Result(ctx)
			return nil
		},
		// Failed, before the second attempt of a compensation.
		"compensating-1": func(ctx context.Context) error {
			_, err := booking.Start(ctx, "no car", runtime.ID("compensating-1"))
			time.Sleep(10 * time.Second)
			return err
		},
		"failed-1": func(ctx context.Context) error {
			h, err := failing.Start(ctx, 7, runtime.ID("failed-1"))
			if err == nil {
				h.Result(ctx)
			}
			return err
		},
	}
}

// goldenEverything uses what there was when it was recorded.
func goldenEverything() (parent, child *runtime.Workflow[string, []string]) {
	child = runtime.Define("golden-child", func(ctx context.Context, in string) ([]string, error) {
		got, err := goldenStep(ctx, "in child")
		return []string{in, got}, err
	})
	parent = runtime.Define("golden-everything", func(ctx context.Context, in string) ([]string, error) {
		var out []string
		if _, err := runtime.NewID(ctx); err != nil {
			return nil, err
		}
		at, err := runtime.Now(ctx)
		if err != nil {
			return nil, err
		}
		flaky, err := runtime.Step(ctx, "flaky", func(ctx context.Context) (int, error) {
			if place, _ := runtime.Current(ctx); place.Attempt < 3 {
				return 0, errors.New("not yet")
			}
			return 2, nil
		}, runtime.Retry{Max: 4, Initial: 10 * time.Second}, runtime.Timeout(time.Minute))
		if err != nil || flaky != 2 {
			return nil, err
		}
		slow := runtime.Go(ctx, func(ctx context.Context) (string, error) {
			if err := runtime.SleepUntil(ctx, at.Add(time.Hour)); err != nil {
				return "", err
			}
			return goldenStep(ctx, "slow branch")
		})
		fast := runtime.Go(ctx, func(ctx context.Context) (string, error) { return goldenStep(ctx, "fast branch") })
		first, err := runtime.Select(ctx, slow, fast)
		if err != nil {
			return nil, err
		}
		out = append(out, []string{"slow", "fast"}[first])
		items, err := runtime.Map(ctx, []string{"a", "b", "c"}, 2, func(ctx context.Context, item string) (string, error) {
			if err := runtime.Sleep(ctx, time.Minute); err != nil {
				return "", err
			}
			return goldenStep(ctx, "item "+item, runtime.Compute())
		})
		if err != nil {
			return nil, err
		}
		late, err := slow.Wait(ctx)
		if err != nil {
			return nil, err
		}
		c, err := child.Call(ctx, "child of "+in)
		if err != nil {
			return nil, err
		}
		return append(append(append(out, items...), late), c...), nil
	})
	return parent, child
}

func goldenStep(ctx context.Context, name string, opts ...runtime.StepOption) (string, error) {
	return runtime.Step(ctx, name, func(context.Context) (string, error) { return name, nil }, opts...)
}

// TestGoldenHistories replays them all, and sees that none was touched.
func TestGoldenHistories(t *testing.T) {
	defs, run := goldenWorkflows()
	if *recordNew != "" {
		synctest.Test(t, func(t *testing.T) { recordGolden(t, *recordNew, run[*recordNew], defs) })
	}
	files, err := filepath.Glob(goldenFile("*"))
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d files, %v; want those of the %d that are listed", len(files), err, len(golden))
	}
	for name, sum := range golden {
		data, err := os.ReadFile(goldenFile(name))
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s was changed: restore it; a golden history is never recorded again (its sum is %x)", name, got)
		}
		h, err := runtime.ParseHistory(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := runtime.Replay(t.Context(), h, defs...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// And it is held against the code: with a row renamed it does not fit.
		for i := range h.Steps {
			if row := &h.Steps[i]; row.Status.Final() {
				row.Name += " renamed"
				if err := runtime.Replay(t.Context(), h, defs...); !errors.Is(err, runtime.ErrNondeterministic) {
					t.Errorf("%s, row %d renamed: %v", name, i, err)
				}
				break
			}
		}
	}
}

func goldenFile(name string) string { return filepath.Join("testdata", "histories", name+".json") }

func recordGolden(t *testing.T, name string, run func(context.Context) error, defs []runtime.Definition) {
	if run == nil {
		t.Fatalf("no workflow makes %s", name)
	}
	ctx := serve(t, runtime.Config{Executor: "golden", Version: "1", Logger: quiet}, defs...)
	if err := run(ctx); err != nil {
		t.Fatal(err)
	}
	h, err := runtime.Export(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(goldenFile(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(data, '\n')); err != nil {
		t.Fatal(err)
	}
}
