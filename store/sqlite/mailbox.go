package sqlite

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Send implements [store.Mailbox].
func (s *Store) Send(ctx context.Context, m store.Message) (bool, error) {
	var sent bool
	err := s.w.offer(ctx, false, func(tx *tx) (err error) {
		sent, err = tx.send(m)
		return err
	})
	if err != nil {
		return false, err
	}
	return sent, nil
}

func (t *tx) send(m store.Message) (bool, error) {
	var seq int64
	var status store.Status
	err := t.query(selectReceiver, func(r row) error {
		seq, status = r.int(0), store.Status(r.int(1))
		return nil
	}, m.RunID)
	switch {
	case err != nil:
		return false, err
	case seq == 0:
		return false, notFound(m.RunID)
	}
	if m.Key != "" {
		// Before the look at the status: what was sent in time stays sent.
		if n, err := t.count(countKey, seq, m.Topic, m.Key); err != nil || n > 0 {
			return false, err
		}
	}
	if status.Ended() {
		return false, fmt.Errorf("send to run %s: %w: it has ended: %s", m.RunID, store.ErrConflict, status)
	}
	if err := t.insertMessage(seq, m); err != nil {
		return false, err
	}
	return true, t.signal(seq, m.RunID, status, m.SentAt)
}

func (t *tx) insertMessage(seq int64, m store.Message) error {
	_, err := t.exec(insertMessage, seq, m.Topic, text(m.Key), m.SentAt.UnixMicro(), blob(m.Payload))
	return err
}

// sendAll sends the messages that came with the creation of a run that exists.
func (t *tx) sendAll(n store.NewRun) error {
	for _, m := range n.Messages {
		if _, err := t.send(store.Message{RunID: n.ID, Topic: m.Topic, Key: m.Key, Payload: m.Payload, SentAt: n.CreatedAt}); err != nil {
			return err
		}
	}
	return nil
}

// Peek implements [store.Mailbox].
func (s *Store) Peek(ctx context.Context, seq int64, topic string) (m store.Message, found bool, err error) {
	err = s.r.with(ctx, func(c *conn) error {
		m, found, err = c.oldestMessage(seq, topic)
		return err
	})
	return m, found, err
}

func (c *conn) oldestMessage(seq int64, topic string) (m store.Message, found bool, err error) {
	err = c.query(selectMessage, func(r row) error {
		found = true
		m = store.Message{Seq: r.int(0), Topic: topic, Key: r.text(1), SentAt: r.time(2), Payload: r.blob(3)}
		return nil
	}, seq, topic)
	return m, found, err
}

// Take implements [store.Mailbox].
func (s *Store) Take(ctx context.Context, claim store.Claim, topic string, step *store.Step) (store.Message, bool, error) {
	type taken struct {
		m     store.Message
		found bool
	}
	got, err := valued(ctx, s.w, func(tx *tx) (taken, error) {
		if err := tx.recordOrHold("take a message of", claim, nil); err != nil {
			return taken{}, err
		}
		m, found, err := tx.oldestMessage(claim.Seq, topic)
		if err != nil || !found {
			return taken{}, err
		}
		if err := tx.record(claim, step, m.Payload); err != nil {
			return taken{}, err
		}
		m.RunID = claim.ID
		return taken{m, true}, tx.consume(claim.Seq, m)
	})
	return got.m, got.found, err
}

// consume takes a message out of its topic.
func (t *tx) consume(seq int64, m store.Message) error {
	query := deleteMessage
	if m.Key != "" {
		query = emptyMessage
	}
	_, err := t.exec(query, seq, m.Seq)
	return err
}

// Dismiss implements [store.Mailbox].
func (s *Store) Dismiss(ctx context.Context, claim store.Claim, m store.Message, key string, v store.EventValue) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		if err := tx.recordOrHold("dismiss a message of", claim, nil); err != nil {
			return err
		}
		if err := tx.consume(claim.Seq, m); err != nil {
			return err
		}
		return tx.setEvent(claim, key, v.Value, v.SetAt)
	})
}
