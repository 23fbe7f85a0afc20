package ui

import (
	"bytes"
	"flag"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// drawing renders timelines without an engine.
func drawing() *UI {
	u := &UI{cfg: Config{Prefix: "/ui", Logger: slog.New(slog.DiscardHandler)}}
	u.pages = u.parse()
	return u
}

// TestTimelineGolden: a run with all there is to draw, as HTML and SVG. Look at
// what -update changes.
func TestTimelineGolden(t *testing.T) {
	const ok, bad, again, waiting, cut = store.StepSucceeded, store.StepFailed, store.StepRetrying, store.StepWaiting, store.StepCancelled
	child := row("4", 1, store.KindChild, "", ok, 2300, 2302)
	child.ChildID = "r:4"
	result := row("5", 1, store.KindResult, "r:4", ok, 2302, 4000)
	result.ChildID = "r:4"
	copied := row("0", 1, store.KindStep, "copied", ok, -90000, -80000)
	copied.Epoch = 0
	rows := []store.Step{
		copied,
		failed(row("1", 1, store.KindStep, `charge <b>"it"</b>`, again, 0, 400), "refused", 900),
		failed(row("1", 2, store.KindStep, `charge <b>"it"</b>`, again, 900, 1300), "refused", 2000),
		row("1", 3, store.KindStep, `charge <b>"it"</b>`, ok, 2000, 2200),
		row("2", 1, store.KindSetEvent, "progress", ok, 2200, 2200),
		row("3.0.0", 1, store.KindStep, "pick", ok, 2200, 2250), row("3.0.1", 1, store.KindTx, "pack", ok, 2250, 2300),
		row("3.1.0", 1, store.KindStep, "pick", ok, 2200, 2280), failed(row("3.1.1", 1, store.KindStep, "pack", bad, 2280, 2290), "no box", 0),
		child, result,
		row("6", 0, store.KindSleep, "", waiting, 4000, -1), row("6", 1, store.KindSleep, "", ok, 4000, 6000),
		row("patch:faster", 1, store.KindPatch, "faster", ok, 0, 0),
		row("7", 1, store.KindStep, "ship", cut, 6000, 7000),
		failed(row("8", 1, store.KindReturn, "", bad, 7000, 7000), "run was cancelled", 0),
		row("8.0", 1, store.KindCompensate, "refund", ok, 7000, 7500),
	}
	live := []store.Step{
		row("0", 1, store.KindStep, "first", ok, 0, 500),
		failed(row("1", 1, store.KindStep, "second", again, 500, 700), "no", 5000),
		row("2", 0, store.KindReceive, "go", waiting, 500, -1),
	}
	active := []runtime.Attempt{{Path: "3", Kind: store.KindStep, Name: "third", Number: 1, StartedAt: at(900)}}
	u := drawing()
	for name, tl := range map[string]*timeline{
		"ended": newTimeline(ended(store.Cancelled, 7500), rows, nil, at(99999)),
		"live":  newTimeline(running(), live, active, at(1500)),
	} {
		v := tl.window("r", "other", timelinePart{})
		var b bytes.Buffer
		for _, part := range []string{"timeline-axis", "timeline-grid", "timeline-lines"} {
			b.Write(u.fragment("run", part, v))
			b.WriteByte('\n')
		}
		golden(t, "timeline-"+name+".html", b.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it anew):\n%s", file, diff)
	}
}

// TestTimelineOfAnything: whatever a history holds, all is drawn within the
// axis, each step has one line, and no window is larger than its bound.
func TestTimelineOfAnything(t *testing.T) {
	kinds := []store.Kind{store.KindStep, store.KindSleep, store.KindReceive, store.KindChild, store.KindNow, store.KindTx, store.KindReturn, store.KindCompensate, store.KindUpdate, 99}
	statuses := []store.StepStatus{store.StepWaiting, store.StepSucceeded, store.StepFailed, store.StepRetrying, store.StepCancelled}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		paths := map[string]bool{}
		rows := make([]store.Step, r.IntN(600))
		for i := range rows {
			parts := make([]string, 1+r.IntN(4))
			for j := range parts {
				parts[j] = strconv.Itoa(r.IntN(6))
			}
			path := strings.Join(parts, ".")
			paths[path] = true
			begin := r.IntN(100_000) - 10_000
			rows[i] = row(path, r.IntN(3), kinds[r.IntN(len(kinds))], "s", statuses[r.IntN(len(statuses))], begin, begin+r.IntN(1000)-50)
			rows[i].Epoch = int64(r.IntN(5))
			if r.IntN(4) == 0 {
				rows[i].EndedAt = rows[i].EndedAt.AddDate(-r.IntN(3000), 0, 0)
			}
		}
		run := running()
		if r.IntN(2) == 0 {
			run = ended(store.Statuses()[4+r.IntN(3)], r.IntN(100_000))
		}
		run.Base = r.IntN(2)
		tl := newTimeline(run, rows, nil, at(r.IntN(200_000)))
		if tl.Steps != len(paths) || !tl.End.After(tl.Begin) {
			t.Fatalf("seed %d: %d steps of %d paths, from %v to %v", seed, tl.Steps, len(paths), tl.Begin, tl.End)
		}
		seen := map[string]bool{}
		for skip := 0; skip == 0 || skip < len(tl.Lines); skip += lineWindow {
			v := tl.window("r", "", timelinePart{Skip: skip})
			if len(v.Lines) > lineWindow || len(v.Ticks) > maxTicks+1 {
				t.Fatalf("seed %d: a window of %d lines and %d ticks", seed, len(v.Lines), len(v.Ticks))
			}
			for _, l := range v.Lines {
				if seen[l.ID] {
					t.Fatalf("seed %d: two lines are %s", seed, l.ID)
				}
				seen[l.ID] = true
				for _, s := range l.Shapes {
					if s.X < 0 || s.W <= 0 || s.End() > 100+hairWidth {
						t.Fatalf("seed %d: %s has a bar from %v to %v", seed, l.Path, s.X, s.End())
					}
				}
			}
		}
		if len(seen) != len(tl.Lines) {
			t.Fatalf("seed %d: %d lines are shown of %d", seed, len(seen), len(tl.Lines))
		}
	}
}
