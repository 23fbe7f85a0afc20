package sqlite

import (
	"context"
	"errors"

	"github.com/stepwell/stepwell/store"
)

// Append implements [store.Streams].
func (s *Store) Append(ctx context.Context, claim store.Claim, item store.Item, step *store.Step) error {
	return s.w.do(ctx, false, func(tx *tx) error {
		if err := tx.recordOrHold("write a stream of", claim, step); err != nil {
			return err
		}
		var attempt any
		if item.Attempt > 0 {
			attempt = int64(item.Attempt)
		}
		value := item.Value
		if value == nil {
			value = []byte{}
		}
		_, err := tx.exec(insertItem, claim.Seq, item.Stream, item.WrittenAt.UnixMicro(), text(item.Path), attempt, value)
		if err != nil {
			return err
		}
		return tx.changed(claim, store.StreamKey(item.Stream), item.WrittenAt)
	})
}

// pageBytes bounds what one read of a stream returns, but for its first item.
const pageBytes = 1 << 20

var errPageFull = errors.New("the page is full")

// Items implements [store.Streams].
func (s *Store) Items(ctx context.Context, id, stream string, from int64, limit int) (items []store.Item, err error) {
	size := 0
	err = s.r.query(ctx, selectItems, func(r row) error {
		if size >= pageBytes {
			return errPageFull
		}
		it := store.Item{Stream: stream, Offset: r.int(0), WrittenAt: r.time(1), Path: r.text(2), Attempt: int(r.int(3)), Value: r.blob(4)}
		items, size = append(items, it), size+len(it.Value)
		return nil
	}, id, stream, from, int64(limit))
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return items, err
}
