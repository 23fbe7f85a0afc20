package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// at is the time in a test, so many milliseconds after its run began.
func at(ms int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// row is a row of history that began and ended so many milliseconds after the
// run; end below zero: it has not.
func row(path string, attempt int, kind store.Kind, name string, status store.StepStatus, begin, end int) store.Step {
	s := store.Step{Path: path, Attempt: attempt, Kind: kind, Name: name, Status: status, StartedAt: at(begin), Epoch: 1}
	if end >= 0 {
		s.EndedAt = at(end)
	}
	return s
}

func failed(s store.Step, text string, next int) store.Step {
	s.Error = &store.Failure{Message: text}
	if next > 0 {
		s.WakeAt = at(next)
	}
	return s
}

func running() *runtime.Run {
	return &runtime.Run{ID: "r", Workflow: "w", Status: store.Running, CreatedAt: at(-1000), StartedAt: at(0)}
}

func ended(status store.Status, ms int) *runtime.Run {
	r := running()
	r.Status, r.EndedAt = status, at(ms)
	return r
}

// told writes a timeline as text: what a test compares.
func (t *timeline) told() string {
	var b strings.Builder
	for _, l := range t.Lines {
		fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", l.Depth), l.Path, l.State)
		for _, s := range l.Bars {
			end := "…"
			if !s.End.IsZero() {
				end = fmt.Sprint(s.End.Sub(at(0)).Milliseconds())
			}
			fmt.Fprintf(&b, " %s[%d,%s]", s.Look, s.Begin.Sub(at(0)).Milliseconds(), end)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTimelineLines(t *testing.T) {
	const ok, bad, again, waiting = store.StepSucceeded, store.StepFailed, store.StepRetrying, store.StepWaiting
	for _, tt := range []struct {
		name   string
		run    *runtime.Run
		rows   []store.Step
		active []runtime.Attempt
		now    int
		want   string
	}{
		{"a step after another", ended(store.Succeeded, 300), []store.Step{
			row("0", 1, store.KindStep, "a", ok, 0, 100), row("1", 1, store.KindStep, "b", ok, 100, 300),
		}, nil, 1000, `
0 succeeded work[0,100]
1 succeeded work[100,300]
`},
		{"attempts and the waits between them", ended(store.Succeeded, 900), []store.Step{
			failed(row("0", 1, store.KindStep, "a", again, 0, 100), "no", 300),
			failed(row("0", 2, store.KindStep, "a", again, 310, 400), "no", 800),
			row("0", 3, store.KindStep, "a", ok, 800, 900),
		}, nil, 1000, `
0 succeeded fail[0,100] retry[100,310] fail[310,400] retry[400,800] work[800,900]
`},
		{"the next attempt is awaited", running(), []store.Step{
			failed(row("0", 1, store.KindStep, "a", again, 0, 100), "no", 5000),
		}, nil, 1000, `
0 retrying fail[0,100] retry[100,…]
`},
		{"the next attempt is under way", running(), []store.Step{
			failed(row("0", 1, store.KindStep, "a", again, 0, 100), "no", 300),
		}, []runtime.Attempt{{Path: "0", Kind: store.KindStep, Name: "a", Number: 2, StartedAt: at(300)}}, 1000, `
0 running fail[0,100] retry[100,300] open[300,…]
`},
		{"a row that came since the attempt was listed counts", running(), []store.Step{
			row("0", 1, store.KindStep, "a", ok, 0, 100),
		}, []runtime.Attempt{{Path: "0", Kind: store.KindStep, Name: "a", Number: 1, StartedAt: at(0)}}, 1000, `
0 succeeded work[0,100]
`},
		{"nothing is recorded of the first attempt", running(), nil,
			[]runtime.Attempt{{Path: "0", Kind: store.KindStep, Name: "a", Number: 1, StartedAt: at(0)}}, 1000, `
0 running open[0,…]
`},
		{"waits are no work", running(), []store.Step{
			row("0", 0, store.KindSleep, "", waiting, 0, -1), row("0", 1, store.KindSleep, "", ok, 0, 500),
			row("1", 0, store.KindReceive, "topic", waiting, 500, -1),
		}, nil, 1000, `
0 succeeded wait[0,500]
1 waiting wait[500,…]
`},
		{"a run that ended keeps what was under way", ended(store.Cancelled, 700), []store.Step{
			row("0", 0, store.KindSleep, "", waiting, 0, -1),
			failed(row("1", 1, store.KindStep, "a", again, 0, 100), "no", 800),
		}, nil, 1000, `
0 stopped wait[0,700]
1 stopped fail[0,100] retry[100,700]
`},
		{"branches, in the order of their places", ended(store.Succeeded, 400), []store.Step{
			row("0.1", 1, store.KindStep, "b", ok, 50, 300), row("10", 1, store.KindStep, "z", ok, 300, 400),
			row("0.0", 1, store.KindStep, "a", ok, 0, 50), row("1", 0, store.KindResult, "", waiting, 0, -1), row("1", 1, store.KindResult, "", ok, 0, 300),
			row("2.0.0", 1, store.KindStep, "only", ok, 300, 310), row("2.1.0", 1, store.KindStep, "one of two", ok, 300, 310),
			failed(row("2.1.1", 1, store.KindStep, "two of two", bad, 310, 350), "no", 0),
		}, nil, 1000, `
0 succeeded span[0,300]
  0.0 succeeded work[0,50]
  0.1 succeeded work[50,300]
1 succeeded wait[0,300]
2 failed span[300,350]
    2.0.0 succeeded work[300,310]
  2.1 failed span[300,350]
    2.1.0 succeeded work[300,310]
    2.1.1 failed fail[310,350]
10 succeeded work[300,400]
`},
		{"compensations", ended(store.Failed, 500), []store.Step{
			row("0", 1, store.KindStep, "book", ok, 0, 100), failed(row("1", 1, store.KindStep, "pay", bad, 100, 200), "no", 0),
			failed(row("2", 1, store.KindReturn, "", bad, 200, 200), "no", 0), row("2.0", 1, store.KindCompensate, "unbook", ok, 200, 500),
		}, nil, 1000, `
0 succeeded work[0,100]
1 failed fail[100,200]
2 failed mark[200,200]
  2.0 succeeded undo[200,500]
`},
		{"moments", ended(store.Succeeded, 10), []store.Step{
			row("0", 1, store.KindNow, "", ok, 1, 1), row("1", 1, store.KindSetEvent, "e", ok, 2, 2),
			row("patch:p", 1, store.KindPatch, "p", ok, 0, 0),
		}, nil, 1000, `
0 succeeded mark[1,1]
patch:p succeeded mark[0,0]
1 succeeded mark[2,2]
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newTimeline(tt.run, tt.rows, tt.active, at(tt.now)).told()
			if want := strings.TrimPrefix(tt.want, "\n"); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// TestTimelineSpan: the axis holds all that is drawn, and grows by steps.
func TestTimelineSpan(t *testing.T) {
	for _, tt := range []struct {
		name       string
		run        *runtime.Run
		rows       []store.Step
		now        int
		begin, end int
	}{
		{"of an ended run: from its start to its end", ended(store.Succeeded, 321), nil, 9000, 0, 321},
		{"of one that runs: with room", running(), nil, 1234, 0, 1500},
		{"of one that never began", &runtime.Run{Status: store.Queued, CreatedAt: at(-1000)}, nil, 0, -1000, 200},
		{"copied steps are of another time", ended(store.Succeeded, 100), []store.Step{
			{Path: "0", Attempt: 1, Kind: store.KindStep, Status: store.StepSucceeded, StartedAt: at(-99999), EndedAt: at(-99990)},
		}, 9000, 0, 100},
		{"of a run of no length", ended(store.Succeeded, 0), nil, 9000, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tl := newTimeline(tt.run, tt.rows, nil, at(tt.now))
			if !tl.Begin.Equal(at(tt.begin)) || !tl.End.Equal(at(tt.end)) {
				t.Errorf("spans %v to %v, want %v to %v", tl.Begin.Sub(at(0)), tl.End.Sub(at(0)), tt.begin, tt.end)
			}
		})
	}
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		length time.Duration
		want   string
	}{
		{time.Millisecond, "0 200 µs 400 µs 600 µs 800 µs 1 ms"},
		{3 * time.Second, "0 1 s 2 s 3 s"},
		{7500 * time.Millisecond, "0 2 s 4 s 6 s"},
		{90 * time.Second, "0 30 s 1 min 1 min 30 s"},
		{26 * time.Hour, "0 6 h 12 h 18 h 1 d"},
		{40 * 24 * time.Hour, "0 7 d 14 d 21 d 28 d 35 d"},
	} {
		tl := &timeline{Origin: at(0), Begin: at(0), End: at(0).Add(tt.length)}
		var labels []string
		for _, tick := range tl.Ticks() {
			labels = append(labels, tick.Label)
			if tick.At < 0 || tick.At > 100 {
				t.Errorf("%v: tick %s is at %v", tt.length, tick.Label, tick.At)
			}
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("%v: ticks %q, want %q", tt.length, got, tt.want)
		}
	}
	for length := time.Microsecond; length < 100*365*day; length += length/3 + 1 {
		tl := &timeline{Origin: at(0), Begin: at(0), End: at(0).Add(length)}
		if n := len(tl.Ticks()); n < 2 || n > maxTicks+1 {
			t.Errorf("%v: %d ticks", length, n)
		}
		if grown := roomy(length); grown <= length || grown > 2*length && grown > 2*time.Second {
			t.Errorf("an axis of %v grows to %v", length, grown)
		}
	}
}

// TestTimelineZoom: the axis spans what it is zoomed to, and what is beside it
// is not drawn.
func TestTimelineZoom(t *testing.T) {
	rows := []store.Step{
		row("0", 1, store.KindSleep, "", store.StepSucceeded, 0, 100_000),
		row("1.0", 1, store.KindStep, "a", store.StepSucceeded, 100_000, 100_010), row("1.1", 1, store.KindStep, "b", store.StepSucceeded, 100_010, 100_040),
		row("2", 1, store.KindSleep, "", store.StepSucceeded, 100_040, 300_000),
	}
	tl := newTimeline(ended(store.Succeeded, 300_000), rows, nil, at(400_000))
	for _, tt := range []struct{ zoom, span, drawn string }{
		{"", "5 min 0 s", "0 1 1.0 1.1 2"}, {"1", "40 ms", "0 1 1.0 1.1 2"}, {"1.1", "30 ms", "1 1.0 1.1 2"}, {"2", "3 min 19 s", "1 1.1 2"}, {"9", "5 min 0 s", "0 1 1.0 1.1 2"}, {"<x>", "5 min 0 s", "0 1 1.0 1.1 2"},
	} {
		v := tl.window("r", "", timelinePart{Zoom: tt.zoom})
		var drawn []string
		for _, l := range v.Lines {
			if len(l.Shapes) > 0 {
				drawn = append(drawn, l.Path)
			}
		}
		if got := strings.Join(drawn, " "); v.Duration != tt.span || got != tt.drawn {
			t.Errorf("zoomed to %q it spans %s and draws %s, want %s and %s", tt.zoom, v.Duration, got, tt.span, tt.drawn)
		}
	}
	if q := string(timelinePart{Only: "trouble", Zoom: "4.0"}.Query(200)); q != "only=trouble&skip=200&zoom=4.0" {
		t.Errorf("the query is %s", q)
	}
}
