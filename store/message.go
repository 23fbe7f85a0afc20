package store

import (
	"context"
	"time"
)

// Mailbox keeps the messages to runs. Messages of one topic are taken in the
// order in which they were sent, each once.
type Mailbox interface {
	// Send stores a message and signals the run: a waiting one is queued, a
	// running one gets [EventSignalled]. It reports false, and stores nothing,
	// when a message of that topic and [Message.Key] was sent to the run before.
	// A stuck run keeps its messages until it was mended.
	// Errors: ErrNotFound; ErrConflict when the run has ended; ErrOverloaded.
	Send(ctx context.Context, m Message) (bool, error)

	// Peek returns the oldest message of a topic that was not taken; false when
	// there is none.
	Peek(ctx context.Context, seq int64, topic string) (Message, bool, error)

	// Take takes the oldest message of a topic and appends step to the history,
	// with the payload as its output, in one write. When there is no message it
	// writes nothing and returns false. Errors: as for Record.
	Take(ctx context.Context, claim Claim, topic string, step *Step) (Message, bool, error)

	// Dismiss takes a message without a trace in the history and sets an event
	// of the run, in one write. A message that is gone is passed over.
	// Errors: ErrStale.
	Dismiss(ctx context.Context, claim Claim, m Message, key string, value EventValue) error
}

// Message is a message to a run.
type Message struct {
	// Seq orders the messages of a run; set by the store.
	Seq   int64
	RunID string
	Topic string
	// Key makes a repeated Send harmless; empty: none.
	Key     string
	Payload []byte
	SentAt  time.Time
}

// NewMessage is a message that is sent with the creation of its run.
type NewMessage struct {
	Topic   string
	Key     string
	Payload []byte
}
