package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// Fork starts a new run with a part of another's history: what was recorded
// before the step with that path, or before the branch, counts as done, with
// the results of then; from there on the present code runs. The other run is
// not touched, whatever its state. When Fork returns the new run is durable.
//
// An empty step stands for the one at which the run failed; when that waited
// for a child, for the start of the child. For a run that failed outside its
// steps, or is cancelled or stuck, it stands for the end of its history.
//
// "Before" is in order of time: a step of another branch is copied when it was
// recorded earlier, and runs again when it was not. A child that a copied step
// started stays the other run's; the fork reads its result. A sleep that was
// not over ends when it would have; other waits begin anew, and messages that
// were not taken before the step stay with the other run. The fork of a run
// that was compensated takes what was undone for done, so there the step has to be
// named: the first that has to be done again, which may be the first of all.
//
// The fork has the other's workflow, input, queue, partition, priority and
// labels, but no deadline, no key and no parent; opts change that, but for [Debounce], and [ID] makes
// the call repeatable. Of a run that went on with [ContinueAs] it has what was
// recorded, and set, since then. Called inside a run, it belongs into a step.
//
// Errors: [ErrNotFound] when the run, the step or the workflow is not there;
// [ErrExists] when the id belongs to another run; [ErrConflict] without a step when
// the run was compensated; [ErrInvalid], [ErrOverloaded], [ErrDraining].
func (rt *Runtime) Fork(ctx context.Context, id, step string, opts ...StartOption) (Run, error) {
	if rt.phase() >= phaseDraining {
		return Run{}, ErrDraining
	}
	from, err := rt.Get(ctx, id)
	if err != nil {
		return Run{}, err
	}
	switch {
	case step == "":
		step, err = rt.failedAt(ctx, &from)
	case !isPath(step):
		err = fmt.Errorf("%w: step %.100q: want the path of a step or a branch, such as 4 or 4.0.2", ErrInvalid, step)
	}
	if err != nil {
		return Run{}, err
	}
	def, err := rt.reg.workflow(from.Workflow)
	if err != nil {
		return Run{}, err
	}
	inherited := []StartOption{OnQueueNamed(from.Queue), Partition(from.Partition), Priority(from.Priority), ownLabels(from.Labels)}
	n, err := rt.newRun(ctx, def, from.Input, append(inherited, opts...))
	if err != nil {
		return Run{}, err
	}
	switch {
	case n.Debounce != "":
		return Run{}, fmt.Errorf("%w: a fork cannot be debounced: a start with the key would replace the input that its history came from", ErrInvalid)
	case n.Dedup != "" && len(n.Messages) > 0:
		return Run{}, fmt.Errorf("%w: a fork with Dedup takes no Message: another run that holds the key would get it", ErrInvalid)
	}
	run, created, err := rt.store.Fork(ctx, store.Fork{From: id, Step: step, Run: n})
	switch {
	case err != nil:
		rt.noteFatal(err)
		return Run{}, err
	case !created && run.ForkedFrom != id:
		return Run{}, fmt.Errorf("%w: %s is not a fork of %s", ErrExists, run.ID, id)
	}
	return run, nil
}

// Fork is [Runtime.Fork] with the runtime that ctx carries.
func Fork(ctx context.Context, id, step string, opts ...StartOption) (Run, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return Run{}, err
	}
	return rt.Fork(ctx, id, step, opts...)
}

// failedAt returns the step from which a run is to be tried again; empty: from
// the end of its history.
func (rt *Runtime) failedAt(ctx context.Context, run *Run) (string, error) {
	switch run.Status {
	case store.Failed, store.Cancelled, store.Stuck:
	default:
		return "", fmt.Errorf("%w: run %s is %s: name the step to fork it at", ErrInvalid, run.ID, run.Status)
	}
	rows, err := rt.store.Load(ctx, run.Seq)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(rows, func(row store.Step) bool { return row.Kind == store.KindReturn }) {
		first, _, _ := strings.Cut(rows[0].Path, ".")
		return "", fmt.Errorf("%w: run %s was compensated, so what its steps did is undone, or was to be: name the step to fork it at; the first is %s", ErrConflict, run.ID, first)
	}
	if run.Status != store.Failed || run.Error == nil || run.Error.Step == "" {
		return "", nil
	}
	at, child := run.Error.Step, ""
	for i := len(rows) - 1; i >= 0; i-- {
		switch row := &rows[i]; {
		case row.Path == at && row.Kind == store.KindResult:
			child = row.ChildID
		case row.Kind == store.KindChild && child != "" && row.ChildID == child:
			return row.Path, nil // the child of then would fail again
		}
	}
	return at, nil
}

// isPath reports whether s has the form of a path: numbers with dots between.
func isPath(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
