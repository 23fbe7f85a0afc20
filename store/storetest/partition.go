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

// leave ends a run, which leaves its place in its partition.
func (f *fixture) leave(r store.Run, s store.Status) {
	f.Helper()
	o := store.Outcome{Status: s, Error: &store.Failure{Message: "why"}, At: at(9), HasPartition: true}
	_, err := f.s.Finish(f.Context(), r.Claim(), o)
	f.must(err)
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
		f.leave(runs[0], store.Succeeded)
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
		f.leave(f.get("a0"), store.Succeeded)
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
	{"a partition that had nothing to give is asked again after a delay, a resume, a crash or a pin", func(f *fixture) {
		q := store.QueueLimit{PartitionConcurrency: 1}
		drained := func() {
			f.wantIDs("nothing", f.turn(at(1), 9, q))
			f.wantIDs("still nothing", f.turn(at(1), 9, q))
		}
		f.create("other", inPartition("b"))
		f.create("delayed", inPartition("a"), startAt(at(20)))
		f.wantIDs("at first", f.turn(at(1), 9, q), "other")
		f.create("waits", inPartition("b"))
		drained()
		f.due(at(20))
		r := f.turn(at(20), 9, q)
		f.wantIDs("once it is due", r, "delayed")
		f.leave(r[0], store.Stuck)
		drained()
		_, err := f.s.Resume(f.Context(), "delayed", at(21))
		f.must(err)
		f.wantIDs("once it is resumed", f.turn(at(21), 9, q), "delayed")
		drained()
		f.recover(0) // parks both that are under way
		waits := f.turn(at(22), 9, q)
		f.wantIDs("once the one that had the place is parked", waits, "waits")
		f.create("next", inPartition("b"))
		drained()
		f.must(f.s.SetAside(f.Context(), waits[0].Claim()))
		f.wantIDs("once the one that had the place is set aside", f.turn(at(23), 9, q), "next")
		f.leave(f.get("next"), store.Succeeded)
		drained()
		_, err = f.s.Admit(f.Context(), "v1", at(24), 9)
		f.must(err)
		f.wantIDs("once that is admitted", f.turn(at(24), 9, q), "waits")
	}},
	{"whatever becomes of runs, no claim leaves one behind that has a place", checkNoRunLeftBehind},
}

// checkNoRunLeftBehind does what can be done to runs of partitions with two
// places each, and after each claim looks for a run that could have begun.
func checkNoRunLeftBehind(f *fixture) {
	rnd := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	bound := 2
	var claims []store.Run
	for i := range 250 {
		id := fmt.Sprint("r", rnd.IntN(i+1))
		switch k := rnd.IntN(13); {
		case k < 5:
			opts := []func(*store.NewRun){inPartition(fmt.Sprint("p", rnd.IntN(5)))}
			if k == 0 {
				opts = append(opts, startAt(at(20)))
			}
			f.create(fmt.Sprint("r", i), opts...)
			continue
		case k < 8 && len(claims) > 0:
			r := claims[rnd.IntN(len(claims))]
			if now := f.get(r.ID); now.Status == store.Running && now.Epoch == r.Epoch {
				switch s := []store.Status{store.Succeeded, store.Failed, store.Stuck, store.Waiting}[rnd.IntN(4)]; s {
				case store.Waiting:
					f.must(f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(30), Signals: now.Signals}))
				default:
					f.leave(r, s)
				}
			}
		case k == 8:
			_, _ = f.s.Stop(f.Context(), id, store.StopCancel, at(5))
		case k == 9:
			_, _ = f.s.Resume(f.Context(), id, at(5))
		case k == 10:
			f.due(at(40))
		case k == 11 && rnd.IntN(4) == 0:
			f.recover(rnd.IntN(2))
		case k == 12:
			bound = 1 + rnd.IntN(3)
		}
		claims = append(claims, f.turn(at(6), 1000, store.QueueLimit{PartitionConcurrency: bound})...)
		f.wantNoneLeft(bound)
	}
}

// wantNoneLeft looks for a run that waits though its partition has a place.
func (f *fixture) wantNoneLeft(bound int) {
	f.Helper()
	held, waits := map[string]int{}, map[string]string{}
	runs, err := f.s.List(f.Context(), store.Filter{Limit: 1000})
	f.must(err)
	for _, r := range runs {
		switch {
		case r.Status.Ended() || r.Status == store.Stuck:
		case !r.StartedAt.IsZero():
			held[r.Partition]++
		case r.Status == store.Queued:
			waits[r.Partition] = r.ID
		}
	}
	for p, id := range waits {
		if held[p] < bound {
			f.broken("run %s waits, and %d of %d places of its partition %s are taken", id, held[p], bound, p)
		}
	}
}
