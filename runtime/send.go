package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// SendOption changes how a message or an update is sent.
type SendOption interface{ applySend(*sendConfig) }

type sendConfig struct{ key string }

type sendFunc func(*sendConfig)

func (f sendFunc) applySend(c *sendConfig) { f(c) }

// MessageKey makes sending repeatable: of the messages to one topic of a run, or
// the updates of one name, those with the same key are one.
func MessageKey(key string) SendOption { return sendFunc(func(c *sendConfig) { c.key = key }) }

// Send sends a message to a run, which gets it with [Receive]. When it returns
// nil the message is durable, and is taken exactly once. It may be sent before
// the run asks for it, or has begun; a stuck run keeps it.
//
// Errors: [ErrNotFound]; [ErrConflict] when the run has ended; [ErrInvalid].
//
// Inside a run the sending is recorded and happens once, whatever crashes.
// Outside, and inside a step, a call that is repeated needs a [MessageKey].
func Send(ctx context.Context, runID, topic string, v any, opts ...SendOption) error {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return err
	}
	payload, err := rt.cfg.Codec.Encode(v)
	if err != nil {
		return fmt.Errorf("send to %s: encode message: %w", runID, err)
	}
	m, err := rt.message(runID, topic, payload, opts)
	if b := branchOf(ctx); b != nil {
		return b.send(m, err)
	}
	if err == nil {
		_, err = rt.store.Send(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("send %q: %w", topic, err)
	}
	return nil
}

// Send is the function [Send] for a value that is encoded already. It reports
// false when a message with this key was sent before.
func (rt *Runtime) Send(ctx context.Context, runID, topic string, payload []byte, opts ...SendOption) (bool, error) {
	m, err := rt.message(runID, topic, payload, opts)
	if err != nil {
		return false, err
	}
	if err := rt.cfg.Codec.Decode(payload, new(any)); err != nil {
		return false, fmt.Errorf("%w: message: %w", ErrInvalid, err)
	}
	if m.Payload, err = rt.sealed(payload); err != nil {
		return false, fmt.Errorf("send %q: %w", topic, err)
	}
	return rt.store.Send(ctx, m)
}

// message puts a message together. An error leaves enough of it to record.
func (rt *Runtime) message(runID, topic string, payload []byte, opts []SendOption) (store.Message, error) {
	var c sendConfig
	for _, o := range opts {
		o.applySend(&c)
	}
	m := store.Message{RunID: runID, Topic: topic, Key: c.key, Payload: payload, SentAt: now()}
	if err := ValidateID(runID); err != nil {
		return m, err
	}
	return m, rt.checkMessage("topic", topic, c.key, payload)
}

func (rt *Runtime) checkMessage(what, name, key string, payload []byte) error {
	if err := checkName(what, name); err != nil {
		return err
	}
	if key != "" && !wellFormed(key, 200, "._:@=+-/") {
		return fmt.Errorf("%w: key %.220q: want 1 to 200 letters, digits or any of . _ : @ = + - /, beginning with a letter or digit", ErrInvalid, key)
	}
	if len(payload) > rt.cfg.MaxPayload {
		return tooLarge("message", len(payload), rt.cfg.MaxPayload)
	}
	return nil
}

// checkName is an error when a name of a topic, an event, an update or a stream
// is not allowed.
func checkName(what, name string) error {
	if !wellFormed(name, 128, "._-") {
		return fmt.Errorf("%w: %s %.140q: %s", ErrInvalid, what, name, nameRuleText)
	}
	return nil
}

// send sends from inside a run. A crash between the sending and its record sends
// it again, under the same key.
func (b *branch) send(m store.Message, refused error) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	return b.sendAs(store.KindSend, m.Topic, m, refused)
}

// sendAs sends under a row of the kind and name.
func (b *branch) sendAs(kind store.Kind, name string, m store.Message, refused error) error {
	path, p := b.past(kind, name)
	what := fmt.Sprint(kind, " ", name)
	if p.final != nil {
		_, err := settled(what, p.final)
		return err
	}
	if err := b.stopped(); err != nil {
		return err
	}
	row := &store.Step{Path: path, Attempt: 1, Kind: kind, Name: name, Status: store.StepSucceeded, StartedAt: m.SentAt, ChildID: m.RunID}
	if m.Key == "" {
		m.Key = internalKey(b.e.unique(), path)
	}
	err := refused
	if err == nil {
		err = b.e.rt.persist(b.e.halting, func() error {
			_, err := b.e.rt.store.Send(context.Background(), m)
			return err
		})
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		row.Status, row.Error = store.StepFailed, recorded(err)
	default:
		b.e.fail(err) // nothing that the workflow did wrong
	}
	row.EndedAt = now()
	b.record(row)
	_, err = settled(what, row)
	return err
}

// internalKey is the key of what a run sends from one place. No key from outside
// begins like it.
func internalKey(id, path string) string { return "$" + childID(id, path) }

// startMessage is a message to send with the start of its run.
type startMessage struct {
	topic string
	v     any
	opts  []SendOption
}

// Message sends a message to the run, in the same write that creates it. When
// the run exists the message is sent to that, each time that Start is called,
// unless a [MessageKey] says that it is the same; then Start fails with
// [ErrConflict] when the run has ended.
func Message(topic string, v any, opts ...SendOption) StartOption {
	return startFunc(func(c *startConfig) { c.messages = append(c.messages, startMessage{topic, v, opts}) })
}

func (rt *Runtime) startMessages(c *startConfig) ([]store.NewMessage, error) {
	var messages []store.NewMessage
	for i, m := range c.messages {
		payload, err := rt.cfg.Codec.Encode(m.v)
		if err != nil {
			return nil, fmt.Errorf("%w: encode message: %w", ErrInvalid, err)
		}
		var sc sendConfig
		for _, o := range m.opts {
			o.applySend(&sc)
		}
		if err := rt.checkMessage("topic", m.topic, sc.key, payload); err != nil {
			return nil, err
		}
		if sc.key == "" && c.sender != "" {
			sc.key = internalKey(c.sender, fmt.Sprint(i))
		}
		messages = append(messages, store.NewMessage{Topic: m.topic, Key: sc.key, Payload: payload})
	}
	return messages, nil
}
