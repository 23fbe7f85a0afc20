package sqlite

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

// share is what a partition may get in one claim.
type share struct {
	partition string
	room      int   // by its own bounds
	bucket    int64 // of its rate
	got       int
}

// claimFair claims up to limit new runs of a queue, from its partitions in turn
// (round robin in the order of their names): one that has ten thousand waiting
// gets no more of them than one that has two.
func (t *tx) claimFair(q store.QueueLimit, limit int, req *store.ClaimRequest, runs *[]store.Run) error {
	if q.Name != "" {
		first, err := t.partitionAfter(q.Name, "")
		if err != nil {
			return err
		}
		if first != "" {
			return t.claimInTurn(q, limit, req, runs)
		}
	}
	return t.claimNew(q.Name, "", limit, req, runs)
}

func (t *tx) claimNew(queue, partition string, limit int, req *store.ClaimRequest, runs *[]store.Run) error {
	return t.claimWith(claimNew, runs, req.Executor, req.Now.UnixMicro(), queue, int64(limit), partition)
}

func (t *tx) claimInTurn(q store.QueueLimit, limit int, req *store.ClaimRequest, runs *[]store.Run) error {
	ring, due, err := t.ring(q, limit, req.Now)
	if err != nil {
		return err
	}
	if !due.IsZero() {
		t.publish(store.Event{Kind: store.EventToken, Queue: q.Name, At: due})
	}
	all, last := ring, ""
	for limit > 0 && len(ring) > 0 {
		var rest []*share
		each := max(1, limit/len(ring))
		for _, s := range ring {
			n := min(each, s.room, limit)
			if n == 0 {
				break // the limit is reached
			}
			before := len(*runs)
			if err := t.claimNew(q.Name, s.partition, n, req, runs); err != nil {
				return err
			}
			got := len(*runs) - before
			s.room, s.got, limit = s.room-got, s.got+got, limit-got
			if got > 0 {
				last = s.partition
			}
			if got == n && s.room > 0 {
				rest = append(rest, s)
			}
		}
		ring = rest
	}
	if last == "" && len(all) == 0 {
		return nil
	}
	if _, err := t.exec(upsertTurn, q.Name, last); err != nil {
		return err
	}
	return t.spend(q, all, req.Now)
}

// ring returns the partitions that may get new runs now, up to limit of them,
// beginning after the one that was served last. due is when the first of those
// that were passed over for want of a token has one.
func (t *tx) ring(q store.QueueLimit, limit int, now time.Time) (ring []*share, due time.Time, err error) {
	var turn string
	err = t.query(selectTurn, func(r row) error { turn = r.text(0); return nil }, q.Name)
	if err != nil {
		return nil, due, err
	}
	visit := func(partition string) error {
		s, next, err := t.shareOf(q, partition, limit, now)
		if s.room > 0 {
			ring = append(ring, &s)
		}
		due = earliest(due, next)
		return err
	}
	for p := turn; len(ring) < limit; {
		if p, err = t.partitionAfter(q.Name, p); err != nil || p == "" {
			break
		}
		if err = visit(p); err != nil {
			break
		}
	}
	if err != nil || len(ring) == limit {
		return ring, due, err
	}
	// Once around: the runs without a partition, then the names up to the last.
	unparted, err := t.count(anyUnparted, q.Name)
	if err != nil {
		return nil, due, err
	}
	if unparted == 1 {
		ring = append(ring, &share{room: limit})
	}
	for p := ""; len(ring) < limit; {
		if p, err = t.partitionAfter(q.Name, p); err != nil || p == "" || p > turn {
			break
		}
		if err = visit(p); err != nil {
			break
		}
	}
	return ring, due, err
}

// partitionAfter is the next partition with new runs; empty when none follows.
func (t *tx) partitionAfter(queue, partition string) (next string, err error) {
	err = t.query(nextPartition, func(r row) error { next = r.text(0); return nil }, queue, partition)
	return next, err
}

// shareOf finds what the bounds of each partition leave one of them, and when
// its next token is due if it is one that it lacks.
func (t *tx) shareOf(q store.QueueLimit, partition string, limit int, now time.Time) (s share, due time.Time, err error) {
	s = share{partition: partition, room: limit}
	if q.PartitionConcurrency > 0 {
		held, err := t.count(countHeldOf, q.Name, partition)
		if err != nil {
			return s, due, err
		}
		s.room = min(s.room, q.PartitionConcurrency-int(held))
	}
	rate := q.PartitionRate
	if s.room <= 0 || rate == (store.Rate{}) {
		return s, due, nil
	}
	if s.bucket, err = t.count(selectBucketOf, q.Name, partition); err != nil {
		return s, due, err
	}
	if settled := rate.Settle(s.bucket, now); settled != s.bucket {
		s.bucket = settled
		if _, err := t.exec(upsertBucketOf, q.Name, partition, s.bucket); err != nil {
			return s, due, err
		}
	}
	tokens := rate.Tokens(s.bucket, now)
	if tokens == 0 {
		due = rate.Next(s.bucket)
	}
	s.room = min(s.room, tokens)
	return s, due, nil
}

// spend takes the tokens of the runs that were claimed, and forgets some of the
// buckets that are full again, so that partitions that are gone leave nothing.
func (t *tx) spend(q store.QueueLimit, shares []*share, now time.Time) error {
	if q.PartitionRate == (store.Rate{}) {
		return nil
	}
	for _, s := range shares {
		if s.got == 0 || s.partition == "" {
			continue
		}
		if _, err := t.exec(upsertBucketOf, q.Name, s.partition, q.PartitionRate.Take(s.bucket, now, s.got)); err != nil {
			return err
		}
	}
	_, err := t.exec(deleteFull, q.Name, now.UnixNano(), int64(2*len(shares)+16))
	return err
}
