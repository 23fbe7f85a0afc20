package sqlite

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/stepwell/stepwell/store"
)

// Beat implements [store.Store].
func (s *Store) Beat(ctx context.Context, claim store.Claim, h *store.Heartbeat) error {
	return s.w.do(ctx, true, func(tx *tx) error {
		n, err := tx.exec(upsertHeartbeat, h.Path, int64(h.Attempt), h.At.UnixMicro(), blob(h.Details), claim.Seq, claim.Epoch)
		switch {
		case err != nil:
			return err
		case n == 0:
			return stale("beat", claim)
		}
		tx.hearts.add(claim.Seq, h.Path)
		return nil
	})
}

// LastBeat implements [store.Store].
func (s *Store) LastBeat(ctx context.Context, seq int64, path string) (h store.Heartbeat, found bool, err error) {
	err = s.r.query(ctx, selectHeartbeat, func(r row) error {
		h, found = store.Heartbeat{Path: r.text(0), Attempt: int(r.int(1)), At: r.time(2), Details: r.blob(3)}, true
		return nil
	}, seq, path)
	return h, found, err
}

// hearts knows which steps may have a heartbeat stored, so that the others pay
// nothing for their removal. It may name some that have none, never the other
// way round: the writer adds before the commit and takes away after it.
type hearts struct {
	some atomic.Bool // runs is not empty: mostly it is, and nobody need lock

	mu   sync.Mutex
	runs map[int64]map[string]struct{}
}

func readHearts(c *conn) (*hearts, error) {
	h := &hearts{runs: map[int64]map[string]struct{}{}}
	err := c.query(selectBeating, func(r row) error { h.add(r.int(0), r.text(1)); return nil })
	return h, err
}

func (h *hearts) add(run int64, path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.runs[run] == nil {
		h.runs[run] = map[string]struct{}{}
	}
	h.runs[run][path] = struct{}{}
	h.some.Store(true)
}

// beats reports whether the step may have a heartbeat; of any step when path
// is empty.
func (h *hearts) beats(run int64, path string) bool {
	if !h.some.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	steps, ok := h.runs[run]
	if path != "" {
		_, ok = steps[path]
	}
	return ok
}

// stilled is a heartbeat that was removed; of the whole run when path is empty.
type stilled struct {
	run  int64
	path string
}

func (h *hearts) still(list []stilled) {
	if len(list) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range list {
		steps := h.runs[s.run]
		delete(steps, s.path)
		if s.path == "" || len(steps) == 0 {
			delete(h.runs, s.run)
		}
	}
	h.some.Store(len(h.runs) > 0)
}

// still removes the heartbeat of a step, or with an empty path those of a run.
func (t *tx) still(run int64, path string) (err error) {
	if !t.hearts.beats(run, path) {
		return nil
	}
	if path == "" {
		_, err = t.exec(deleteHeartbeats, run)
	} else {
		_, err = t.exec(deleteHeartbeat, run, path)
	}
	t.stilled = append(t.stilled, stilled{run, path})
	return err
}
