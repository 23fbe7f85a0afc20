package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

func inPartition(p string) func(*store.NewRun) {
	return func(n *store.NewRun) { n.Queue, n.Partition = "q", p }
}

// parted creates n runs in a partition of the queue q, named after it.
func (f *fixture) parted(partition string, n int) {
	f.Helper()
	for i := range n {
		f.create(fmt.Sprint(partition, i), inPartition(partition))
	}
}

// turn claims up to limit runs of the queue.
func (f *fixture) turn(now time.Time, limit int, q store.QueueLimit) []store.Run {
	f.Helper()
	q.Name = "q"
	runs, err := f.s.Claim(f.Context(), store.ClaimRequest{Executor: "exec", Now: now, Limit: limit, Queues: []store.QueueLimit{q}})
	f.must(err)
	return runs
}

var partitionRules = []rule{
	{"a run keeps its partition", func(f *fixture) {
		f.parted("a", 1)
		if r := f.get("a0"); r.Partition != "a" {
			f.broken("%+v", r)
		}
		if r := f.turn(at(1), 1, store.QueueLimit{})[0]; r.Partition != "a" {
			f.broken("claimed: %+v", r)
		}
		n := newRun("b")
		n.Partition = "b"
		if _, _, err := f.s.Create(f.Context(), n); err == nil {
			f.broken("a run without a queue has a partition")
		}
	}},
	{"claims take from the partitions in turn, the runs without one among them", func(f *fixture) {
		f.parted("a", 5)
		f.parted("b", 2)
		f.many("q", 2)
		f.parted("c", 1)
		var got []string
		for range 10 {
			got = append(got, ids(f.turn(at(1), 1, store.QueueLimit{}))...)
		}
		f.wantSame("order", got, []string{"a0", "b0", "c0", "q0", "a1", "b1", "q1", "a2", "a3", "a4"})
	}},
	{"one claim of many gives each partition its share, and what one leaves to the others", func(f *fixture) {
		f.parted("a", 50)
		f.parted("b", 2)
		f.parted("c", 50)
		count := map[string]int{}
		for _, r := range f.turn(at(1), 11, store.QueueLimit{}) {
			count[r.Partition]++
		}
		if count["b"] != 2 || count["a"]+count["c"] != 9 || count["a"] < 4 || count["c"] < 4 {
			f.broken("got %v of 50, 2 and 50", count)
		}
	}},
	{"in a partition priority counts, and then who waited longest", func(f *fixture) {
		f.create("low", inPartition("a"), priority(-1))
		f.create("late", inPartition("a"), createdAt(at(2)))
		f.create("early", inPartition("a"))
		f.create("high", inPartition("a"), priority(9), createdAt(at(3)))
		f.create("other", inPartition("b"), priority(-9))
		f.wantIDs("all", f.turn(at(4), 2, store.QueueLimit{}), "high", "other")
		f.wantIDs("the rest", f.turn(at(4), 9, store.QueueLimit{}), "early", "late", "low")
	}},
	{"the bounds of the queue hold over all its partitions", func(f *fixture) {
		f.parted("a", 3)
		f.parted("b", 3)
		runs := f.turn(at(1), 9, store.QueueLimit{Concurrency: 3})
		if len(runs) != 3 {
			f.broken("%d runs where 3 places are", len(runs))
		}
		f.wantIDs("more", f.turn(at(1), 9, store.QueueLimit{Concurrency: 3}))
		f.finish(runs[0].Claim(), store.Succeeded)
		rate := store.QueueLimit{Rate: store.Rate{Limit: 1, Per: time.Hour}}
		if n := len(f.turn(at(2), 9, rate)); n != 1 {
			f.broken("%d runs for one token", n)
		}
		f.wantIDs("no token", f.turn(at(2), 9, rate))
	}},
	{"each partition has its places, and one that is full holds up no other", func(f *fixture) {
		f.parted("a", 3)
		f.parted("b", 1)
		f.many("q", 2)
		q := store.QueueLimit{PartitionConcurrency: 1}
		runs := f.turn(at(1), 9, q)
		f.wantIDs("first", runs, "a0", "b0", "q0", "q1")
		f.parted("c", 1)
		f.wantIDs("then", f.turn(at(1), 9, q), "c0")
		f.suspend(runs[0].Claim(), at(9)) // it waits, and has its place
		f.wantIDs("while one waits", f.turn(at(1), 9, q))
		f.due(at(9))
		f.wantIDs("that goes on", f.turn(at(9), 9, q), "a0")
		f.finish(claimOf(f.get("a0")), store.Succeeded)
		f.wantIDs("once it has ended", f.turn(at(10), 9, q), "a1")
	}},
	{"each partition has its tokens, and the first that is due is announced", func(f *fixture) {
		f.parted("a", 4)
		f.parted("b", 2)
		f.parted("c", 1)
		q := store.QueueLimit{PartitionRate: store.Rate{Limit: 1, Per: 10 * time.Second}}
		f.wantIDs("at first", f.turn(at(0), 2, q), "a0", "b0")
		f.wantIDs("a little later", f.turn(at(4), 9, q), "c0")
		f.news.take()
		f.wantIDs("without tokens", f.turn(at(4), 9, q))
		if due := f.tokens("q"); !due.Equal(at(10)) {
			f.broken("the next token is said to be due at %v, want %v", due, at(10))
		}
		f.wantIDs("in their time", f.turn(at(10), 9, q), "a1", "b1")
		f.wantIDs("long after", f.turn(at(1000), 9, q), "a2")
		f.wantIDs("one at a time", f.turn(at(1000), 9, q))
	}},
	{"whatever the claims, partitions with runs left get the same", func(f *fixture) {
		rnd := rand.New(rand.NewPCG(11, uint64(time.Now().UnixNano())))
		left, got := map[string]int{}, map[string]int{}
		for i := range 7 {
			p := fmt.Sprint("p", i, "-")
			left[p] = 3 + rnd.IntN(25)
			f.parted(p, left[p])
		}
		for total := 1; total > 0; {
			runs := f.turn(at(1), 1+rnd.IntN(12), store.QueueLimit{})
			total = len(runs)
			for _, r := range runs {
				left[r.Partition]--
				got[r.Partition]++
			}
			var even []int
			for p, n := range left {
				if n > 0 {
					even = append(even, got[p])
				}
			}
			if len(even) > 0 && slices.Max(even)-slices.Min(even) > 1 {
				f.broken("partitions with runs left got %v, left %v", got, left)
			}
		}
		for p, n := range left {
			if n != 0 {
				f.broken("%d runs of %s were never claimed", n, p)
			}
		}
	}},
}
