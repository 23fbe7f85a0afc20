package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// model is what a store must do, in memory and as plainly as can be.
type model struct {
	seq  int64       // of the newest run
	runs []*modelRun // in order of creation
	byID map[string]*modelRun
	cur  map[string]int64
}

type modelRun struct {
	store.Run
	due         time.Time
	recoveries  int
	recoveredAt int // rows of history at the last recovery
	steps       []store.Step
	mailbox     mailbox
	left        int // spans of older histories
}

func newModel() *model { return &model{byID: map[string]*modelRun{}, cur: map[string]int64{}} }

// deadlineDue is the deadline while it still means something.
func (r *modelRun) deadlineDue() time.Time {
	if r.Stop != store.StopNone {
		return time.Time{}
	}
	return r.Deadline
}

// earliest is the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (m *model) create(n store.NewRun) (*modelRun, bool, error) {
	if n.ClaimFor != "" && (n.Queue != "" || n.StartAt.After(n.CreatedAt)) {
		return nil, false, errRefused
	}
	if r := m.byID[n.ID]; r != nil {
		return r, false, nil
	}
	m.seq++
	r := &modelRun{Run: store.Run{
		Seq: m.seq, ID: n.ID, Workflow: n.Workflow, Status: store.Queued, Queue: n.Queue, Priority: n.Priority,
		Labels: n.Labels, Version: n.Version, Input: n.Input, ParentID: n.ParentID, CreatedAt: n.CreatedAt, QueuedAt: n.CreatedAt,
		Deadline: n.Deadline, Attempt: 1, Trace: n.Trace, Pinned: n.Pinned,
	}}
	switch {
	case n.ClaimFor != "":
		r.Status, r.Executor, r.Epoch, r.StartedAt, r.QueuedAt = store.Running, n.ClaimFor, 1, n.CreatedAt, time.Time{}
	case n.StartAt.After(n.CreatedAt):
		r.Status, r.WakeAt, r.QueuedAt = store.Delayed, n.StartAt, time.Time{}
	}
	r.due = earliest(r.WakeAt, r.Deadline)
	m.runs = append(m.runs, r)
	m.byID[r.ID] = r
	return r, true, nil
}

// holder returns the run of a claim that is not stale.
func (m *model) holder(c store.Claim) (*modelRun, error) {
	for _, r := range m.runs {
		if r.Seq == c.Seq && r.Status == store.Running && r.Epoch == c.Epoch {
			return r, nil
		}
	}
	return nil, store.ErrStale
}

func (m *model) record(c store.Claim, s store.Step) error {
	r, err := m.holder(c)
	if err != nil {
		return err
	}
	for _, o := range r.steps {
		if o.Path == s.Path && o.Attempt == s.Attempt {
			return store.ErrConflict
		}
	}
	s.Epoch = c.Epoch
	r.steps = append(r.steps, s)
	return nil
}

func (m *model) suspend(c store.Claim, p store.Suspension) error {
	r, err := m.holder(c)
	if err != nil {
		return err
	}
	if r.Signals != p.Signals {
		return store.ErrConflict
	}
	r.Status, r.WakeAt, r.due = store.Waiting, p.WakeAt, earliest(p.WakeAt, r.deadlineDue())
	return nil
}

var stopCodes = map[store.StopCause]string{store.StopCancel: store.CodeCancelled, store.StopDeadline: store.CodeDeadline}

func stopped(c store.StopCause) store.Status {
	if c == store.StopDeadline {
		return store.Failed
	}
	return store.Cancelled
}

func (m *model) finish(c store.Claim, o store.Outcome) (store.Status, error) {
	if !o.Status.Ended() && o.Status != store.Stuck {
		return 0, errRefused
	}
	r, err := m.holder(c)
	if err != nil {
		return 0, err
	}
	r.WakeAt, r.due = time.Time{}, time.Time{}
	switch {
	case o.Status == store.Stuck:
		r.Status, r.Error = store.Stuck, o.Error
		if r.Stop == store.StopNone {
			r.Output = o.Output
		}
	case r.Stop != store.StopNone:
		r.Status, r.Error, r.EndedAt = stopped(r.Stop), &store.Failure{Code: stopCodes[r.Stop]}, o.At
	default:
		r.Status, r.Output, r.Error, r.EndedAt = o.Status, o.Output, o.Error, o.At
	}
	return r.Status, nil
}

func (m *model) release(cs []store.Claim, now time.Time) {
	for _, c := range cs {
		if r, err := m.holder(c); err == nil {
			r.Status, r.QueuedAt = store.Queued, now
		}
	}
}

func (m *model) stop(id string, cause store.StopCause, now time.Time) (*modelRun, error) {
	r := m.byID[id]
	switch {
	case r == nil:
		return nil, store.ErrNotFound
	case r.Status.Ended():
		return nil, store.ErrConflict
	case r.Stop != store.StopNone && r.Status != store.Stuck:
		return r, nil
	}
	r.askToStop(cause, now)
	return r, nil
}

func (r *modelRun) askToStop(cause store.StopCause, now time.Time) {
	r.Stop, r.due = cause, time.Time{}
	r.Signals++
	if r.Status == store.Queued && r.StartedAt.IsZero() && slices.ContainsFunc(r.steps, func(s store.Step) bool { return s.Epoch > 0 }) {
		r.StartedAt = now // its code has to see it
	}
	switch {
	case r.StartedAt.IsZero() || r.Status == store.Stuck:
		r.Status, r.Error, r.EndedAt = stopped(cause), &store.Failure{Code: stopCodes[cause]}, now
		r.WakeAt, r.Aside = time.Time{}, false
	case r.Status == store.Waiting:
		r.queue(now)
	}
}

func (r *modelRun) queue(now time.Time) {
	r.Status, r.QueuedAt, r.WakeAt, r.due, r.Aside = store.Queued, now, time.Time{}, r.deadlineDue(), false
}

func (m *model) resume(id string, now time.Time) (*modelRun, error) {
	r := m.byID[id]
	switch {
	case r == nil:
		return nil, store.ErrNotFound
	case r.Status != store.Stuck && r.Status != store.Cancelled:
		return nil, store.ErrConflict
	}
	r.Stop, r.Error, r.Output, r.EndedAt, r.recoveries = store.StopNone, nil, nil, time.Time{}, 0
	r.Attempt++
	if r.Queue != "" {
		r.StartedAt = time.Time{} // it stands in line again
	}
	r.queue(now)
	return r, nil
}

// remove expects runs without parents.
func (m *model) remove(id string) error {
	r := m.byID[id]
	switch {
	case r == nil:
		return store.ErrNotFound
	case !r.Status.Ended():
		return store.ErrConflict
	}
	m.runs = slices.DeleteFunc(m.runs, func(o *modelRun) bool { return o == r })
	delete(m.byID, id)
	return nil
}

// expire deletes runs without parents and returns how many.
func (m *model) expire(e store.Expiry) (n int) {
	var runs []*modelRun
	for _, r := range m.runs {
		if r.Status == e.Status && !r.EndedAt.Before(e.From) && r.EndedAt.Before(e.Before) {
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *modelRun) int { return a.EndedAt.Compare(b.EndedAt) })
	for _, r := range runs[:min(len(runs), e.Limit)] {
		m.remove(r.ID)
		n++
	}
	return n
}

// moveDue expects no two runs to be due at the same moment.
func (m *model) moveDue(now time.Time, limit int) (moved int, next time.Time) {
	runs := slices.Clone(m.runs)
	slices.SortFunc(runs, func(a, b *modelRun) int { return a.due.Compare(b.due) })
	for _, r := range runs {
		if moved == limit || r.due.IsZero() || r.due.After(now) {
			continue
		}
		moved++
		if d := r.deadlineDue(); !d.IsZero() && !d.After(now) {
			r.askToStop(store.StopDeadline, now)
		} else {
			r.queue(now)
		}
	}
	for _, r := range m.runs {
		next = earliest(next, r.due)
	}
	return moved, next
}

func (m *model) recover(now time.Time, max int) (rec store.Recovery) {
	for _, r := range m.runs {
		if r.Status != store.Running {
			continue
		}
		r.recoveries++
		if len(r.steps) > r.recoveredAt {
			r.recoveries = 1
		}
		r.recoveredAt = len(r.steps)
		if r.recoveries > max {
			r.Status, r.Error, r.due = store.Stuck, &store.Failure{Code: store.CodeRecoveries}, time.Time{}
			rec.Parked++
		} else {
			r.queue(now)
			r.Attempt++
			rec.Recovered++
		}
	}
	return rec
}

// claim checks what a store handed out, and takes it over: among runs of equal
// rank the choice is the store's.
func (m *model) claim(req store.ClaimRequest, got []store.Run) error {
	rest := got
	take := func(what string, limit int, starts bool, fits func(*modelRun) bool) error {
		var cands []*modelRun
		for _, r := range m.runs {
			if r.Status == store.Queued && fits(r) {
				cands = append(cands, r)
			}
		}
		slices.SortStableFunc(cands, func(a, b *modelRun) int {
			return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.QueuedAt.Compare(b.QueuedAt))
		})
		n := min(limit, len(cands))
		if n <= 0 {
			return nil
		}
		if len(rest) < n {
			return fmt.Errorf("%s: %d runs handed out, want %d", what, len(rest), n)
		}
		for i, g := range rest[:n] {
			r := m.byID[g.ID]
			if r == nil || !slices.Contains(cands, r) {
				return fmt.Errorf("%s: run %s was not claimable", what, g.ID)
			}
			if w := cands[i]; r.Priority != w.Priority || !r.QueuedAt.Equal(w.QueuedAt) {
				return fmt.Errorf("%s: run %s was handed out at place %d before %s", what, g.ID, i, w.ID)
			}
		}
		for _, g := range rest[:n] {
			r := m.byID[g.ID]
			r.Status, r.Executor = store.Running, req.Executor
			r.Epoch++
			if starts {
				r.StartedAt = req.Now
			}
		}
		rest = rest[n:]
		return nil
	}
	if err := take("started runs", req.Limit, false, func(r *modelRun) bool { return !r.StartedAt.IsZero() }); err != nil {
		return err
	}
	for _, q := range req.Queues {
		limit := req.Limit - (len(got) - len(rest))
		if q.Limit > 0 {
			limit = min(limit, q.Limit)
		}
		if q.Concurrency > 0 {
			limit = min(limit, q.Concurrency-m.held(q.Name))
		}
		err := take("queue "+q.Name, limit, true, func(r *modelRun) bool { return r.StartedAt.IsZero() && r.Queue == q.Name })
		if err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d runs too many were handed out", len(rest))
	}
	return nil
}

func (m *model) held(queue string) (n int) {
	for _, r := range m.runs {
		if r.Queue == queue && live(r.Status) && !r.StartedAt.IsZero() {
			n++
		}
	}
	return n
}

func live(s store.Status) bool { return !s.Ended() && s != store.Stuck }

func (m *model) stats() store.Stats {
	st := store.Stats{Runs: map[store.Status]int64{}}
	for _, s := range store.Statuses() {
		st.Runs[s] = 0
	}
	queues := map[string]*store.QueueStats{}
	for _, r := range m.runs {
		st.Runs[r.Status]++
		st.NextDue = earliest(st.NextDue, r.due)
		if r.Aside {
			if st.Aside == nil {
				st.Aside = map[string]int64{}
			}
			st.Aside[r.Version]++
		}
		if r.Status == store.Queued {
			st.OldestQueued = earliest(st.OldestQueued, r.QueuedAt)
		}
		if !live(r.Status) {
			continue
		}
		q := queues[r.Queue]
		if q == nil {
			q = &store.QueueStats{Name: r.Queue}
			queues[r.Queue] = q
		}
		switch {
		case !r.StartedAt.IsZero():
			q.Held++
		case r.Status == store.Queued:
			q.Depth++
			q.Oldest = earliest(q.Oldest, r.QueuedAt)
		}
	}
	for _, q := range queues {
		st.Queues = append(st.Queues, *q)
	}
	sortQueues(st.Queues)
	return st
}

func sortQueues(qs []store.QueueStats) {
	slices.SortFunc(qs, func(a, b store.QueueStats) int { return cmp.Compare(a.Name, b.Name) })
}
