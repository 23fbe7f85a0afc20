package ui

import (
	"context"
	"math"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// stepData is what is shown of one step.
type stepData struct {
	Run      runtime.Run
	Line     lineView
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

// lastRow is the row that says how a step stands, with its output.
func (u *UI) lastRow(ctx context.Context, id, path string) (*store.Step, error) {
	rows, err := u.rt.Outline(ctx, id, path, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &pageError{http.StatusNotFound, "The run " + id + " has no step at this path, or nothing of it is recorded yet."}
	}
	return &rows[len(rows)-1], nil
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
		return &pageError{http.StatusNotFound, "The run " + h.run.ID + " has no step at this path, or nothing of it is recorded yet."}
	}
	d := stepData{Run: h.run, Line: t.view(h.run.ID, t.Lines[i]), Fragment: r.Header.Get("HX-Request") != ""}
	row, err := u.lastRow(ctx, h.run.ID, path)
	switch {
	case err == nil:
		d.Error, d.Output = row.Error, u.rt.Reveal(row.Output)
		if row.Kind == store.KindUpdate {
			d.Key = row.ChildID
		}
	case d.Line.State != stateRunning:
		return err
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
