package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// stepJSON is a step with its attempts.
type stepJSON struct {
	Path      string           `json:"path" jsonschema:"its place: its index, after those of the branches it is in"`
	Name      string           `json:"name" jsonschema:"its name"`
	Kind      store.Kind       `json:"kind" jsonschema:"what made it"`
	Status    store.StepStatus `json:"status" jsonschema:"its status"`
	Output    payload          `json:"output,omitzero" jsonschema:"its result"`
	OutputRaw []byte           `json:"output_base64,omitempty" jsonschema:"its result, where that is not JSON"`
	Error     *store.Failure   `json:"error,omitzero"`
	Attempt   int              `json:"attempt" jsonschema:"the number of the last attempt, from 1; 0: of a wait that goes on"`
	Attempts  []attemptJSON    `json:"attempts" jsonschema:"its attempts, in their order"`
	StartedAt stamp            `json:"started_at,omitzero" jsonschema:"when it first began"`
	EndedAt   stamp            `json:"ended_at,omitzero" jsonschema:"when its last attempt ended"`
	WakeAt    stamp            `json:"wake_at,omitzero" jsonschema:"when the wait ends, or the next attempt begins"`
	ChildID   string           `json:"child_id,omitzero" jsonschema:"the other run that it concerns"`
	// Copied: it is from the run that this one was forked from.
	Copied bool   `json:"copied,omitzero" jsonschema:"it is from the run that this one was forked from"`
	Key    string `json:"key,omitzero" jsonschema:"the key of an update"`
}

type attemptJSON struct {
	StartedAt stamp          `json:"started_at,omitzero" jsonschema:"when it began"`
	EndedAt   stamp          `json:"ended_at,omitzero" jsonschema:"when it ended"`
	Error     *store.Failure `json:"error,omitzero"`
}

type stepsJSON struct {
	Steps []stepJSON `json:"steps" jsonschema:"the steps, in the order of their paths"`
}

var stepsOp = tagged(operation{
	id: "listSteps", tag: "runs", summary: "The steps of a run, with their attempts",
	replies: []reply{{status: http.StatusOK, text: "the steps", of: reflect.TypeFor[stepsJSON](), example: stepsJSON{[]stepJSON{exampleStep}}}},
	codes:   []string{"not_found"}, depth: reading,
})

var exampleStep = stepJSON{
	Path: "0", Name: "charge", Kind: store.KindStep, Status: store.StepSucceeded, Output: payload(`"pay-1"`), Attempt: 2,
	Attempts: []attemptJSON{
		{exampleTime(1), exampleTime(2), &store.Failure{Message: "gateway: 502"}},
		{exampleTime(3), exampleTime(4), nil},
	},
	StartedAt: exampleTime(1), EndedAt: exampleTime(4),
}

// steps answers the steps of a run in the order of their paths.
func (a *api) steps(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := a.bare(ctx, runID(r))
	if err != nil {
		return err
	}
	// Rows are never changed, so the last one's position names them all. Of the
	// process, too, which may show them differently than another does. It spares
	// whoever asks again the reading of a long history.
	history := fmt.Sprintf(`"%s-%x-%x-`, a.life, run.Seq, run.Base)
	for tag := range tagsOf(r) {
		number, ours := strings.CutPrefix(tag, history)
		pos, err := strconv.ParseInt(strings.TrimSuffix(number, `"`), 16, 64)
		if !ours || err != nil || pos < 0 {
			continue
		}
		if _, to, err := a.rt.StepsSince(ctx, &run, pos, 1); err == nil && to == pos && unchanged(w, r, tag) {
			return nil
		}
	}
	free, err := a.histories.take(ctx)
	if err != nil {
		return err
	}
	defer free()
	rows, err := a.rt.Steps(ctx, run.ID)
	if err != nil {
		return err
	}
	last := int64(0)
	if len(rows) > 0 {
		last = rows[len(rows)-1].Pos
	}
	if unchanged(w, r, fmt.Sprintf(`%s%x"`, history, last)) {
		return nil
	}
	answerSteps(w, a.stepsOf(rows))
	return nil
}

// answerSteps writes stepsJSON step by step: the whole, which can be hundreds of
// megabytes, is not in memory again as text.
func answerSteps(w http.ResponseWriter, steps []stepJSON) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	b := bufio.NewWriter(w)
	b.WriteString(`{"steps":[`)
	for i := range steps {
		if i > 0 {
			b.WriteString(",")
		}
		writeJSON(b, &steps[i])
	}
	b.WriteString("]}\n")
	b.Flush() //nolint:errcheck // the client has gone
}

// bare returns a run without its input and output.
func (a *api) bare(ctx context.Context, id string) (runtime.Run, error) {
	if err := runtime.ValidateID(id); err != nil {
		return runtime.Run{}, err
	}
	runs, err := a.rt.List(ctx, runtime.Filter{IDs: []string{id}, Bare: true})
	if err == nil && len(runs) == 0 {
		err = fmt.Errorf("run %q: %w", id, runtime.ErrNotFound)
	}
	if err != nil {
		return runtime.Run{}, err
	}
	return runs[0], nil
}

// stepsOf joins the rows of each path. They come in commit order, so the last
// row of a path says how the step stands.
func (a *api) stepsOf(rows []store.Step) []stepJSON {
	steps, _ := a.joinSteps(rows)
	slices.SortFunc(steps, func(a, b stepJSON) int { return store.ComparePaths(a.Path, b.Path) })
	return steps
}

// joinSteps returns the steps in the order of their first rows, and the
// position of the last row of each.
func (a *api) joinSteps(rows []store.Step) (steps []stepJSON, last []int64) {
	steps = []stepJSON{}
	index := map[string]int{}
	for i := range rows {
		row := &rows[i]
		at, ok := index[row.Path]
		if !ok {
			at = len(steps)
			index[row.Path] = at
			steps = append(steps, stepJSON{Path: row.Path, Attempts: []attemptJSON{}, StartedAt: stamp{row.StartedAt}, Copied: row.Copied()})
			last = append(last, 0)
		}
		row.Output = a.rt.Reveal(row.Output)
		steps[at].add(row)
		last[at] = row.Pos
	}
	return steps, last
}

func (s *stepJSON) add(row *store.Step) {
	s.Name, s.Kind, s.Status, s.Error, s.Attempt = row.Name, row.Kind, row.Status, row.Error, row.Attempt
	s.EndedAt, s.WakeAt, s.ChildID = stamp{row.EndedAt}, stamp{row.WakeAt}, row.ChildID
	if row.Kind == store.KindUpdate {
		s.ChildID, s.Key = "", row.ChildID
	}
	if row.Status.Final() {
		s.WakeAt = stamp{}
	}
	s.Output, s.OutputRaw = split(row.Output)
	// Attempt 0 is the opening of a wait, not a try.
	if row.Attempt > 0 {
		s.Attempts = append(s.Attempts, attemptJSON{stamp{row.StartedAt}, stamp{row.EndedAt}, row.Error})
	}
}
