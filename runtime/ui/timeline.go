package ui

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// timeline is a run as it is drawn: its steps in the order of their paths, and
// the time they are drawn against.
type timeline struct {
	Origin     time.Time // from which times are counted: the begin of the run
	Begin, End time.Time // what the axis spans
	Now        time.Time // zero once the run has ended
	Lines      []stepLine
	// Steps counts the lines that are steps, Failed those that failed and
	// Retried those with more than one attempt.
	Steps, Failed, Retried int
}

// stepLine is one row of a timeline: a step, or the branches that begin at a path.
type stepLine struct {
	Path  string
	Depth int
	Kind  store.Kind // zero: a heading over branches
	Name  string
	State stepState
	// Tries are the attempts that were recorded, and the one under way.
	Tries []stepTry
	// Bars are what is drawn, in the order of time.
	Bars []stepBar
	// Begin and End bound it; End is zero while it goes on.
	Begin, End time.Time
	// Wake is when a wait ends by itself or the next attempt is due.
	Wake time.Time
	// Other is the run that the step concerns.
	Other string
	// Copied: it is from the run that this one was forked from.
	Copied bool
	// Below counts the steps below a heading.
	Below int
}

// heading reports whether the line stands for branches and no step.
func (l *stepLine) heading() bool { return l.Kind == 0 }

// stepTry is one try of a step, or the wait that a step is.
type stepTry struct {
	Number     int
	Begin, End time.Time // End is zero while it goes on
	State      stepState
	Error      *store.Failure
	Next       time.Time // when the one after it is, or was, due
}

// stepState says how a step, or an attempt of it, stands.
type stepState string

const (
	stateRunning   stepState = "running"
	stateWaiting   stepState = "waiting"
	stateRetrying  stepState = "retrying"
	stateSucceeded stepState = "succeeded"
	stateFailed    stepState = "failed"
	stateCancelled stepState = "cancelled"
	// stateStopped: what was under way when the run ended, or got stuck.
	stateStopped stepState = "stopped"
)

// stepBar is a stretch of time in a line.
type stepBar struct {
	Look       barLook
	Begin, End time.Time // End is zero while it goes on
	Attempt    int
}

// barLook is how a bar is drawn; it is part of a CSS class.
type barLook string

const (
	lookWork  barLook = "work"  // an attempt that succeeded
	lookFail  barLook = "fail"  // one that failed
	lookCut   barLook = "cut"   // one that was cancelled
	lookOpen  barLook = "open"  // one under way
	lookRetry barLook = "retry" // the time between two attempts
	lookWait  barLook = "wait"  // a sleep, or a wait for something from outside
	lookSpan  barLook = "span"  // all that is below a heading
	lookMark  barLook = "mark"  // a moment
	lookUndo  barLook = "undo"  // an attempt of a compensation that succeeded
)

// newTimeline lays out the history of a run as of now. Rows come in the order
// of their commits; active is what the engine knows of attempts under way.
func newTimeline(run *runtime.Run, rows []store.Step, active []runtime.Attempt, now time.Time) *timeline {
	t := &timeline{}
	live := !run.Status.Ended()
	if live {
		t.Now = now
	}
	steps := joinRows(rows)
	for _, a := range active {
		steps.begun(a)
	}
	lines := steps.lines
	slices.SortStableFunc(lines, func(a, b *stepLine) int { return store.ComparePaths(a.Path, b.Path) })
	for _, l := range lines {
		l.settle(run, now)
		if l.Path != "" {
			t.Steps++
		}
		if l.State == stateFailed {
			t.Failed++
		}
		if len(l.Tries) > 1 {
			t.Retried++
		}
	}
	t.Lines = withHeadings(lines)
	t.span(run, now)
	return t
}

// stepLines are the lines of steps, by path.
type stepLines struct {
	lines []*stepLine
	at    map[string]*stepLine
}

// joinRows makes one line of all rows with the same path.
func joinRows(rows []store.Step) *stepLines {
	s := &stepLines{at: make(map[string]*stepLine, len(rows))}
	for i := range rows {
		row := &rows[i]
		l := s.at[row.Path]
		if l == nil {
			l = &stepLine{Path: row.Path, Depth: strings.Count(row.Path, "."), Begin: row.StartedAt, Copied: row.Copied()}
			s.at[row.Path] = l
			s.lines = append(s.lines, l)
		}
		l.add(row)
	}
	return s
}

func (l *stepLine) add(row *store.Step) {
	l.Kind, l.Name, l.State, l.Wake = row.Kind, row.Name, stateOf(row.Status), row.WakeAt
	l.End = time.Time{}
	if row.Kind != store.KindUpdate {
		l.Other = row.ChildID
	}
	if row.StartedAt.Before(l.Begin) {
		l.Begin = row.StartedAt
	}
	if row.Status.Final() || row.Status == store.StepCancelled {
		l.End, l.Wake = row.EndedAt, time.Time{}
	}
	if row.Attempt > 0 {
		a := stepTry{Number: row.Attempt, Begin: row.StartedAt, End: row.EndedAt, State: stateOf(row.Status), Error: row.Error}
		if row.Status == store.StepRetrying {
			a.Next = row.WakeAt
		}
		l.Tries = append(l.Tries, a)
	}
}

func stateOf(s store.StepStatus) stepState {
	switch s {
	case store.StepWaiting:
		return stateWaiting
	case store.StepRetrying:
		return stateRetrying
	case store.StepFailed:
		return stateFailed
	case store.StepCancelled:
		return stateCancelled
	}
	return stateSucceeded
}

// begun adds an attempt that is under way, unless its row has come since.
func (s *stepLines) begun(a runtime.Attempt) {
	l := s.at[a.Path]
	if l == nil {
		l = &stepLine{Path: a.Path, Depth: strings.Count(a.Path, "."), Kind: a.Kind, Name: a.Name, Begin: a.StartedAt}
		s.at[a.Path] = l
		s.lines = append(s.lines, l)
	}
	if l.State == stateSucceeded || l.State == stateFailed || slices.ContainsFunc(l.Tries, func(t stepTry) bool { return t.Number >= a.Number }) {
		return
	}
	l.State, l.End, l.Wake = stateRunning, time.Time{}, time.Time{}
	l.Tries = append(l.Tries, stepTry{Number: a.Number, Begin: a.StartedAt, State: stateRunning})
}

// settle says what became of a step that has no final row, and draws it.
func (l *stepLine) settle(run *runtime.Run, now time.Time) {
	over := run.Status.Ended() || run.Status == store.Stuck
	if over && l.End.IsZero() && l.State != stateSucceeded && l.State != stateFailed {
		l.State, l.Wake = stateStopped, time.Time{}
		if l.End = run.EndedAt; l.End.IsZero() || l.End.Before(l.Begin) {
			l.End = l.lastMoment()
		}
	}
	l.draw()
}

// lastMoment is the last that is known of the line.
func (l *stepLine) lastMoment() time.Time {
	last := l.Begin
	for _, a := range l.Tries {
		last = latestOf(last, a.Begin, a.End)
	}
	return last
}

func latestOf(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// waits tells which kinds are waits for something, not work.
var waits = map[store.Kind]bool{
	store.KindSleep: true, store.KindReceive: true, store.KindGetEvent: true, store.KindResult: true,
	store.KindRead: true, store.KindSelect: true,
}

// moments tells which kinds take no time worth drawing.
var moments = map[store.Kind]bool{
	store.KindNow: true, store.KindID: true, store.KindChild: true, store.KindSend: true, store.KindSetEvent: true,
	store.KindWrite: true, store.KindPatch: true, store.KindReturn: true,
}

// draw makes the bars of a step.
func (l *stepLine) draw() {
	switch {
	case waits[l.Kind]:
		b := stepBar{Look: lookWait, Begin: l.Begin, End: l.End}
		if l.State == stateFailed {
			b.Look = lookFail
		}
		l.Bars = []stepBar{b}
		return
	case moments[l.Kind] && l.State != stateFailed && l.End.Sub(l.Begin) < time.Millisecond, l.Kind == store.KindPatch, l.Kind == store.KindReturn:
		l.Bars = []stepBar{{Look: lookMark, Begin: l.Begin, End: l.Begin}}
		return
	}
	for i, a := range l.Tries {
		b := stepBar{Begin: a.Begin, End: a.End, Attempt: a.Number}
		switch a.State {
		case stateRunning:
			b.Look = lookOpen
		case stateFailed, stateRetrying:
			b.Look = lookFail
		case stateCancelled:
			b.Look = lookCut
		default:
			b.Look = lookWork
			if l.Kind == store.KindCompensate {
				b.Look = lookUndo
			}
		}
		if a.State == stateRunning && !l.End.IsZero() {
			b.Look, b.End = lookCut, l.End
		}
		l.Bars = append(l.Bars, b)
		if a.State != stateRetrying {
			continue
		}
		// To the next attempt, or as long as the step waits for it.
		gap := stepBar{Look: lookRetry, Begin: a.End, End: l.End, Attempt: a.Number}
		if i+1 < len(l.Tries) {
			gap.End = l.Tries[i+1].Begin
		}
		l.Bars = append(l.Bars, gap)
	}
}

// span decides what the axis covers. While the run goes on it has room to grow,
// so that not every bar changes with every moment.
func (t *timeline) span(run *runtime.Run, now time.Time) {
	t.Begin, t.End = run.StartedAt, run.EndedAt
	if t.Begin.IsZero() {
		t.Begin = run.CreatedAt
	}
	first := run.Base > 0 // the steps before were left behind
	for i := range t.Lines {
		l := &t.Lines[i]
		if l.Copied {
			continue // its times are those of the other run
		}
		if first || l.Begin.Before(t.Begin) && l.Kind != store.KindUpdate {
			t.Begin = l.Begin
		}
		first = false
		t.End = latestOf(t.End, l.End)
	}
	if !t.Now.IsZero() {
		t.End = latestOf(now, t.End)
		t.End = t.Begin.Add(roomy(t.End.Sub(t.Begin)))
	}
	if !t.End.After(t.Begin) {
		t.End = t.Begin.Add(time.Millisecond)
	}
	t.Origin = t.Begin
}

// troubled keeps the lines that failed or were tried more than once, and the
// headings above them.
func (t *timeline) troubled() []stepLine {
	keep := map[string]bool{}
	for i := range t.Lines {
		l := &t.Lines[i]
		if l.heading() || l.State != stateFailed && l.State != stateRetrying && len(l.Tries) < 2 {
			continue
		}
		keep[l.Path] = true
		for p := parentPath(l.Path); p != ""; p = parentPath(p) {
			keep[p] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(t.Lines), func(l stepLine) bool { return !keep[l.Path] })
}

// find returns the place of a path among the lines.
func (t *timeline) find(path string) (int, bool) {
	return slices.BinarySearchFunc(t.Lines, path, func(l stepLine, path string) int {
		return cmp.Or(store.ComparePaths(l.Path, path), 0)
	})
}
