package sqlite

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Suspend implements [store.Store].
func (s *Store) Suspend(ctx context.Context, claim store.Claim, p store.Suspension) error {
	return s.w.do(ctx, true, func(tx *tx) error {
		done := false
		err := tx.query(suspendRun, func(r row) error {
			done = true
			if due := r.time(0); !due.IsZero() {
				tx.publish(store.Event{Kind: store.EventDue, At: due})
			}
			return nil
		}, claim.Seq, claim.Epoch, micros(p.WakeAt), p.Signals)
		switch {
		case err != nil:
			return err
		case done:
			tx.moved(store.Running, store.Waiting, 1)
			return nil
		}
		held, err := tx.count(selectClaim, claim.Seq, claim.Epoch)
		switch {
		case err != nil:
			return err
		case held == 0:
			return stale("suspend", claim)
		}
		return fmt.Errorf("suspend run %s: %w: signals came", claim.ID, store.ErrConflict)
	})
}

var (
	stopFailures = map[store.StopCause]*store.Failure{
		store.StopCancel:   {Code: store.CodeCancelled, Message: "run was cancelled"},
		store.StopDeadline: {Code: store.CodeDeadline, Message: "run passed its deadline"},
	}
	cancelledText = failure(stopFailures[store.StopCancel])
	deadlineText  = failure(stopFailures[store.StopDeadline])
)

// Finish implements [store.Store].
func (s *Store) Finish(ctx context.Context, claim store.Claim, o store.Outcome) (store.Status, error) {
	if !o.Status.Ended() && o.Status != store.Stuck {
		return 0, fmt.Errorf("finish run %s: %v is no end", claim.ID, o.Status)
	}
	var status store.Status
	err := s.w.do(ctx, true, func(tx *tx) (err error) {
		status, err = tx.finish(claim, o)
		return err
	})
	if err != nil {
		return 0, err
	}
	return status, nil
}

func (t *tx) finish(claim store.Claim, o store.Outcome) (status store.Status, err error) {
	pos := t.state.pos + 1
	err = t.query(finishRun, func(r row) error {
		status = store.Status(r.int(0))
		return nil
	}, claim.Seq, claim.Epoch, int64(o.Status), blob(o.Output), failure(o.Error), cancelledText, deadlineText, o.At.UnixMicro(), pos)
	switch {
	case err != nil:
		return 0, err
	case status == 0:
		return 0, stale("finish", claim)
	}
	t.state.pos = pos
	t.moved(store.Running, status, 1)
	t.publish(store.Event{Kind: store.EventEnded, ID: claim.ID, Seq: claim.Seq})
	return status, nil
}
