package runtime

import (
	"context"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Attempt is an attempt of a step that is under way. Nothing of it is stored
// before it ends.
type Attempt struct {
	// Path, Kind and Name are those of the step.
	Path string
	Kind store.Kind
	Name string
	// Number counts the attempts of the step from 1.
	Number    int
	StartedAt time.Time
}

// Active returns the attempts under way of a run that this process executes,
// the earliest first; none of any other run. An attempt whose end was recorded
// this instant may still be among them: where its row is there, that counts.
func (rt *Runtime) Active(id string) []Attempt {
	e := rt.current().execution(id)
	if e == nil {
		return nil
	}
	var all []Attempt
	e.mu.Lock()
	for t := e.tries; t != nil; t = t.after {
		all = append(all, Attempt{Path: t.path, Kind: t.kind, Name: t.name, Number: t.number, StartedAt: t.started})
	}
	e.mu.Unlock()
	slices.SortFunc(all, func(a, b Attempt) int { return a.StartedAt.Compare(b.StartedAt) })
	return all
}

// begins notes that the attempt has its place and runs.
func (t *try) begins() {
	e := t.branch.e
	e.mu.Lock()
	defer e.mu.Unlock()
	t.started = now()
	if t.after = e.tries; t.after != nil {
		t.after.before = t
	}
	e.tries, t.listed = t, true
}

// ends takes the attempt off the list, once its end is recorded or never will
// be. From then on t is its goroutine's alone.
func (t *try) ends() {
	if !t.listed {
		return // it never began
	}
	e := t.branch.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if t.before == nil {
		e.tries = t.after
	} else {
		t.before.after = t.after
	}
	if t.after != nil {
		t.after.before = t.before
	}
	t.before, t.after, t.listed = nil, nil, false
}

// LastBeat returns the last heartbeat that is stored of a step of a run; false
// when there is none, as after the step has ended. Its details are as they are
// stored: see [Runtime.Reveal]. Errors: [ErrNotFound], [ErrInvalid].
func (rt *Runtime) LastBeat(ctx context.Context, id, path string) (store.Heartbeat, bool, error) {
	run, err := rt.Get(ctx, id)
	if err != nil {
		return store.Heartbeat{}, false, err
	}
	return rt.store.LastBeat(ctx, run.Seq, path)
}
