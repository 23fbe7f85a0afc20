package ui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// runChange is something that can be done to a run.
type runChange struct {
	name   string // in the URL
	text   string // on the link
	title  string // the question, with the run after it
	button string
	danger bool
	note   string
	// able tells whether the state of the run allows it.
	able func(*runtime.Run) bool
	// effect says what will happen.
	effect func(run *runtime.Run, step string) string
	// do does it, and returns the path of the page to go on to.
	do func(ctx context.Context, u *UI, id, step, key string) (string, error)
}

var cancelRun = &runChange{
	name: "cancel", text: "Cancel", title: "Cancel run", button: "Cancel the run", danger: true, note: "cancelled",
	able: func(r *runtime.Run) bool {
		return !r.Status.Ended() && r.Status != store.Stuck && r.Stop == store.StopNone
	},
	effect: func(r *runtime.Run, _ string) string {
		if r.StartedAt.IsZero() {
			return "It has not begun, and ends as cancelled at once."
		}
		return "The step under way is told to stop. No step begins after that; what it registered to undo its steps runs, then the run ends as cancelled. Its children are cancelled too, unless they were started to live on."
	},
	do: func(ctx context.Context, u *UI, id, _, _ string) (string, error) {
		_, err := u.rt.Cancel(ctx, id)
		return u.path("runs", id), err
	},
}

// endRun is a change of its own: what cancelRun says must not come to mean this.
var endRun = &runChange{
	name: "end", text: "Cancel without compensations", title: "End run", button: "End the run", danger: true, note: "cancelled",
	able: func(r *runtime.Run) bool { return r.Status == store.Stuck },
	effect: func(*runtime.Run, string) string {
		return "It ends as cancelled at once. Its compensations do not run, for its code cannot: what it did stays done. To have them run, mend the cause, resume the run and cancel it then."
	},
	do: func(ctx context.Context, u *UI, id, _, _ string) (string, error) {
		_, err := u.rt.Cancel(ctx, id, runtime.WithoutCompensations())
		return u.path("runs", id), err
	},
}

var resumeRun = &runChange{
	name: "resume", text: "Resume", title: "Resume run", button: "Resume the run", note: "resumed",
	able: func(r *runtime.Run) bool { return r.Status == store.Stuck || r.Status == store.Cancelled },
	effect: func(*runtime.Run, string) string {
		return "It is queued again and goes on from its history: steps that succeeded keep their results, and do not run again."
	},
	do: func(ctx context.Context, u *UI, id, _, _ string) (string, error) {
		_, err := u.rt.Resume(ctx, id)
		return u.path("runs", id), err
	},
}

var deleteRun = &runChange{
	name: "delete", text: "Delete", title: "Delete run", button: "Delete the run", danger: true, note: "deleted",
	able: func(r *runtime.Run) bool { return r.Status.Ended() },
	effect: func(*runtime.Run, string) string {
		return "The run, its history, events and streams are gone for good, and its id can be used again. Its children stay."
	},
	do: func(ctx context.Context, u *UI, id, _, _ string) (string, error) {
		return u.cfg.Prefix + "/runs", u.rt.Delete(ctx, id)
	},
}

var forkRun = &runChange{
	name: "fork", text: "Fork", title: "Fork run", button: "Start the fork", note: "forked",
	able: func(r *runtime.Run) bool { return r.Status.Ended() || r.Status == store.Stuck },
	effect: func(r *runtime.Run, step string) string {
		const rest = " This run is not touched."
		switch {
		case step != "":
			return "A new run begins with the same input. What was recorded before step " + step + " counts as done, with its results; from there on the code of now runs." + rest
		case r.Status == store.Failed && r.Error != nil && r.Error.Step != "":
			return "A new run begins with the same input. What was recorded before the step that failed counts as done, with its results; from there on the code of now runs." + rest
		}
		return "A new run begins with the same input. All that was recorded counts as done, with its results; from there on the code of now runs." + rest
	},
	do: func(ctx context.Context, u *UI, id, step, key string) (string, error) {
		run, err := u.rt.Fork(ctx, id, step, runtime.ID(key))
		return u.path("runs", run.ID), err
	},
}

// runChanges in the order in which they are offered.
var runChanges = []*runChange{cancelRun, resumeRun, forkRun, endRun, deleteRun}

// runAction is a change that is offered.
type runAction struct {
	Name, Text string
	Danger     bool
}

// actionsOf lists what the state of a run allows.
func actionsOf(run *runtime.Run) []runAction {
	var list []runAction
	for _, c := range runChanges {
		if c.able(run) {
			list = append(list, runAction{c.name, c.text, c.danger})
		}
	}
	if !run.Status.Ended() {
		list = append(list, runAction{"send", "Send a message", false})
	}
	return list
}

var errViewer = &pageError{http.StatusForbidden, "This is for an admin: a viewer only looks."}

// askRun asks whether a change is meant.
func (u *UI) askRun(c *runChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !u.admin(r) {
			return errViewer
		}
		ctx, cancel := bounded(r)
		defer cancel()
		h, err := u.read(ctx, runID(r))
		if err != nil {
			return err
		}
		run, step := &h.run, r.URL.Query().Get("step")
		text := c.effect(run, step)
		if c == forkRun {
			step, text = forkPoint(run, h.rows, step, text)
		}
		q := confirmation{
			Title: c.title + " " + run.ID + "?", Text: text, Action: u.path("runs", run.ID, c.name),
			Button: c.button, Danger: c.danger, Back: u.path("runs", run.ID),
		}
		if c == forkRun {
			// With an id of its own a form that is sent twice makes one fork.
			q.Fields = []field{{"step", step}, {"key", newRunID()}}
		}
		return u.confirm(w, r, "/runs", q)
	}
}

// forkPoint says what a fork means, and at which step it begins where none is
// named: what was undone does not count as done, and of a run that succeeded
// nothing is left to do but all of it.
func forkPoint(run *runtime.Run, rows []store.Step, step, text string) (from, said string) {
	compensated := slices.ContainsFunc(rows, func(row store.Step) bool { return row.Kind == store.KindReturn })
	if !compensated && (step != "" || run.Status != store.Succeeded) {
		return step, text
	}
	first := ""
	for i := range rows {
		head, _, _ := strings.Cut(rows[i].Path, ".")
		if _, err := strconv.Atoi(head); err == nil && (first == "" || store.ComparePaths(head, first) < 0) {
			first = head
		}
	}
	const undone = "This run was compensated: what its steps did is undone, or was to be."
	switch {
	case !compensated && first != "":
		return first, "A new run begins with the same input from the first step, " + first + ": all steps run again, with the code of now. This run is not touched."
	case !compensated:
		return step, text
	case first == "" || step == first:
		return step, undone + " " + text
	case step == "":
		return first, undone + " So a new run begins with the same input from the first step, " + first + ": all steps run again, with the code of now. This run is not touched."
	}
	return step, undone + " " + text + " To do again what was undone, fork from the first step, " + first + "."
}

// changeRun does it. What is refused is shown on the run's page.
func (u *UI) changeRun(c *runChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return formError(err)
		}
		ctx, cancel := bounded(r)
		defer cancel()
		key := r.PostForm.Get("key")
		if c == forkRun && key == "" {
			key = newRunID()
		}
		to, err := c.do(ctx, u, runID(r), r.PostForm.Get("step"), key)
		if err == nil {
			return u.redirect(w, r, to, c.note)
		}
		status, text := explain(err)
		if status >= 500 || errors.Is(err, runtime.ErrNotFound) && c != forkRun {
			return err
		}
		return u.showRun(w, r, status, text)
	}
}

// formError is what is wrong with a form that cannot be read.
func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return invalid("The form did not arrive whole, or is not one.")
}
