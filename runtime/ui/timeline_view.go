package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// lineWindow is how many lines a page draws at once: a run may have ten
	// thousand.
	lineWindow = 200
	// hairWidth is that of the shortest bar: one without a width is not drawn.
	hairWidth = percent(0.02)
	// maxIndent bounds how far branches are moved to the right.
	maxIndent = 6
)

// timelinePart is the part of a timeline that is asked for.
type timelinePart struct {
	Skip int    // lines before the first
	Only string // "trouble": lines that failed or were retried
	Zoom string // path of a step or of branches, which the axis is to span
}

// readPart reads it from a query.
func readPart(q url.Values) (timelinePart, error) {
	p := timelinePart{Only: q.Get("only"), Zoom: q.Get("zoom")}
	if v := q.Get("skip"); v != "" {
		var err error
		if p.Skip, err = strconv.Atoi(v); err != nil || p.Skip < 0 {
			return p, invalid("skip is the number of lines to pass over: want 0 or more")
		}
	}
	if p.Only != "" && p.Only != "trouble" {
		return p, invalid("only is what is to be shown of the steps: want trouble, or leave it out")
	}
	return p, nil
}

// Query is what leads to the same part from another line on.
func (p timelinePart) Query(skip int) template.URL {
	q := url.Values{}
	if skip > 0 {
		q.Set("skip", strconv.Itoa(skip))
	}
	if p.Only != "" {
		q.Set("only", p.Only)
	}
	if p.Zoom != "" {
		q.Set("zoom", p.Zoom)
	}
	return template.URL(q.Encode()) // it is escaped
}

// timelineView is the part of a timeline that a page shows.
type timelineView struct {
	timelinePart
	RunID    string
	Ticks    []axisTick
	Now      percent // where the present is
	Live     bool
	HasNow   bool // the present is on the axis
	Lines    []lineView
	Total    int // lines there are
	Steps    int
	Failed   int
	Retried  int
	Copied   string // the run that copied steps are from
	NoSteps  bool   // nothing is recorded yet
	Duration string // of what the axis spans
	Offset   string // from the begin of the run to that of the axis
}

// lineView is a line as the template draws it.
type lineView struct {
	stepLine
	RunID  string
	ID     string // of the element
	Title  string
	Tag    string // what kind of step it is, where the title does not say
	Took   string
	Words  string // what the bars show
	Indent int
	Shapes []shapeView
	Link   bool // there are details
	Again  bool // it takes the place of what the page has of it
}

// shapeView is a bar in the units of SVG.
type shapeView struct {
	Look  barLook
	X, W  percent
	Title string
}

// End is where the bar ends.
func (s shapeView) End() percent { return s.X + s.W }

// window returns the part of a timeline that a page shows.
func (t *timeline) window(runID, forkedFrom string, part timelinePart) *timelineView {
	lines := t.Lines
	if part.Only != "" {
		lines = t.troubled()
	}
	part.Skip = min(max(part.Skip, 0), max(len(lines)-1, 0)) / lineWindow * lineWindow
	shown := lines[part.Skip:min(part.Skip+lineWindow, len(lines))]
	if i, ok := t.find(part.Zoom); ok && part.Zoom != "" && !t.Lines[i].Copied {
		t = t.zoomed(t.Lines[i : i+1])
	} else {
		part.Zoom = ""
		if len(shown) < len(lines) {
			t = t.zoomed(shown)
		}
	}
	v := &timelineView{
		timelinePart: part, RunID: runID, Ticks: t.Ticks(), Live: !t.Now.IsZero(), Total: len(lines), Copied: forkedFrom,
		Steps: t.Steps, Failed: t.Failed, Retried: t.Retried, NoSteps: len(t.Lines) == 0, Duration: spanText(t.End.Sub(t.Begin)),
	}
	if t.Begin.After(t.Origin) {
		v.Offset = spanText(t.Begin.Sub(t.Origin))
	}
	if v.Live {
		v.Now, v.HasNow = t.place(t.Now), !t.Now.After(t.End)
	}
	v.Lines = make([]lineView, len(shown))
	for i := range shown {
		v.Lines[i] = t.view(runID, shown[i])
	}
	return v
}

// zoomed is the timeline with an axis that covers some lines only: among ten
// thousand steps, or beside a wait of a day, the others would be hairs.
func (t *timeline) zoomed(lines []stepLine) *timeline {
	z := *t
	z.Begin, z.End = t.End, t.Begin
	for i := range lines {
		l := &lines[i]
		switch {
		case l.Copied || l.heading() && len(lines) > 1:
			continue // a heading reaches over lines that are not shown
		case l.End.IsZero():
			z.End = t.End
		default:
			z.End = latestOf(z.End, l.End)
		}
		if l.Begin.Before(z.Begin) {
			z.Begin = l.Begin
		}
	}
	if z.Begin.Before(t.Begin) {
		z.Begin = t.Begin
	}
	if !z.End.After(z.Begin) {
		return t
	}
	return &z
}

// Earlier and Later are the windows beside this one.
func (v *timelineView) Earlier() int { return v.Skip - lineWindow }
func (v *timelineView) Later() int   { return v.Skip + lineWindow }
func (v *timelineView) Last() int    { return (v.Total - 1) / lineWindow * lineWindow }
func (v *timelineView) From() int    { return min(v.Skip+1, v.Total) }
func (v *timelineView) Until() int   { return v.Skip + len(v.Lines) }

// HasEarlier and HasLater tell whether there are such.
func (v *timelineView) HasEarlier() bool { return v.Skip > 0 }
func (v *timelineView) HasLater() bool   { return v.Until() < v.Total }

func (t *timeline) view(runID string, l stepLine) lineView {
	v := lineView{stepLine: l, RunID: runID, ID: lineID(l.Path), Indent: min(l.Depth, maxIndent), Link: !l.heading()}
	v.Title, v.Tag = l.title()
	until := l.End
	if until.IsZero() {
		until = t.Now
	}
	if !until.IsZero() && !l.Copied {
		v.Took = spanText(max(until.Sub(l.Begin), 0))
	}
	v.Words = l.words(t.Origin, t.Now)
	if l.Copied {
		return v
	}
	for _, b := range l.Bars {
		if b.Begin.After(t.End) || !b.End.IsZero() && b.End.Before(t.Begin) {
			continue // it is beside the axis
		}
		s := shapeView{Look: b.Look, X: t.place(b.Begin), Title: b.words(t.Origin, t.Now)}
		end := b.End
		if end.IsZero() {
			end = t.Now
		}
		s.W = max(t.place(end)-s.X, hairWidth)
		v.Shapes = append(v.Shapes, s)
	}
	return v
}

// lineID is the id of a path's element.
func lineID(path string) string {
	id := []byte("l-")
	for _, c := range []byte(path) {
		switch {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			id = append(id, c)
		case c == '.':
			id = append(id, '-')
		default:
			id = fmt.Appendf(id, "_%02x", c)
		}
	}
	return string(id)
}

// kindWords say what a step of a kind does, before its name.
var kindWords = map[store.Kind]string{
	store.KindSleep: "sleep", store.KindNow: "read the clock", store.KindID: "make an id", store.KindSelect: "wait for the first branch",
	store.KindChild: "start a run", store.KindResult: "wait for a run", store.KindSend: "send", store.KindReceive: "receive",
	store.KindSetEvent: "set event", store.KindGetEvent: "get event", store.KindWrite: "write to", store.KindRead: "read from",
	store.KindUpdate: "update", store.KindReturn: "end of the function", store.KindPatch: "patch",
}

// title names a line, and its tag says what the name does not.
func (l *stepLine) title() (title, tag string) {
	switch {
	case l.heading():
		return "branches", plural(l.Below, "step")
	case l.Kind == store.KindTx:
		return l.Name, "transaction"
	case l.Kind == store.KindCompensate:
		return l.Name, "compensation"
	}
	title = kindWords[l.Kind]
	if l.Name != l.Other {
		title = strings.TrimSpace(title + " " + l.Name)
	}
	if title == "" {
		title = l.Kind.String()
	}
	return title, ""
}

// words tells what a line's bars show.
func (l *stepLine) words(begin, now time.Time) string {
	if l.Copied {
		return "copied from the run that this one was forked from"
	}
	var parts []string
	for _, b := range l.Bars {
		parts = append(parts, b.words(begin, now))
	}
	if len(parts) > 6 {
		parts = slices.Concat(parts[:3], []string{strconv.Itoa(len(parts)-6) + " more"}, parts[len(parts)-3:])
	}
	return strings.Join(parts, "; ")
}

func (b *stepBar) words(begin, now time.Time) string {
	end := b.End
	if end.IsZero() {
		end = now
	}
	took := spanText(max(end.Sub(b.Begin), 0))
	from := "at " + spanText(max(b.Begin.Sub(begin), 0))
	nth := ""
	if b.Attempt > 0 {
		nth = "attempt " + strconv.Itoa(b.Attempt) + " "
	}
	switch b.Look {
	case lookWork, lookUndo:
		return nth + "succeeded in " + took + ", " + from
	case lookFail:
		return nth + "failed after " + took + ", " + from
	case lookCut:
		return nth + "was cut short after " + took + ", " + from
	case lookOpen:
		return nth + "has run for " + took + ", " + from
	case lookRetry:
		return "pause of " + took + " before the next attempt"
	case lookWait:
		if b.End.IsZero() {
			return "has waited for " + took + ", " + from
		}
		return "waited for " + took + ", " + from
	case lookMark:
		return from
	}
	return took + ", " + from
}
