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

var unreadable = []string{"", "a\x1b[31m", "a\nb", "a\x00", "\xff", "\u009b31m"}

// TestStepNamesThatAreRefused: nothing is done, and the next step has their place, in
// a replay too.
func TestStepNamesThatAreRefused(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		did := 0
		w := runtime.Define("w", func(ctx context.Context, _ string) (string, error) {
			out := ""
			for _, name := range unreadable {
				_, err := runtime.Step(ctx, name, func(context.Context) (int, error) { did++; return 1, nil })
				_, txErr := runtime.Tx(ctx, name, func(context.Context, *sql.Tx) (int, error) { did++; return 1, nil })
				for _, err := range []error{err, txErr} {
					if !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), "want 1 or more characters, no control characters among them") {
						return "", errors.New("not refused: " + name)
					}
				}
				got, err := runtime.Step(ctx, "é — 漢 "+string(rune('a'+len(out))), func(context.Context) (string, error) { return "x", nil })
				if err != nil {
					return "", err
				}
				out += got
			}
			return out, runtime.Sleep(ctx, time.Hour)
		})
		crashThenEnd(t, openStore(t), kill, w, "", "xxxxxx")
		if did > 0 {
			t.Errorf("%d steps were executed", did)
		}
	})
}

// oldName is a store from before names were looked at: it has recorded one that
// would be refused.
type oldName struct {
	store.Store
	name string
}

func (s oldName) Record(ctx context.Context, c store.Claim, step *store.Step) error {
	if step.Name == "old" {
		row := *step
		row.Name = s.name
		step = &row
	}
	return s.Store.Record(ctx, c, step)
}

// TestNamesOfOldReplay: what is recorded under a name that is refused now stands,
// a step that is to be tried again goes on, and no other takes its place.
func TestNamesOfOldReplay(t *testing.T) {
	for _, name := range unreadable[:3] {
		for attempts := 1; attempts <= 2; attempts++ {
			synctest.Test(t, func(t *testing.T) {
				s := openStore(t)
				tries := 0
				w := func(name string) *runtime.Workflow[struct{}, int] {
					return once(func(ctx context.Context) (int, error) {
						out, err := runtime.Step(ctx, name, func(context.Context) (int, error) {
							if tries++; tries < attempts {
								return 0, errors.New("not yet")
							}
							return tries, nil
						}, runtime.Retry{Max: 2, Initial: time.Hour})
						if err != nil {
							return 0, err
						}
						return out, rest(ctx)
					})
				}
				old := w("old")
				r := serveOn(t, oldName{s, name}, runtime.Config{Logger: quiet}, old)
				if _, err := old.Start(r.ctx, struct{}{}, runtime.ID("one")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				r.stop()
				r = serveOn(t, s, runtime.Config{Logger: quiet}, w(name))
				run, err := r.Wait(r.ctx, "one")
				if err != nil || run.Status != store.Succeeded || tries != attempts {
					t.Errorf("%q, tried %d times: %s %s, %+v, %v", name, tries, run.Status, run.Output, run.Error, err)
				}
			})
		}
	}
}

func TestLabelsThatAreRefused(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) { return step(ctx, "a") })
	nightly := runtime.Cron("nightly", "@daily", w)
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, nightly)
	<-r.Recovered()
	for label, want := range map[[2]string]string{
		{"stepwell.schedule", "nightly"}: `names that begin with "stepwell." are kept for the engine`,
		{"stepwell.", "x"}:               `kept for the engine`,
		{"a", "x\x1b[2J"}:                `label "a": value "x\x1b[2J": want text without control characters`,
		{"a", "x\n"}:                     "without control characters",
		{"a", "\xff"}:                    "without control characters",
		{"a b", "x"}:                     "want 1 to 63 letters",
	} {
		l := runtime.Labels(map[string]string{label[0]: label[1]})
		if _, err := w.Start(r.ctx, struct{}{}, l); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v; want %s", label, err, want)
		}
		_, err := runtime.New(openStore(t), runtime.Config{Logger: quiet}, runtime.Cron("c", "@daily", w, runtime.StartWith(l)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q of a schedule: got %v; want %s", label, err, want)
		}
	}
	if _, err := w.Start(r.ctx, struct{}{}, runtime.Labels(map[string]string{"stepwell": "x", "team": "Zürich — 漢"})); err != nil {
		t.Error(err)
	}
	// The engine's own go on to be given, and are taken over by a fork.
	run, err := r.TriggerSchedule(r.ctx, "nightly")
	if err != nil || run.Labels["stepwell.schedule"] != "nightly" {
		t.Fatalf("triggered: %v, %v", run.Labels, err)
	}
	if run, err = r.Wait(r.ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	if fork, err := r.Fork(r.ctx, run.ID, "0"); err != nil || fork.Labels["stepwell.schedule"] != "nightly" {
		t.Errorf("forked: %v, %v", fork.Labels, err)
	}
}
