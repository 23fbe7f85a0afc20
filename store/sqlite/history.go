package sqlite

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Record implements [store.Store].
func (s *Store) Record(ctx context.Context, claim store.Claim, step *store.Step) error {
	stills := step.Status.Final() && s.w.tx.hearts.beats(claim.Seq, step.Path)
	return s.w.do(ctx, !stills, func(tx *tx) error {
		err := tx.record(claim, step, step.Output)
		if err == nil && stills {
			err = tx.still(claim.Seq, step.Path)
		}
		return err
	})
}

// record appends a row with this output.
func (t *tx) record(claim store.Claim, step *store.Step, output []byte) error {
	pos := t.state.pos + 1
	n, err := t.exec(insertStep, step.Path, int64(step.Attempt), pos, int64(step.Kind), int64(step.Status),
		step.Name, step.StartedAt.UnixMicro(), micros(step.EndedAt), micros(step.WakeAt), text(step.ChildID),
		failure(step.Error), blob(output), claim.Seq, claim.Epoch)
	if err != nil {
		return err
	}
	if n == 0 {
		return stale("record", claim)
	}
	t.state.pos = pos
	return nil
}

// recordOrHold is record, or where there is no row to append, a check that the
// claim holds.
func (t *tx) recordOrHold(op string, claim store.Claim, step *store.Step) error {
	if step != nil {
		return t.record(claim, step, step.Output)
	}
	_, held, err := t.claimed(claim)
	if err == nil && !held {
		err = stale(op, claim)
	}
	return err
}

func stale(op string, c store.Claim) error {
	return fmt.Errorf("%s run %s at epoch %d: %w", op, c.ID, c.Epoch, store.ErrStale)
}

// Load implements [store.Store].
func (s *Store) Load(ctx context.Context, seq int64) (steps []store.Step, err error) {
	err = s.r.query(ctx, selectSteps, func(r row) error {
		step, err := scanStep(r)
		steps = append(steps, step)
		return err
	}, seq)
	return steps, err
}

// sinceBytes is about how much of a history is read at a time by who follows it.
const sinceBytes = 256 << 10

// LoadSince implements [store.Store].
func (s *Store) LoadSince(ctx context.Context, seq, after int64, limit int) (steps []store.Step, to int64, err error) {
	to = after
	err = s.r.query(ctx, selectStepsSince, func(r row) error {
		step, err := scanStep(r)
		steps = append(steps, step)
		to = r.int(13)
		return err
	}, seq, after, int64(limit), int64(sinceBytes))
	return steps, to, err
}

// Outline implements [store.Store].
func (s *Store) Outline(ctx context.Context, seq int64, path string, most int) (steps []store.Step, err error) {
	err = s.r.query(ctx, outlineSteps, func(r row) error {
		step, err := scanStep(r)
		step.LeftOut = int(r.int(13))
		steps = append(steps, step)
		return err
	}, seq, path, int64(most))
	return steps, err
}

// scanStep reads the columns stepColumns.
func scanStep(r row) (store.Step, error) {
	s := store.Step{
		Path: r.text(0), Attempt: int(r.int(1)), Pos: r.int(2), Epoch: r.int(3), Kind: store.Kind(r.int(4)),
		Status: store.StepStatus(r.int(5)), Name: r.text(6), StartedAt: r.time(7), EndedAt: r.time(8),
		WakeAt: r.time(9), ChildID: r.text(10), Output: r.blob(12),
	}
	var err error
	s.Error, err = r.failure(11)
	return s, err
}
