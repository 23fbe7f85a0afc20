package runtimetest

import (
	"slices"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// Step is what the history of a run holds of one step.
type Step struct {
	// Name is the step's; what is no step is called after its kind: "sleep",
	// "child NAME".
	Name   string
	Path   string
	Kind   store.Kind
	Status store.StepStatus
	// Attempts counts those that were recorded.
	Attempts int
	Output   []byte // as stored
	Error    string
}

// History returns what is recorded of a run. It fails the test when there is
// no such run.
func (rt *Env) History(id string) *runtime.History {
	rt.t.Helper()
	h, err := rt.Runtime().Export(rt.t.Context(), id)
	if err != nil {
		rt.t.Fatal(err)
	}
	return h
}

// Steps returns the steps of a run in the order in which they last got on.
func (rt *Env) Steps(id string) []Step {
	rt.t.Helper()
	var steps []Step
	for _, row := range rt.History(id).Steps {
		s := Step{Name: nameOf(&row), Path: row.Path, Kind: row.Kind, Status: row.Status, Output: row.Output}
		if i := slices.IndexFunc(steps, func(s Step) bool { return s.Path == row.Path }); i >= 0 {
			s.Attempts = steps[i].Attempts
			steps = slices.Delete(steps, i, i+1)
		}
		if row.Attempt > 0 {
			s.Attempts++
		}
		if row.Error != nil {
			s.Error = row.Error.Message
		}
		steps = append(steps, s)
	}
	return steps
}

// WantSteps fails the test when the steps of the run that have come to their
// end, in that order, are not those named; see [Step] for the names.
func (rt *Env) WantSteps(id string, names ...string) {
	rt.t.Helper()
	var got []string
	for _, s := range rt.Steps(id) {
		if s.Status.Final() {
			got = append(got, s.Name)
		}
	}
	if !slices.Equal(got, names) {
		rt.t.Errorf("run %s has the steps %q, want %q", id, got, names)
	}
}

// WantAttempts fails the test when the first step of this name in the run was
// not recorded with n attempts.
func (rt *Env) WantAttempts(id, step string, n int) {
	rt.t.Helper()
	steps := rt.Steps(id)
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Name == step })
	if i < 0 {
		rt.t.Errorf("run %s has no step %q", id, step)
	} else if steps[i].Attempts != n {
		rt.t.Errorf("step %q of run %s has %d attempts, want %d", step, id, steps[i].Attempts, n)
	}
}

// nameOf is how tests call what a row is about.
func nameOf(row *store.Step) string {
	switch {
	case row.Kind == store.KindStep, row.Kind == store.KindTx:
		return row.Name
	case row.Name == "":
		return row.Kind.String()
	}
	return row.Kind.String() + " " + row.Name
}
