package ui

import (
	"slices"
	"strings"
	"time"
)

// withHeadings puts a heading before the steps of branches, which have no row
// of their own. One with a single step needs none.
func withHeadings(steps []*stepLine) []stepLine {
	has, below := make(map[string]bool, len(steps)), map[string]int{}
	for _, l := range steps {
		has[l.Path] = true
		for p := parentPath(l.Path); p != ""; p = parentPath(p) {
			below[p]++
		}
	}
	headings := map[string]int{} // where they are among the lines
	lines := make([]stepLine, 0, len(steps)+8)
	for _, l := range steps {
		for _, p := range ancestors(l.Path) {
			if _, ok := headings[p]; !ok && !has[p] && below[p] > 1 {
				headings[p] = len(lines)
				lines = append(lines, stepLine{Path: p, Depth: strings.Count(p, "."), Below: below[p], Begin: l.Begin, End: l.Begin, State: stateSucceeded, Copied: true})
			}
			if at, ok := headings[p]; ok {
				lines[at].cover(l)
			}
		}
		lines = append(lines, *l)
	}
	for _, at := range headings {
		h := &lines[at]
		h.Bars = []stepBar{{Look: lookSpan, Begin: h.Begin, End: h.End}}
	}
	return lines
}

// cover has a heading reach over a step below it.
func (l *stepLine) cover(step *stepLine) {
	if step.Begin.Before(l.Begin) {
		l.Begin = step.Begin
	}
	switch {
	case l.End.IsZero():
	case step.End.IsZero():
		l.End = time.Time{}
	default:
		l.End = latestOf(l.End, step.End)
	}
	l.Copied = l.Copied && step.Copied
	l.State = worse(l.State, step.State)
}

// gravity orders the states by what a heading should say of those below it.
var gravity = []stepState{stateSucceeded, stateStopped, stateCancelled, stateWaiting, stateRunning, stateRetrying, stateFailed}

func worse(a, b stepState) stepState {
	if slices.Index(gravity, b) > slices.Index(gravity, a) {
		return b
	}
	return a
}

func parentPath(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// ancestors lists the paths above one, the outermost first.
func ancestors(path string) []string {
	var all []string
	for p := parentPath(path); p != ""; p = parentPath(p) {
		all = append(all, p)
	}
	slices.Reverse(all)
	return all
}
