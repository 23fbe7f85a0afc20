package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Stop implements [store.Store].
func (s *Store) Stop(ctx context.Context, id string, cause store.StopCause, now time.Time) (store.Run, error) {
	return valued(ctx, s.w, func(tx *tx) (store.Run, error) {
		run, err := tx.get(id)
		switch {
		case err != nil:
			return store.Run{}, err
		case run.Status.Ended():
			return store.Run{}, fmt.Errorf("stop run %s: %w: it has ended: %s", id, store.ErrConflict, run.Status)
		case run.Stop != store.StopNone && run.Status != store.Stuck:
			return run, nil
		case cause == store.StopByCode && run.Status == store.Stuck:
			return store.Run{}, fmt.Errorf("stop run %s: %w: it is stuck: its code cannot see that it stops", id, store.ErrConflict)
		case cause == store.StopByCode:
			cause = store.StopCancel
		}
		if err := tx.stop(run.Seq, run.ID, run.Status, run.StartedAt.IsZero(), cause, now); err != nil {
			return store.Run{}, err
		}
		return tx.get(id)
	})
}

// stop asks a live or stuck run to stop.
func (t *tx) stop(seq int64, id string, status store.Status, unstarted bool, cause store.StopCause, now time.Time) error {
	if _, err := t.exec(stopRun, seq, int64(cause)); err != nil {
		return err
	}
	if unstarted && status == store.Queued {
		// Resumed, and in line again: its code has to see that it stops, and
		// needs no place in the queue for that.
		err := t.query(beginStopped, func(r row) error {
			unstarted = false
			t.publish(store.Event{Kind: store.EventQueued, ID: id, Seq: seq, Queue: r.text(0)})
			return nil
		}, seq, now.UnixMicro())
		if err != nil {
			return err
		}
	}
	// One that did not begin in this history may have children of one before.
	if err := t.part(seq, id, store.Cancelled, now); err != nil {
		return err
	}
	switch {
	case unstarted || status == store.Stuck:
		return t.endUnstarted(seq, id, status, cause, now)
	case status == store.Running:
		t.publish(store.Event{Kind: store.EventSignalled, ID: id, Seq: seq})
		return nil
	case status == store.Waiting:
		return t.requeue(seq, status, now)
	}
	return nil // queued and started before: its code sees it when it is claimed
}

// endUnstarted ends a run whose code need not, or cannot, see that it stops.
func (t *tx) endUnstarted(seq int64, id string, from store.Status, cause store.StopCause, now time.Time) error {
	to, why := stopped(cause)
	t.state.pos++
	if _, err := t.exec(endUnstarted, seq, int64(to), failure(why), now.UnixMicro(), t.state.pos); err != nil {
		return err
	}
	if err := t.freeKey(seq); err != nil {
		return err
	}
	t.moved(from, to, 1)
	t.publish(store.Event{Kind: store.EventEnded, ID: id, Seq: seq})
	if err := t.still(seq, ""); err != nil {
		return err
	}
	if err := t.signalParent(seq, now); err != nil {
		return err
	}
	return t.signalEnd(seq, now)
}

// signal tells a run that something reached it.
func (t *tx) signal(seq int64, id string, status store.Status, now time.Time) error {
	if _, err := t.exec(signalRun, seq); err != nil {
		return err
	}
	switch status {
	case store.Running:
		t.publish(store.Event{Kind: store.EventSignalled, ID: id, Seq: seq})
	case store.Waiting:
		return t.requeue(seq, status, now)
	}
	return nil // its code sees it when it is claimed
}

func (t *tx) requeue(seq int64, from store.Status, now time.Time) error {
	if _, err := t.exec(requeueRun, seq, now.UnixMicro()); err != nil {
		return err
	}
	t.moved(from, store.Queued, 1)
	var queue, partition string
	err := t.query(selectQueue, func(r row) error {
		queue, partition = r.text(1), r.text(2)
		t.publish(store.Event{Kind: store.EventQueued, ID: r.text(0), Seq: seq, Queue: queue})
		return nil
	}, seq)
	if err != nil {
		return err
	}
	return t.openLine(queue, partition) // for nothing when it had started
}

// Resume implements [store.Store].
func (s *Store) Resume(ctx context.Context, id string, now time.Time) (store.Run, error) {
	return valued(ctx, s.w, func(tx *tx) (store.Run, error) {
		run, err := tx.get(id)
		switch {
		case err != nil:
			return store.Run{}, err
		case run.Status != store.Stuck && run.Status != store.Cancelled:
			return store.Run{}, fmt.Errorf("resume run %s: %w: it is %s, only a stuck or cancelled run can be resumed", id, store.ErrConflict, run.Status)
		}
		if run.Status == store.Cancelled {
			n, err := tx.count(countReturned, run.Seq)
			if err != nil {
				return store.Run{}, err
			}
			if n > 0 {
				return store.Run{}, fmt.Errorf("resume run %s: %w: what it did was compensated", id, store.ErrConflict)
			}
		}
		if _, err := tx.exec(resumeRun, run.Seq, now.UnixMicro()); err != nil {
			return store.Run{}, err
		}
		if _, err := tx.exec(deleteParting, run.ID); err != nil {
			return store.Run{}, err
		}
		if err := tx.openLine(run.Queue, run.Partition); err != nil {
			return store.Run{}, err
		}
		tx.moved(run.Status, store.Queued, 1)
		tx.publish(store.Event{Kind: store.EventQueued, ID: run.ID, Seq: run.Seq, Queue: run.Queue})
		if !run.Deadline.IsZero() {
			tx.publish(store.Event{Kind: store.EventDue, At: run.Deadline})
		}
		return tx.get(id)
	})
}
