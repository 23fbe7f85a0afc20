package api

import (
	"net/http"
	"slices"

	"github.com/stepwell/stepwell/store"
)

// stepJSON is a step with its attempts.
type stepJSON struct {
	Path      string         `json:"path"`
	Name      string         `json:"name"`
	Kind      store.Kind     `json:"kind"`
	Status    string         `json:"status"`
	Output    payload        `json:"output,omitzero"`
	Error     *store.Failure `json:"error,omitzero"`
	Attempt   int            `json:"attempt"`
	Attempts  []attemptJSON  `json:"attempts"`
	StartedAt stamp          `json:"started_at,omitzero"`
	EndedAt   stamp          `json:"ended_at,omitzero"`
	WakeAt    stamp          `json:"wake_at,omitzero"`
	ChildID   string         `json:"child_id,omitzero"`
	// Copied: it is from the run that this one was forked from.
	Copied bool   `json:"copied,omitzero"`
	Key    string `json:"key,omitzero"` // of an update
}

type attemptJSON struct {
	StartedAt stamp          `json:"started_at,omitzero"`
	EndedAt   stamp          `json:"ended_at,omitzero"`
	Error     *store.Failure `json:"error,omitzero"`
}

// steps answers the steps of a run in the order of their paths.
func (a *api) steps(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	rows, err := a.rt.Steps(ctx, runID(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"steps": a.stepsOf(rows)})
}

// stepsOf joins the rows of each path. They come in commit order, so the last
// row of a path says how the step stands.
func (a *api) stepsOf(rows []store.Step) []stepJSON {
	steps := []stepJSON{}
	index := map[string]int{}
	for i := range rows {
		row := &rows[i]
		at, ok := index[row.Path]
		if !ok {
			at = len(steps)
			index[row.Path] = at
			steps = append(steps, stepJSON{Path: row.Path, Attempts: []attemptJSON{}, StartedAt: stamp{row.StartedAt}, Copied: row.Copied()})
		}
		row.Output = a.rt.Reveal(row.Output)
		steps[at].add(row)
	}
	slices.SortFunc(steps, func(a, b stepJSON) int { return store.ComparePaths(a.Path, b.Path) })
	return steps
}

func (s *stepJSON) add(row *store.Step) {
	s.Name, s.Kind, s.Status, s.Error, s.Attempt = row.Name, row.Kind, row.Status.String(), row.Error, row.Attempt
	s.EndedAt, s.WakeAt, s.ChildID = stamp{row.EndedAt}, stamp{row.WakeAt}, row.ChildID
	if row.Kind == store.KindUpdate {
		s.ChildID, s.Key = "", row.ChildID
	}
	if row.Status.Final() {
		s.WakeAt = stamp{}
	}
	s.Output = nil
	if len(row.Output) > 0 {
		s.Output = row.Output
	}
	// Attempt 0 is the opening of a wait, not a try.
	if row.Attempt > 0 {
		s.Attempts = append(s.Attempts, attemptJSON{stamp{row.StartedAt}, stamp{row.EndedAt}, row.Error})
	}
}
