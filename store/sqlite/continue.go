package sqlite

import (
	"context"

	"github.com/stepwell/stepwell/store"
)

// leftRows bounds the rows of an old history that one write takes out beside
// what it is for.
const leftRows = 256

// Continue implements [store.Changer].
func (s *Store) Continue(ctx context.Context, claim store.Claim, c store.Continuation) (store.Continued, error) {
	return valued(ctx, s.w, func(tx *tx) (store.Continued, error) { return tx.goOn(claim, c) })
}

func (t *tx) goOn(claim store.Claim, c store.Continuation) (store.Continued, error) {
	pos := t.state.pos
	done, sampled, queue := false, false, ""
	err := t.query(continueRun, func(r row) error {
		done, queue, sampled = true, r.text(0), r.int(1) == 1
		return nil
	}, claim.Seq, claim.Epoch, c.At.UnixMicro(), blob(c.Input), int64(c.Base), pos)
	if err != nil {
		return store.Continued{}, err
	}
	if !done {
		_, held, err := t.claimed(claim)
		if err == nil && !held {
			err = stale("continue", claim)
		}
		return store.Continued{Stopped: held}, err
	}
	t.moved(store.Running, store.Queued, 1)
	t.publish(store.Event{Kind: store.EventQueued, ID: claim.ID, Seq: claim.Seq, Queue: queue})
	if err := t.still(claim.Seq, ""); err != nil {
		return store.Continued{}, err
	}
	for key, value := range c.Events {
		if err := t.setEvent(claim, key, value, c.At); err != nil {
			return store.Continued{}, err
		}
	}
	if sampled {
		// The spans of the rows are still to be sent.
		_, err := t.exec(insertLeftover, pos, claim.Seq, pos)
		return store.Continued{}, err
	}
	p := &portion{rows: leftRows, bytes: sweepBytes}
	if err := t.sweepLeft(claim.Seq, pos, p); err != nil || !p.full {
		return store.Continued{}, err
	}
	_, err = t.exec(insertLeftover, int64(0), claim.Seq, pos)
	return store.Continued{Left: true}, err
}

// sweepLeftovers takes out what is left of old histories whose spans were sent.
func (t *tx) sweepLeftovers(p *portion) (more bool, err error) {
	for {
		var due, run, pos int64
		if err := t.query(selectLeftover, func(r row) error { due, run, pos = r.int(0), r.int(1), r.int(2); return nil }); err != nil || run == 0 {
			return false, err
		}
		if err := t.sweepLeft(run, pos, p); err != nil || p.full || !p.take(0) {
			return p.full, err
		}
		if _, err := t.exec(deleteLeftover, due, run); err != nil {
			return false, err
		}
	}
}

// sweepLeft takes out the rows of a run up to a position.
func (t *tx) sweepLeft(run, pos int64, p *portion) error {
	return t.sweepRows(p, run, sweepableLeft, run, pos, int64(p.rows+1))
}

// moveCursor moves the cursor of the spans, and takes out old histories that
// waited for that.
func (t *tx) moveCursor(name string, pos int64) error {
	if _, err := t.exec(upsertCursor, name, pos); err != nil {
		return err
	}
	_, err := t.sweepLeftovers(&portion{rows: 8 * leftRows, bytes: sweepBytes})
	return err
}
