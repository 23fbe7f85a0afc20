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
		_, held, err := tx.claimed(claim)
		switch {
		case err != nil:
			return err
		case !held:
			return stale("suspend", claim)
		}
		return fmt.Errorf("suspend run %s: %w: signals came", claim.ID, store.ErrConflict)
	})
}

// Finish implements [store.Store].
func (s *Store) Finish(ctx context.Context, claim store.Claim, o store.Outcome) (store.Status, error) {
	if !o.Status.Ended() && o.Status != store.Stuck {
		return 0, fmt.Errorf("finish run %s: %v is no end", claim.ID, o.Status)
	}
	var status store.Status
	partings := o.HasChildren || o.Status == store.Failed
	stills := o.Status.Ended() && s.w.tx.hearts.beats(claim.Seq, "")
	end := func(tx *tx) (err error) {
		if status, err = tx.finish(claim, o); err == nil && o.HasPartition {
			err = tx.leavePlace(claim.Seq)
		}
		if err != nil || !status.Ended() {
			return err
		}
		if o.HasParent {
			err = tx.signalParent(claim.Seq, o.At)
		}
		if err == nil && partings {
			err = tx.part(claim.Seq, claim.ID, status, o.At)
		}
		if err == nil && stills {
			err = tx.still(claim.Seq, "")
		}
		if err == nil && o.HasKey {
			err = tx.freeKey(claim.Seq)
		}
		if err == nil {
			err = tx.signalEnd(claim.Seq, o.At)
		}
		return err
	}
	single := !o.HasParent && !o.HasKey && !o.HasPartition && !partings && !stills
	err := s.w.do(ctx, single, func(tx *tx) error {
		watched, err := tx.isWatched(claim.Seq)
		switch {
		case err != nil:
			return err
		case watched && single:
			return tx.together(func() error { return end(tx) }) // more than one statement after all
		}
		return end(tx)
	})
	if err != nil {
		return 0, err
	}
	return status, nil
}

func (t *tx) finish(claim store.Claim, o store.Outcome) (store.Status, error) {
	done, err := t.finishAs(claim, o, store.StopNone)
	if err != nil || done {
		return o.Status, err
	}
	cause, held, err := t.claimed(claim)
	switch {
	case err != nil:
		return 0, err
	case !held:
		return 0, stale("finish", claim)
	}
	if o.Unstopped {
		return 0, fmt.Errorf("finish run %s: %w: it was asked to stop", claim.ID, store.ErrConflict)
	}
	// A request to stop wins over the outcome, unless that is stuck.
	o.Output = nil
	if o.Status != store.Stuck && !o.Final {
		o.Status, o.Error = stopped(cause)
	}
	_, err = t.finishAs(claim, o, cause)
	return o.Status, err
}

// finishAs ends the run if that is how it was asked to stop.
func (t *tx) finishAs(claim store.Claim, o store.Outcome, cause store.StopCause) (bool, error) {
	pos := t.state.pos + 1
	ended, end := any(o.At.UnixMicro()), any(pos)
	if o.Status == store.Stuck {
		ended, end = nil, nil
	}
	n, err := t.exec(finishRun, int64(o.Status), blob(o.Output), failure(o.Error), ended, end, claim.Seq, claim.Epoch, int64(cause))
	if err != nil || n == 0 {
		return false, err
	}
	t.state.pos = pos
	t.moved(store.Running, o.Status, 1)
	t.publish(store.Event{Kind: store.EventEnded, ID: claim.ID, Seq: claim.Seq})
	return true, nil
}

// claimed reports whether the claim holds still, and how its run was asked to
// stop.
func (t *tx) claimed(claim store.Claim) (cause store.StopCause, held bool, err error) {
	err = t.query(selectClaim, func(r row) error {
		cause, held = store.StopCause(r.int(0)), true
		return nil
	}, claim.Seq, claim.Epoch)
	return cause, held, err
}

// stopped is how a run ends that was asked to stop.
func stopped(cause store.StopCause) (store.Status, *store.Failure) {
	if cause == store.StopDeadline {
		return store.Failed, &store.Failure{Code: store.CodeDeadline, Message: "run passed its deadline"}
	}
	return store.Cancelled, &store.Failure{Code: store.CodeCancelled, Message: "run was cancelled"}
}
