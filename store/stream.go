package store

import (
	"context"
	"time"
)

// Streams keeps what runs write for others to read as it comes: named sequences
// of values, numbered from 0.
type Streams interface {
	// Append adds an item to a stream of the run and signals who watches it.
	// With a step, that is appended to the history in the same write; without,
	// the item belongs to the attempt that it names.
	// Errors: as for Record; ErrStale without a step, too.
	Append(ctx context.Context, claim Claim, item Item, step *Step) error

	// Items returns the items of a stream from an offset on, in order: at most
	// limit, and fewer when they are large. None when there are no more yet, or
	// no such run.
	Items(ctx context.Context, id, stream string, from int64, limit int) ([]Item, error)
}

// Item is one value of a stream.
type Item struct {
	Stream string
	// Offset is its place in the stream; set by the store.
	Offset    int64
	Value     []byte
	WrittenAt time.Time
	// Path and Attempt name the attempt of a step that wrote it. Attempt is zero
	// for the workflow function itself, where it is written exactly once.
	Path    string
	Attempt int
}

// StreamKey is the key under which [Values.Watch] watches a stream. No event has
// such a key.
func StreamKey(stream string) string { return "$stream/" + stream }
