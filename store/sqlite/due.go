package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Due implements [store.Store].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) (int, time.Time, error) {
	type result struct {
		moved int
		next  time.Time
	}
	res, err := valued(ctx, s.w, func(tx *tx) (result, error) {
		moved, err := tx.moveDue(now, limit)
		if err != nil {
			return result{}, err
		}
		orphans, err := tx.moveOrphans(now, limit-moved)
		if err != nil {
			return result{}, err
		}
		next, err := tx.nextDue(now)
		return result{moved + orphans, next}, err
	})
	return res.moved, res.next, err
}

// nextDue is when the next run is due: now, while there are orphans left.
func (t *tx) nextDue(now time.Time) (time.Time, error) {
	left, err := t.count(countPartings)
	if err != nil || left > 0 {
		return now, err
	}
	next, err := t.count(nextDue)
	return fromMicros(next), err
}

type dueRun struct {
	seq       int64
	id, queue string
	status    store.Status
	unstarted bool
	late      bool // past its deadline
}

func (t *tx) moveDue(now time.Time, limit int) (int, error) {
	var due []dueRun
	err := t.query(selectDue, func(r row) error {
		deadline := r.time(4) // none once it was asked to stop
		due = append(due, dueRun{
			seq: r.int(0), id: r.text(1), queue: r.text(2), status: store.Status(r.int(3)),
			late: !deadline.IsZero() && !deadline.After(now), unstarted: r.int(5) == 0,
		})
		return nil
	}, now.UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		switch {
		case d.late:
			err = t.stop(d.seq, d.id, d.status, d.unstarted, store.StopDeadline, now)
		case d.status == store.Delayed || d.status == store.Waiting:
			err = t.requeue(d.seq, d.status, now)
		default:
			err = fmt.Errorf("%w: run %s is %s and due without a deadline", store.ErrCorrupt, d.id, d.status)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// Recover implements [store.Store].
func (s *Store) Recover(ctx context.Context, now time.Time, maxRecoveries int) (store.Recovery, error) {
	return valued(ctx, s.w, func(tx *tx) (store.Recovery, error) { return tx.recover(now, maxRecoveries) })
}

func (t *tx) recover(now time.Time, maxRecoveries int) (rec store.Recovery, err error) {
	if _, err := t.exec(countProgress); err != nil {
		return rec, err
	}
	why := &store.Failure{Code: store.CodeRecoveries, Message: fmt.Sprintf("recovered %d times in a row without progress: it may be what ends the process", maxRecoveries)}
	var parked []int64
	err = t.query(parkCrashing, func(r row) error {
		rec.Parked++
		parked = append(parked, r.int(1))
		t.publish(store.Event{Kind: store.EventEnded, ID: r.text(0), Seq: r.int(1)})
		return nil
	}, int64(maxRecoveries), failure(why))
	if err != nil {
		return rec, err
	}
	for _, seq := range parked {
		if err := t.leavePlace(seq); err != nil {
			return rec, err
		}
	}
	n, err := t.exec(recoverRunning, now.UnixMicro())
	if err != nil {
		return rec, err
	}
	rec.Recovered = int(n)
	t.moved(store.Running, store.Stuck, int64(rec.Parked))
	t.moved(store.Running, store.Queued, n)
	if n > 0 {
		t.publish(store.Event{Kind: store.EventQueued})
	}
	return rec, nil
}
