package ui

import (
	"context"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func (u *UI) runRoutes() []route {
	return []route{
		{http.MethodGet, "/runs/{id}", u.run},
		{http.MethodGet, "/runs/{id}/watch", u.watchRun},
		{http.MethodGet, "/runs/{id}/input", u.rawInput},
		{http.MethodGet, "/runs/{id}/output", u.rawOutput},
		{http.MethodGet, "/runs/{id}/steps/{path}", u.step},
		{http.MethodGet, "/runs/{id}/steps/{path}/output", u.rawStep},
		{http.MethodGet, "/runs/{id}/cancel", u.askRun(cancelRun)},
		{http.MethodPost, "/runs/{id}/cancel", u.changeRun(cancelRun)},
		{http.MethodGet, "/runs/{id}/end", u.askRun(endRun)},
		{http.MethodPost, "/runs/{id}/end", u.changeRun(endRun)},
		{http.MethodGet, "/runs/{id}/resume", u.askRun(resumeRun)},
		{http.MethodPost, "/runs/{id}/resume", u.changeRun(resumeRun)},
		{http.MethodGet, "/runs/{id}/delete", u.askRun(deleteRun)},
		{http.MethodPost, "/runs/{id}/delete", u.changeRun(deleteRun)},
		{http.MethodGet, "/runs/{id}/fork", u.askRun(forkRun)},
		{http.MethodPost, "/runs/{id}/fork", u.changeRun(forkRun)},
		{http.MethodGet, "/runs/{id}/send", u.askSend},
		{http.MethodPost, "/runs/{id}/send", u.send},
	}
}

// runData is what the page of one run shows.
type runData struct {
	Run      runtime.Run
	Problem  string // what a change that was refused said
	Actions  []runAction
	Trace    string // id of the trace; empty: it has none
	TraceURL string
	Labels   []label
	Took     string // from its start to its end
	Queued   string // from its creation to its start, where that took a while
	Output   []byte // revealed
	Input    []byte
	Error    *failureView
	Why      string // it is where it is, where that needs a word
	Timeline *timelineView
	Events   []runEvent
	Streams  []runStream
	Watch    string // where changes come from; empty: there will be none
	Again    string // where a run with the same input can be started
}

type label struct{ Name, Value string }

// runEvent is an event that the run has set.
type runEvent struct {
	Name  string
	Value []byte
	Size  int64 // of a value that is too large for this page
	Step  string
	At    time.Time
}

// runStream is a stream that the run's workflow has written to; what its steps
// wrote is not in its history.
type runStream struct {
	Name  string
	Items int
}

// failureView is an error of a run or a step.
type failureView struct {
	*store.Failure
	StepName string
}

func runID(r *http.Request) string { return mux.Vars(r)["id"] }

// history is a run with its rows, as of one moment.
type history struct {
	run    runtime.Run
	rows   []store.Step
	active []runtime.Attempt
	now    time.Time
	// events and streams: see readEvents.
	events  []runEvent
	streams []runStream
}

// read reads a run with its rows, but for their outputs: those may be more than
// fits into memory. They may be newer than the run, never older.
func (u *UI) read(ctx context.Context, id string) (*history, error) {
	run, err := u.rt.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	h := &history{run: run}
	// Before the rows: an attempt that ends in between has its row then.
	if h.active = u.rt.Active(id); run.Status.Ended() {
		h.active = nil
	}
	if h.rows, err = u.rt.Outline(ctx, id, "", 0); err != nil {
		return nil, err
	}
	h.now = time.Now()
	return h, nil
}

func (h *history) timeline() *timeline { return newTimeline(&h.run, h.rows, h.active, h.now) }

// run shows one run.
func (u *UI) run(w http.ResponseWriter, r *http.Request) error { return u.showRun(w, r, 0, "") }

// showRun answers with the page of a run, and a problem that a change had.
func (u *UI) showRun(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	ctx, cancel := bounded(r)
	defer cancel()
	part, err := readPart(r.URL.Query())
	if err != nil {
		return err
	}
	h, err := u.read(ctx, runID(r))
	if err != nil {
		return err
	}
	if err := u.readEvents(ctx, h); err != nil {
		return err
	}
	d := u.runData(h, u.admin(r))
	d.Problem = problem
	d.Input = u.rt.Reveal(h.run.Input)
	d.Timeline = h.timeline().window(h.run.ID, h.run.ForkedFrom, part)
	if !h.run.Status.Ended() {
		d.Watch = u.path("runs", h.run.ID, "watch") + "?" + string(d.Timeline.Query(d.Timeline.Skip))
	}
	if u.admin(r) && u.has("/workflows/{name}") && slices.ContainsFunc(u.rt.Workflows(), func(w runtime.WorkflowInfo) bool { return w.Name == h.run.Workflow }) {
		d.Again = u.path("workflows", h.run.Workflow) + "?like=" + url.QueryEscape(h.run.ID)
	}
	return u.render(w, r, page{Name: "run", Title: "Run " + h.run.ID, Nav: "/runs", Status: status}, d)
}

// runData is what changes while the page is looked at.
func (u *UI) runData(h *history, admin bool) *runData {
	run := h.run
	d := &runData{Run: run, Output: u.rt.Reveal(run.Output), Why: why(&run, h.rows, len(h.active) > 0), Events: h.events, Streams: h.streams}
	if admin {
		d.Actions = actionsOf(&run)
	}
	if run.Trace.TraceID != [16]byte{} {
		d.Trace = hex.EncodeToString(run.Trace.TraceID[:])
		if u.cfg.TraceURL != "" {
			d.TraceURL = strings.ReplaceAll(u.cfg.TraceURL, "{trace_id}", d.Trace)
		}
	}
	for name, value := range run.Labels {
		d.Labels = append(d.Labels, label{name, value})
	}
	slices.SortFunc(d.Labels, func(a, b label) int { return strings.Compare(a.Name, b.Name) })
	if !run.StartedAt.IsZero() && !run.EndedAt.IsZero() {
		d.Took = spanText(max(run.EndedAt.Sub(run.StartedAt), 0))
	}
	if wait := run.StartedAt.Sub(run.CreatedAt); !run.StartedAt.IsZero() && wait >= time.Millisecond {
		d.Queued = spanText(wait)
	}
	if run.Error != nil {
		d.Error = &failureView{Failure: run.Error}
		for i := range h.rows {
			if h.rows[i].Path == run.Error.Step {
				d.Error.StepName = h.rows[i].Name
			}
		}
	}
	return d
}

// why says in words why a run is where it is.
func why(run *runtime.Run, rows []store.Step, works bool) string {
	switch {
	case run.Aside:
		return "It is pinned to version " + run.Version + " and waits for a process of that version."
	case run.Status == store.Stuck:
		return "It needs a person. Mend what the error names, then resume it: it goes on from its history."
	case run.Stop == store.StopCancel && !run.Status.Ended():
		return "It was asked to stop, and ends as soon as its code sees that."
	case run.Stop == store.StopDeadline && !run.Status.Ended():
		return "It passed its deadline, and ends as soon as its code sees that."
	case run.Status == store.Queued && run.Queue != "" && run.StartedAt.IsZero():
		return "It waits for a place in its queue."
	}
	open := map[string]*store.Step{}
	for i := range rows {
		if row := &rows[i]; row.Status == store.StepWaiting || row.Status == store.StepRetrying {
			open[row.Path] = row
		} else {
			delete(open, row.Path)
		}
	}
	if run.Status.Ended() || works || len(open) == 0 {
		return ""
	}
	var parts []string
	for _, path := range slices.SortedFunc(mapsKeys(open), store.ComparePaths) {
		if len(parts) == 3 {
			parts = append(parts, plural(len(open)-3, "other wait"))
			break
		}
		parts = append(parts, waitText(open[path]))
	}
	return "It waits " + strings.Join(parts, "; ") + "."
}

func mapsKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func waitText(row *store.Step) string {
	until := ""
	if !row.WakeAt.IsZero() {
		until = " until " + timeText(row.WakeAt) + " UTC"
	}
	switch row.Kind {
	case store.KindReceive:
		return "for a message on " + row.Name + until
	case store.KindGetEvent:
		return "for event " + row.Name + " of run " + row.ChildID + until
	case store.KindResult:
		return "for the end of run " + row.ChildID
	case store.KindRead:
		return "for stream " + row.Name + " of run " + row.ChildID + until
	case store.KindSleep:
		return strings.TrimSpace(until)
	}
	return "for the next attempt of " + row.Name + until
}

const (
	// maxEvents bounds the events that a page shows.
	maxEvents = 50
	// maxEventValue bounds the values of events that it shows, in bytes.
	maxEventValue = 8 << 10
)

// readEvents reads the events that a run has set, each with its last value.
func (u *UI) readEvents(ctx context.Context, h *history) error {
	at := map[string]int{}
	for i := range h.rows {
		row := &h.rows[i]
		if row.Kind != store.KindSetEvent || row.Status != store.StepSucceeded {
			continue
		}
		e := runEvent{Name: row.Name, Size: int64(row.LeftOut), Step: row.Path, At: row.EndedAt}
		if i, ok := at[row.Name]; ok {
			h.events[i] = e
		} else if len(h.events) < maxEvents {
			at[row.Name] = len(h.events)
			h.events = append(h.events, e)
		}
	}
	for i := range h.events {
		e := &h.events[i]
		if e.Size > maxEventValue {
			continue
		}
		rows, err := u.rt.Outline(ctx, h.run.ID, e.Step, maxEventValue)
		if err != nil {
			return err
		}
		if len(rows) > 0 { // none: it has gone on with another history
			e.Value, e.Size = u.rt.Reveal(rows[len(rows)-1].Output), 0
		}
	}
	h.streams = streamsOf(h.rows)
	return nil
}

// streamsOf counts what a run has written to its streams.
func streamsOf(rows []store.Step) (streams []runStream) {
	at := map[string]int{}
	for i := range rows {
		row := &rows[i]
		if row.Kind != store.KindWrite || row.Status != store.StepSucceeded {
			continue
		}
		if _, ok := at[row.Name]; !ok {
			if len(streams) == maxEvents {
				continue
			}
			at[row.Name] = len(streams)
			streams = append(streams, runStream{Name: row.Name})
		}
		streams[at[row.Name]].Items++
	}
	return streams
}
