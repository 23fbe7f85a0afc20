package sqlite

import (
	"context"
	"fmt"
	"math"

	"github.com/stepwell/stepwell/store"
)

// Fork implements [store.Store].
func (s *Store) Fork(ctx context.Context, f store.Fork) (run store.Run, created bool, err error) {
	if f.Run.ClaimFor != "" {
		return store.Run{}, false, fmt.Errorf("fork run %s: a fork cannot be created claimed", f.From)
	}
	var res store.Run
	var made bool
	err = s.w.offer(ctx, false, func(tx *tx) (err error) {
		res, made, err = tx.fork(f)
		return err
	})
	if err != nil {
		return store.Run{}, false, err
	}
	return res, made, nil
}

func (t *tx) fork(f store.Fork) (store.Run, bool, error) {
	from, err := t.get(f.From)
	if err != nil {
		return store.Run{}, false, err
	}
	end := int64(math.MaxInt64)
	if f.Step != "" {
		// "." and "/" are neighbours: between them is all that begins with the path and a dot.
		if end, err = t.count(firstRow, from.Seq, f.Step, f.Step+".", f.Step+"/"); err != nil {
			return store.Run{}, false, err
		}
		if end == 0 {
			return store.Run{}, false, fmt.Errorf("step %s of run %q: %w", f.Step, f.From, store.ErrNotFound)
		}
	}
	f.Run.Workflow, f.Run.Input = from.Workflow, from.Input
	if err := validateNew(f.Run); err != nil {
		return store.Run{}, false, err
	}
	run, created, err := t.create(f.Run)
	if err != nil || !created {
		return run, created, err
	}
	if _, err := t.exec(forkRun, run.Seq, from.ID, int64(from.Base)); err != nil {
		return store.Run{}, false, err
	}
	n, err := t.exec(copySteps, run.Seq, t.state.pos, from.Seq, end)
	if err != nil {
		return store.Run{}, false, err
	}
	t.state.pos += n
	if _, err := t.exec(copyEvents, run.Seq); err != nil {
		return store.Run{}, false, err
	}
	if _, err := t.exec(copyItems, run.Seq, from.Seq); err != nil {
		return store.Run{}, false, err
	}
	run, err = t.get(run.ID)
	return run, true, err
}
