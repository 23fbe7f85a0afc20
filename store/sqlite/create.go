package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, n store.NewRun) (store.Run, bool, error) {
	if err := validateNew(n); err != nil {
		return store.Run{}, false, err
	}
	var run store.Run
	var created bool
	err := s.w.offer(ctx, single(&n), func(tx *tx) (err error) {
		run, created, err = tx.create(n)
		return err
	})
	if err != nil {
		return store.Run{}, false, err
	}
	return run, created, nil
}

// single reports whether the run is created by one statement.
func single(n *store.NewRun) bool {
	return len(n.Labels)+len(n.Messages)+len(n.Partition)+len(n.Dedup)+len(n.Debounce) == 0 && n.OnParentEnd == 0 && !n.Pinned
}

func validateNew(n store.NewRun) error {
	switch {
	case n.ID == "" || n.Workflow == "" || n.CreatedAt.IsZero():
		return fmt.Errorf("create run: id, workflow and creation time are required")
	case n.ClaimFor != "" && (n.Queue != "" || n.StartAt.After(n.CreatedAt)):
		return fmt.Errorf("create run %s: only a run without queue and delay can be created claimed", n.ID)
	case n.Dedup != "" && n.Debounce != "":
		return fmt.Errorf("create run %s: either dedup or debounce", n.ID)
	case n.Debounce != "" && !n.StartAt.After(n.CreatedAt):
		return fmt.Errorf("create run %s: a debounced run needs a delay", n.ID)
	case n.Partition != "" && n.Queue == "":
		return fmt.Errorf("create run %s: only a run with a queue has a partition of it", n.ID)
	}
	return nil
}

func (t *tx) create(n store.NewRun) (store.Run, bool, error) {
	if n.Dedup != "" || n.Debounce != "" {
		return t.createKeyed(n)
	}
	return t.insert(n)
}

// insert creates the run unless its id exists.
func (t *tx) insert(n store.NewRun) (store.Run, bool, error) {
	r := newRun(n)
	r.Seq = t.state.seq + 1
	var labels any
	if len(n.Labels) > 0 {
		b, err := json.Marshal(n.Labels)
		if err != nil {
			return store.Run{}, false, err
		}
		labels = string(b)
	}
	var parentSpan any
	if n.Trace.ParentSpan != ([8]byte{}) {
		parentSpan = n.Trace.ParentSpan[:]
	}
	added, err := t.exec(insertRun, r.Seq, r.ID, r.Workflow, int64(r.Status), r.Epoch, r.Queue, int64(r.Priority),
		r.Version, text(r.Executor), bit(r.Trace.Sampled), r.CreatedAt.UnixMicro(), micros(r.QueuedAt),
		micros(r.StartedAt), micros(r.WakeAt), micros(r.Deadline), micros(earliest(r.WakeAt, r.Deadline)),
		text(r.ParentID), n.Trace.TraceID[:], parentSpan, labels, blob(n.Input))
	if err != nil {
		return store.Run{}, false, err
	}
	if added == 0 {
		if err := t.sendAll(n); err != nil {
			return store.Run{}, false, err
		}
		r, err = t.get(n.ID)
		return r, false, err
	}
	for k, v := range n.Labels {
		if _, err := t.exec(insertLabel, k, v, r.Seq); err != nil {
			return store.Run{}, false, err
		}
	}
	if n.Pinned {
		if _, err := t.exec(pinRun, r.Seq); err != nil {
			return store.Run{}, false, err
		}
	}
	if n.OnParentEnd != 0 {
		if _, err := t.exec(setParentEnd, r.Seq, int64(n.OnParentEnd)); err != nil {
			return store.Run{}, false, err
		}
	}
	if n.Partition != "" {
		if _, err := t.exec(setPartition, r.Seq, n.Partition); err != nil {
			return store.Run{}, false, err
		}
		if r.Status == store.Queued {
			if err := t.openLine(n.Queue, n.Partition); err != nil {
				return store.Run{}, false, err
			}
		}
	}
	for _, m := range n.Messages {
		if err := t.insertMessage(r.Seq, store.Message{Topic: m.Topic, Key: m.Key, Payload: m.Payload, SentAt: n.CreatedAt}); err != nil {
			return store.Run{}, false, err
		}
	}
	t.state.seq = r.Seq
	t.moved(0, r.Status, 1)
	if r.Status == store.Queued {
		t.publish(store.Event{Kind: store.EventQueued, ID: r.ID, Seq: r.Seq, Queue: r.Queue})
	}
	if due := earliest(r.WakeAt, r.Deadline); !due.IsZero() {
		t.publish(store.Event{Kind: store.EventDue, At: due})
	}
	return r, true, nil
}

func newRun(n store.NewRun) store.Run {
	key, _ := startKey(&n)
	r := store.Run{
		ID: n.ID, Workflow: n.Workflow, Status: store.Queued, Queue: n.Queue, Priority: n.Priority,
		Labels: n.Labels, Version: n.Version, Input: n.Input, ParentID: n.ParentID, Partition: n.Partition, StartKey: key,
		CreatedAt: fromMicros(n.CreatedAt.UnixMicro()), Attempt: 1, Trace: n.Trace, Pinned: n.Pinned,
	}
	if len(n.Labels) == 0 {
		r.Labels = nil
	}
	if !n.Deadline.IsZero() {
		r.Deadline = fromMicros(n.Deadline.UnixMicro())
	}
	switch {
	case n.ClaimFor != "":
		r.Status, r.Executor, r.Epoch, r.StartedAt = store.Running, n.ClaimFor, 1, r.CreatedAt
	case n.StartAt.After(n.CreatedAt):
		r.Status, r.WakeAt = store.Delayed, fromMicros(n.StartAt.UnixMicro())
	default:
		r.QueuedAt = r.CreatedAt
	}
	return r
}

func (t *tx) get(id string) (run store.Run, err error) {
	err = t.query(selectRun, func(r row) error {
		run, err = scanRun(r)
		return err
	}, id)
	if err == nil && run.Seq == 0 {
		err = notFound(id)
	}
	return run, err
}

func notFound(id string) error { return fmt.Errorf("run %q: %w", id, store.ErrNotFound) }

// scanRun reads the columns runColumns.
func scanRun(r row) (store.Run, error) {
	run := store.Run{
		Seq: r.int(0), ID: r.text(1), Workflow: r.text(2), Status: store.Status(r.int(3)),
		Queue: r.text(4), Priority: int(r.int(5)), Version: r.text(6), ParentID: r.text(7), ForkedFrom: r.text(8),
		CreatedAt: r.time(9), QueuedAt: r.time(10), StartedAt: r.time(11), EndedAt: r.time(12), WakeAt: r.time(13),
		Deadline: r.time(14), Executor: r.text(15), Epoch: r.int(16), Attempt: int(r.int(17)), Signals: r.int(18),
		Stop: store.StopCause(r.int(19)), Trace: scanTrace(r, 20, 21), Input: r.blob(25), Output: r.blob(26), Partition: r.text(27), StartKey: r.text(28), Base: int(r.int(29)), Pinned: r.int(30) != 0,
	}
	run.Trace.Sampled, run.Aside = r.int(22) == 1, r.int(30) == 2 && run.Status == store.Waiting
	if s := r.text(23); s != "" {
		if err := json.Unmarshal([]byte(s), &run.Labels); err != nil {
			return store.Run{}, fmt.Errorf("%w: labels of run %s: %w", store.ErrCorrupt, run.ID, err)
		}
	}
	var err error
	run.Error, err = r.failure(24)
	return run, err
}

func scanTrace(r row, id, parent int) (t store.Trace) {
	copy(t.TraceID[:], r.blob(id))
	copy(t.ParentSpan[:], r.blob(parent))
	return t
}
