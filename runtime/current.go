package runtime

import "context"

// Place says where in which run a context belongs.
type Place struct {
	RunID    string
	Workflow string
	// Step and Path are those of the step, Attempt counts its tries from 1;
	// all are zero in workflow code outside a step.
	Step    string
	Path    string
	Attempt int
}

// Current returns the place of ctx, in workflow code and inside its steps. It
// reports false outside a run.
func Current(ctx context.Context) (Place, bool) {
	if b := branchOf(ctx); b != nil {
		return Place{RunID: b.e.run.ID, Workflow: b.e.run.Workflow}, true
	}
	a := attemptOf(ctx)
	if a == nil {
		return Place{}, false
	}
	return Place{a.run.run.ID, a.run.run.Workflow, a.name, a.path, a.number}, true
}
