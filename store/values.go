package store

import (
	"context"
	"time"
)

// Values keeps the events that runs have set: named values, of which the last
// counts. It also remembers which runs wait for news of others.
type Values interface {
	// SetEvent sets an event of the run and appends step to its history, in one
	// write. It signals the runs that watch the event, and publishes
	// [EventChanged]. Errors: as for Record.
	SetEvent(ctx context.Context, claim Claim, key string, value []byte, step *Step) error

	// EventValue returns an event of a run; false when it was never set, or there
	// is no such run.
	EventValue(ctx context.Context, id, key string) (EventValue, bool, error)

	// Watch has the claimed run signalled once at the next change of another:
	// when it sets the event key or, for a key made by [StreamKey], appends to
	// the stream, and in any case when it ends. An empty key waits for the end
	// only. A run that ended, or does not exist, is not watched. With a step,
	// that is appended to the history in the same write.
	// Errors: as for Record; ErrStale without a step, too.
	Watch(ctx context.Context, claim Claim, id, key string, step *Step) error
}

// EventValue is an event as it was last set.
type EventValue struct {
	Value []byte
	SetAt time.Time
}
