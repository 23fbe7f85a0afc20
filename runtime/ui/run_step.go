package ui

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// stepData is what is shown of one step.
type stepData struct {
	Run      runtime.Run
	Line     lineView
	Row      store.Step // the last of the step
	Output   []byte
	Error    *store.Failure
	Beat     store.Heartbeat
	HasBeat  bool
	Details  []byte // of the heartbeat
	Key      string // of an update
	Fork     string // where it can be forked from here; empty: not by this person
	Fragment bool   // it is shown beside its run
}

func stepPath(r *http.Request) string { return mux.Vars(r)["path"] }

// lastRow is the row that says how a step stands.
func lastRow(h *history, path string) (*store.Step, error) {
	for i := len(h.rows) - 1; i >= 0; i-- {
		if h.rows[i].Path == path {
			return &h.rows[i], nil
		}
	}
	return nil, &pageError{http.StatusNotFound, "The run " + h.run.ID + " has no step at this path, or nothing of it is recorded yet."}
}

// step shows one step with its attempts: a page, of which htmx shows the part
// beside the timeline.
func (u *UI) step(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	h, err := u.read(ctx, runID(r))
	if err != nil {
		return err
	}
	path := stepPath(r)
	t := h.timeline()
	i, ok := t.find(path)
	if !ok || t.Lines[i].heading() {
		_, err := lastRow(h, path)
		if err == nil {
			err = &pageError{http.StatusNotFound, "The run " + h.run.ID + " has no step at this path."}
		}
		return err
	}
	d := stepData{Run: h.run, Line: t.view(h.run.ID, t.Lines[i]), Fragment: r.Header.Get("HX-Request") != ""}
	if row, err := lastRow(h, path); err == nil {
		d.Row, d.Error, d.Output = *row, row.Error, u.rt.Reveal(row.Output)
		if row.Kind == store.KindUpdate {
			d.Key = row.ChildID
		}
	}
	if d.Line.Kind == store.KindStep && !h.run.Status.Ended() {
		if d.Beat, d.HasBeat, err = u.rt.LastBeat(ctx, h.run.ID, path); err != nil {
			return err
		}
		d.Details = u.rt.Reveal(d.Beat.Details)
	}
	if u.admin(r) && d.Line.Kind != store.KindPatch {
		d.Fork = u.path("runs", h.run.ID, "fork") + "?step=" + path
	}
	return u.render(w, r, page{Name: "step", Title: "Step " + path + " of run " + h.run.ID, Nav: "/runs"}, d)
}
