package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// handler answers the updates of one name.
type handler struct {
	name     string
	validate func(ctx context.Context, req []byte) error
	handle   func(ctx context.Context, req []byte) ([]byte, error)
}

// onUpdate begins the branch of a handler.
func (b *branch) onUpdate(ctx context.Context, h *handler) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	if !b.e.handles(h.name) {
		return fmt.Errorf("%w: update %q has a handler already", ErrInvalid, h.name)
	}
	own := &branch{e: b.e, path: b.fork()}
	b.e.branch(ctx, &future{e: b.e, done: make(chan struct{})}, own, func(ctx context.Context) { own.serve(ctx, h) })
	return nil
}

// handles notes that a name has a handler; false when it had one.
func (e *execution) handles(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handlers[name] {
		return false
	}
	if e.handlers == nil {
		e.handlers = map[string]bool{}
	}
	e.handlers[name] = true
	return true
}

// updateKey tells the updates of a run apart.
type updateKey struct{ name, key string }

// note keeps what is known of the updates that were taken and not answered.
func (e *execution) note(row *store.Step, open bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		e.open = map[updateKey]bool{}
	}
	noteUpdate(e.open, row, open)
}

func noteUpdate(updates map[updateKey]bool, row *store.Step, open bool) {
	if key := (updateKey{row.Name, row.ChildID}); open {
		updates[key] = true
	} else {
		delete(updates, key)
	}
}

// openUpdates finds in a history the updates that were taken and not answered.
func openUpdates(rows []store.Step) map[updateKey]bool {
	var updates map[updateKey]bool
	for i := range rows {
		if row := &rows[i]; row.Kind == store.KindUpdate {
			if updates == nil {
				updates = map[updateKey]bool{}
			}
			// The first row of one is the request, the second the answer.
			noteUpdate(updates, row, !updates[updateKey{row.Name, row.ChildID}])
		}
	}
	return updates
}

// answers are those to the updates that nobody will answer any more, because the
// run continues, by the keys of their events.
func (e *execution) answers() (map[string][]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	events := map[string][]byte{}
	for update := range e.open {
		value, err := e.rt.encodeAnswer(answer{Error: recorded(fmt.Errorf("%w, and this was not answered before", ErrContinued))})
		if err != nil {
			return nil, err
		}
		events[answerEvent(update.name, update.key)] = value
	}
	return events, nil
}

// enterAlone is enter on a branch that nobody else may use.
func (b *branch) enterAlone() {
	if err := b.enter(); err != nil {
		b.e.fail(fmt.Errorf("%w: in the handler of an update: %w", ErrNondeterministic, err))
	}
}

// serve answers one update after the other, until the run is asked to stop.
func (b *branch) serve(ctx context.Context, h *handler) {
	for {
		req := b.accept(ctx, h)
		if req == nil {
			return
		}
		out, err := h.handle(ctx, req.Output)
		if b.stopped() != nil {
			return // what it returned came of that
		}
		if !b.answer(h, req, out, err) {
			return
		}
	}
}

// accept takes the next request that the validator lets through, and records it;
// nil when the run was asked to stop.
func (b *branch) accept(ctx context.Context, h *handler) *store.Step {
	b.enterAlone()
	defer b.leave()
	path, p := b.past(store.KindUpdate, h.name)
	if p.final != nil {
		return p.final
	}
	topic := requestTopic(h.name)
	for b.stopped() == nil {
		seen := b.e.signalled()
		m, found, err := b.e.rt.store.Peek(context.Background(), b.e.run.Seq, topic)
		switch {
		case err != nil:
			b.e.fail(err)
		case !found:
			b.e.waitSignalUntil(seen, time.Time{})
			continue
		}
		if err := h.validate(outside{ctx}, m.Payload); err != nil {
			b.reject(h, m, err)
			continue
		}
		// The key in the place of the other run: the answer goes to it.
		row := &store.Step{Path: path, Attempt: 1, Kind: store.KindUpdate, Name: h.name, Status: store.StepSucceeded, StartedAt: m.SentAt, EndedAt: now(), ChildID: m.Key}
		if m, found, err = b.takeMessage(topic, row); err != nil {
			b.e.fail(err)
		}
		if found {
			row.Output = m.Payload
			b.e.note(row, true)
			return row
		}
	}
	return nil
}

// outside is a context in which the calls of this package are outside of the run.
type outside struct{ context.Context }

func (c outside) Value(key any) any {
	if key == (branchKey{}) {
		return nil
	}
	return c.Context.Value(key)
}

// reject answers a request that leaves no trace in the history.
func (b *branch) reject(h *handler, m store.Message, why error) {
	value, err := b.e.rt.encodeAnswer(answer{Rejected: true, Error: recorded(why)})
	if err != nil {
		b.e.fail(err)
	}
	v := store.EventValue{Value: value, SetAt: now()}
	err = b.e.rt.persist(b.e.halting, func() error {
		return b.e.rt.store.Dismiss(context.Background(), b.e.claim, m, answerEvent(h.name, m.Key), v)
	})
	if err != nil {
		b.e.fail(err)
	}
}

// answer records what the handler returned, and sets the event of the answer with
// it. It reports whether to go on.
func (b *branch) answer(h *handler, req *store.Step, out []byte, err error) bool {
	b.enterAlone()
	defer b.leave()
	path, p := b.past(store.KindUpdate, h.name)
	if p.final != nil {
		return true
	}
	if b.stopped() != nil {
		return false
	}
	if most := b.e.rt.cfg.MaxPayload; err == nil && len(out) > most {
		err = tooLarge("response", len(out), most)
	}
	a := answer{Response: out}
	row := &store.Step{Path: path, Attempt: 1, Kind: store.KindUpdate, Name: h.name, Status: store.StepSucceeded, Output: out, StartedAt: req.EndedAt, EndedAt: now(), ChildID: req.ChildID}
	if err != nil {
		a = answer{Error: recorded(err)}
		row.Status, row.Output, row.Error = store.StepFailed, nil, a.Error
	}
	value, err := b.e.rt.encodeAnswer(a)
	if err != nil {
		b.e.fail(err)
	}
	b.publish(answerEvent(h.name, req.ChildID), value, row)
	b.e.note(row, false)
	return true
}
