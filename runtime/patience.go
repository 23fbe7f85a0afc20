package runtime

import (
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// patience is a wait for what comes from outside, at most for a time that
// counts from the first call.
type patience struct {
	step    store.Step // what its rows have in common
	opening *store.Step
	timeout time.Duration
}

// patience looks a wait up in the history. It returns the row that settled it, if
// one did.
func (b *branch) patience(kind store.Kind, name, other string, timeout time.Duration) (*patience, *store.Step) {
	path, p := b.past(kind, name)
	w := &patience{opening: p.opening, timeout: timeout}
	w.step = store.Step{Path: path, Kind: kind, Name: name, ChildID: other, StartedAt: now()}
	if p.opening != nil {
		w.step.StartedAt = p.opening.StartedAt
	}
	return w, p.final
}

// row is the row of its success.
func (w *patience) row() *store.Step {
	row := w.step
	row.Attempt, row.Status, row.EndedAt = 1, store.StepSucceeded, now()
	return &row
}

// failed is the row of its failure.
func (w *patience) failed(err error) *store.Step {
	row := w.row()
	row.Status, row.Error = store.StepFailed, recorded(err)
	return row
}

// late is the row that records that the time is over; nil while it is not.
func (w *patience) late() *store.Step {
	switch {
	case w.timeout <= 0 && w.opening == nil:
	case w.opening == nil, w.opening.WakeAt.IsZero(), w.opening.WakeAt.After(now()):
		return nil
	}
	return w.failed(fmt.Errorf("%w after %v", ErrTimeout, max(w.timeout, 0)))
}

// open is the row that opens the wait; nil when that is written already.
func (w *patience) open() *store.Step {
	if w.opening != nil {
		return nil
	}
	row := w.step
	row.Status = store.StepWaiting
	if w.timeout != Forever {
		row.WakeAt = row.StartedAt.Add(w.timeout).Truncate(time.Microsecond)
	}
	w.opening = &row
	return w.opening
}
