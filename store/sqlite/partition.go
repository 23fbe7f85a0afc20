package sqlite

import (
	"fmt"
	"math"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Claims go round the partitions of a queue that have a line: a row that says
// that a new run may be claimed from it. A partition that is found to have no
// run left, or no place, loses the row, so that no later claim has to pass it
// over; it gets it back when a run of it is queued, or leaves a place. One that
// lacks a token keeps its row with the moment at which it has one. Every row is
// a hint only: what is claimed is looked up, bounds are counted.

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
	turn, err := t.openLines(q, req.Now)
	if err != nil {
		return err
	}
	bounds := boundsOf(q)
	for limit > 0 {
		ring, err := t.ring(q, turn, limit, req.Now)
		if err != nil {
			return err
		}
		if len(ring) == 0 {
			break
		}
		last, got, err := t.claimRing(q, ring, limit, req, runs)
		if err != nil {
			return err
		}
		if err := t.spend(q, ring, req.Now); err != nil {
			return err
		}
		if limit -= got; got > 0 {
			turn = last
			if _, err := t.exec(upsertTurn, q.Name, turn, bounds); err != nil {
				return err
			}
		}
	}
	if q.PartitionRate == (store.Rate{}) {
		return nil
	}
	due, err := t.count(nextLine, q.Name)
	if err == nil && due > 0 {
		t.publish(store.Event{Kind: store.EventToken, Queue: q.Name, At: fromMicros(due)})
	}
	return err
}

// claimRing gives each of the ring its share of limit, and what one leaves to
// the others, unless there may be some that are not in the ring: those come
// first. A line that gave less than it was asked for is at its end.
func (t *tx) claimRing(q store.QueueLimit, ring []*share, limit int, req *store.ClaimRequest, runs *[]store.Run) (last string, got int, err error) {
	whole := len(ring) < limit
	for first := true; limit > got && len(ring) > 0 && (first || whole); first = false {
		var rest []*share
		each := max(1, (limit-got)/len(ring))
		for _, s := range ring {
			n := min(each, s.room, limit-got)
			if n == 0 {
				break // the limit is reached
			}
			before := len(*runs)
			if err := t.claimNew(q.Name, s.partition, n, req, runs); err != nil {
				return "", 0, err
			}
			claimed := len(*runs) - before
			s.room, s.got, got = s.room-claimed, s.got+claimed, got+claimed
			if claimed > 0 {
				last = s.partition
			}
			switch {
			case claimed < n:
				if _, err := t.exec(deleteLine, q.Name, s.partition); err != nil {
					return "", 0, err
				}
			case s.room > 0:
				rest = append(rest, s)
			}
		}
		ring = rest
	}
	return last, got, nil
}

// boundsOf says under which bounds lines are left out.
func boundsOf(q store.QueueLimit) string {
	return fmt.Sprint(q.PartitionConcurrency, " ", q.PartitionRate)
}

// openLines sees to it that all lines are there that should be, and returns the
// partition that was served last.
func (t *tx) openLines(q store.QueueLimit, now time.Time) (turn string, err error) {
	bounds := ""
	err = t.query(selectTurn, func(r row) error {
		turn, bounds = r.text(0), r.text(1)
		return nil
	}, q.Name)
	if err != nil {
		return "", err
	}
	if bounds != boundsOf(q) {
		return turn, t.rebuildLines(q, turn)
	}
	if q.PartitionRate != (store.Rate{}) {
		_, err = t.exec(ripenLines, q.Name, int64(1), now.UnixMicro())
		if err == nil { // those that no clock would postpone so far, unless it was set back
			_, err = t.exec(ripenLines, q.Name, q.PartitionRate.Longest(now).UnixMicro()+1, int64(math.MaxInt64))
		}
	}
	return turn, err
}

// rebuildLines is for other bounds than those under which lines were left out.
func (t *tx) rebuildLines(q store.QueueLimit, turn string) error {
	if _, err := t.exec(deleteLines, q.Name); err != nil {
		return err
	}
	for p := ""; ; {
		var err error
		if p, err = t.partitionAfter(q.Name, p); err != nil {
			return err
		}
		if p == "" {
			_, err := t.exec(upsertTurn, q.Name, turn, boundsOf(q))
			return err
		}
		if _, err := t.exec(insertLine, q.Name, p); err != nil {
			return err
		}
	}
}

// ring returns the partitions that may get new runs now, up to limit of them,
// beginning after the one that was served last.
func (t *tx) ring(q store.QueueLimit, turn string, limit int, now time.Time) (ring []*share, err error) {
	if ring, err = t.visit(q, ring, turn, "\U0010FFFF", limit, now); err != nil || len(ring) == limit {
		return ring, err
	}
	// Once around: the runs without a partition, then the names up to the last.
	unparted, err := t.count(anyUnparted, q.Name)
	if err != nil {
		return nil, err
	}
	if unparted == 1 {
		ring = append(ring, &share{room: limit})
	}
	return t.visit(q, ring, "", turn, limit, now)
}

// visit adds the lines after one name and up to another to the ring, until that
// has as many as the limit.
func (t *tx) visit(q store.QueueLimit, ring []*share, after, to string, limit int, now time.Time) ([]*share, error) {
	for len(ring) < limit {
		var names []string
		err := t.query(selectLines, func(r row) error {
			names = append(names, r.text(0))
			return nil
		}, q.Name, after, to, int64(limit-len(ring)))
		if err != nil || len(names) == 0 {
			return ring, err
		}
		for _, name := range names {
			s, err := t.shareOf(q, name, limit, now)
			if err != nil {
				return nil, err
			}
			if s.room > 0 {
				ring = append(ring, &s)
			}
		}
		after = names[len(names)-1]
	}
	return ring, nil
}

// partitionAfter is the next partition with new runs; empty when none follows.
func (t *tx) partitionAfter(queue, partition string) (next string, err error) {
	err = t.query(nextPartition, func(r row) error { next = r.text(0); return nil }, queue, partition)
	return next, err
}

// shareOf finds what the bounds of each partition leave one of them. One that
// is left nothing is taken out of the line, or postponed.
func (t *tx) shareOf(q store.QueueLimit, partition string, limit int, now time.Time) (s share, err error) {
	s = share{partition: partition, room: limit}
	if q.PartitionConcurrency > 0 {
		held, err := t.count(countHeldOf, q.Name, partition)
		if err != nil {
			return s, err
		}
		if s.room = min(s.room, q.PartitionConcurrency-int(held)); s.room <= 0 {
			_, err := t.exec(deleteLine, q.Name, partition)
			return s, err
		}
	}
	rate := q.PartitionRate
	if rate == (store.Rate{}) {
		return s, nil
	}
	if s.bucket, err = t.count(selectBucketOf, q.Name, partition); err != nil {
		return s, err
	}
	if settled := rate.Settle(s.bucket, now); settled != s.bucket {
		s.bucket = settled
		if _, err := t.exec(upsertBucketOf, q.Name, partition, s.bucket); err != nil {
			return s, err
		}
	}
	if s.room = min(s.room, rate.Tokens(s.bucket, now)); s.room == 0 {
		_, err = t.exec(postponeLine, q.Name, partition, rate.Next(s.bucket).UnixMicro())
	}
	return s, err
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

// openLine is told that a new run of a partition is queued.
func (t *tx) openLine(queue, partition string) error {
	if partition == "" {
		return nil
	}
	_, err := t.exec(insertLine, queue, partition)
	return err
}

// leavePlace is told that a run is no longer under way.
func (t *tx) leavePlace(seq int64) error {
	_, err := t.exec(insertLineOf, seq)
	return err
}
