package storetest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

// mailbox is what a run of the model was sent and has set.
type mailbox struct {
	messages []store.Message // not taken, in order
	keys     map[[2]string]bool
	events   map[string]string
}

// seen is the number of signals that an executor of the claim has seen: at
// times less than there are.
func (p *player) seen(o op) int64 {
	r, err := p.m.holder(p.claim(o.a))
	if err != nil {
		return int64(o.b % 2)
	}
	return max(0, r.Signals-int64(o.b%3/2))
}

func (m *model) send(msg store.Message) (bool, error) {
	r := m.byID[msg.RunID]
	key := [2]string{msg.Topic, msg.Key}
	switch {
	case r == nil:
		return false, store.ErrNotFound
	case msg.Key != "" && r.mailbox.keys[key]:
		return false, nil
	case r.Status.Ended():
		return false, store.ErrConflict
	}
	if r.mailbox.keys == nil {
		r.mailbox.keys = map[[2]string]bool{}
	}
	r.mailbox.keys[key] = true
	r.mailbox.messages = append(r.mailbox.messages, msg)
	r.Signals++
	if r.Status == store.Waiting {
		r.queue(msg.SentAt)
	}
	return true, nil
}

func (m *model) take(c store.Claim, topic string, s store.Step) (string, bool, error) {
	r, err := m.holder(c)
	if err != nil {
		return "", false, err
	}
	i := slices.IndexFunc(r.mailbox.messages, func(msg store.Message) bool { return msg.Topic == topic })
	if i < 0 {
		return "", false, nil
	}
	s.Output = r.mailbox.messages[i].Payload
	if err := m.record(c, s); err != nil {
		return "", false, err
	}
	r.mailbox.messages = slices.Delete(r.mailbox.messages, i, i+1)
	return string(s.Output), true, nil
}

func (m *model) set(c store.Claim, key, value string, s store.Step) error {
	if err := m.record(c, s); err != nil {
		return err
	}
	r, err := m.holder(c)
	if err == nil {
		r.mailbox.set(key, value)
	}
	return err
}

func (b *mailbox) set(key, value string) {
	if b.events == nil {
		b.events = map[string]string{}
	}
	b.events[key] = value
}

var topics = []string{"t", "u"}

func (p *player) playMailbox(o op) error {
	c, topic, value := p.claim(o.a), topics[o.b%2], fmt.Sprint(o.d)
	switch o.kind {
	case "send":
		msg := store.Message{RunID: p.id(o.a), Topic: topic, Payload: []byte(value), SentAt: o.t}
		if o.c%3 == 0 {
			msg.Key = fmt.Sprint(o.c % 4)
		}
		sent, err := p.s.Send(p.ctx, msg)
		wantSent, wantErr := p.m.send(msg)
		if err == nil && sent != wantSent {
			return fmt.Errorf("sent %v, want %v", sent, wantSent)
		}
		return same(err, wantErr)
	case "take":
		s := receipt(fmt.Sprint(p.base(c)+o.c%7), topic)
		s.StartedAt, s.EndedAt = o.t, o.t
		got, found, err := p.s.Take(p.ctx, c, topic, &s)
		want, wantFound, wantErr := p.m.take(c, topic, s)
		if err == nil && (found != wantFound || string(got.Payload) != want) {
			return fmt.Errorf("took %q, %v; want %q, %v", got.Payload, found, want, wantFound)
		}
		return same(err, wantErr)
	default:
		s := setting(fmt.Sprint(p.base(c)+o.c%7), topic)
		s.StartedAt, s.EndedAt, s.Output = o.t, o.t, []byte(value)
		return same(p.s.SetEvent(p.ctx, c, topic, s.Output, &s), p.m.set(c, topic, value, s))
	}
}

// compareMailbox compares what is next in each topic, and each event.
func (p *player) compareMailbox() error {
	for _, r := range p.m.runs {
		for _, topic := range topics {
			got, found, err := p.s.Peek(p.ctx, r.Seq, topic)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(r.mailbox.messages, func(m store.Message) bool { return m.Topic == topic })
			if found != (i >= 0) {
				return fmt.Errorf("run %s: a message on %s: %v, want %v", r.ID, topic, found, i >= 0)
			}
			if found {
				want := r.mailbox.messages[i]
				want.Seq, want.RunID = got.Seq, got.RunID
				if d := cmp.Diff(want, got); d != "" {
					return fmt.Errorf("run %s, topic %s (-model +store):\n%s", r.ID, topic, d)
				}
			}
			v, found, err := p.s.EventValue(p.ctx, r.ID, topic)
			if err != nil {
				return err
			}
			if want, ok := r.mailbox.events[topic]; found != ok || string(v.Value) != want {
				return fmt.Errorf("run %s: event %s is %q, %v; want %q, %v", r.ID, topic, v.Value, found, want, ok)
			}
		}
	}
	return nil
}
