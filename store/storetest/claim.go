package storetest

import (
	"fmt"

	"github.com/stepwell/stepwell/store"
)

var claimRules = []rule{
	{"a claimed run is running under a higher epoch, held by the executor", func(f *fixture) {
		f.create("a")
		runs := f.claim(1, "")
		f.wantIDs("claimed", runs, "a")
		r := runs[0]
		if r.Status != store.Running || r.Epoch != 1 || r.Executor != "exec" || !r.StartedAt.Equal(at(1)) || !r.QueuedAt.Equal(start) || r.Attempt != 1 {
			f.broken("%+v", r)
		}
		f.wantSame("the run stored", f.get("a"), r)
	}},
	{"each claim of a run raises its epoch and keeps its start", func(f *fixture) {
		r := f.running("a")
		for i := range 3 {
			f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(i)))
			next := f.claim(1)[0]
			if next.Epoch != r.Epoch+1 || !next.StartedAt.Equal(r.StartedAt) || next.Attempt != 1 {
				f.broken("after %+v: %+v", r, next)
			}
			r = next
		}
	}},
	{"no two calls get the same run", func(f *fixture) {
		f.create("a")
		f.create("b")
		f.wantIDs("first", f.claim(1, ""), "a")
		f.wantIDs("second", f.claim(9, ""), "b")
		f.wantIDs("third", f.claim(9, ""))
	}},
	{"new runs come only from the queues asked for", func(f *fixture) {
		f.create("none")
		f.create("q", onQueue("q"))
		f.create("z", onQueue("z"))
		f.wantIDs("no queue", f.claim(9))
		f.wantIDs("q", f.claim(9, "q"), "q")
		f.wantIDs("empty name", f.claim(9, ""), "none")
		f.wantIDs("absent", f.claim(9, "absent"))
	}},
	{"delayed, waiting, ended and stuck runs are not claimed", func(f *fixture) {
		f.create("delayed", startAt(at(10)))
		f.waiting("waiting", at(10))
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled, store.Stuck} {
			f.ended(s.String(), s)
		}
		f.wantIDs("claimed", f.claim(9, ""))
	}},
	{"higher priority goes first, then who has waited longest", func(f *fixture) {
		f.create("low", priority(-1))
		f.create("late", createdAt(at(2)))
		f.create("early")
		f.create("high", priority(9), createdAt(at(3)))
		f.wantIDs("first two", f.claim(2, ""), "high", "early")
		f.wantIDs("rest", f.claim(9, ""), "late", "low")
	}},
	{"the limit bounds the runs handed out over all queues, and a limit of zero hands out none", func(f *fixture) {
		for i := range 4 {
			f.create(fmt.Sprint("p", i), onQueue("p"))
			f.create(fmt.Sprint("q", i), onQueue("q"))
		}
		f.must(f.s.Release(f.Context(), []store.Claim{claimOf(f.running("started"))}, at(1)))
		f.wantIDs("limit 0", f.claim(0, "p", "q"))
		f.wantIDs("limit -1", f.claim(-1, "p", "q"))
		f.wantIDs("limit 6", f.claim(6, "p", "q"), "started", "p0", "p1", "p2", "p3", "q0")
	}},
	{"started runs go before new ones, whatever their queue, and are not held up by its bounds", func(f *fixture) {
		f.create("held", onQueue("q"))
		r := f.claim(1, "q")[0]
		f.create("new", priority(100))
		f.create("next", onQueue("q"))
		f.suspend(r.Claim(), at(3))
		f.due(at(3))
		req := store.ClaimRequest{Executor: "exec", Now: at(4), Limit: 1, Queues: []store.QueueLimit{{Name: ""}, {Name: "q", Concurrency: 1}}}
		runs, err := f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("first", runs, "held")
		if !runs[0].StartedAt.Equal(at(1)) {
			f.broken("the start moved to %v", runs[0].StartedAt)
		}
		req.Limit = 9
		runs, err = f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("then", runs, "new")
	}},
	{"started runs of all queues are handed out by priority and then by how long they wait", func(f *fixture) {
		var runs []store.Run
		for _, q := range []string{"urgent", "c", "a", "b"} {
			f.create(q, onQueue(q), priority(len(q)/6))
			runs = append(runs, f.claim(1, q)...)
		}
		for i, t := range []int{99, 20, 21, 22} {
			f.must(f.s.Release(f.Context(), []store.Claim{runs[i].Claim()}, at(t)))
		}
		for _, want := range []string{"urgent", "c", "a", "b"} {
			f.wantIDs("next", f.claim(1), want)
		}
	}},
	{"a queue's concurrency bounds the runs that started and have not ended, on all executors", func(f *fixture) {
		for i := range 6 {
			f.create(fmt.Sprint("q", i), onQueue("q"))
		}
		f.create("other", onQueue("other"))
		claim := func(exec string, want ...string) []store.Run {
			f.Helper()
			runs, err := f.s.Claim(f.Context(), store.ClaimRequest{Executor: exec, Now: at(1), Limit: 9,
				Queues: []store.QueueLimit{{Name: "q", Concurrency: 2}}})
			f.must(err)
			f.wantIDs("claimed by "+exec, runs, want...)
			return runs
		}
		two := claim("one", "q0", "q1")
		claim("two")
		f.suspend(two[0].Claim(), at(50)) // waits, and still has its place
		claim("two")
		f.must(f.s.Release(f.Context(), []store.Claim{two[1].Claim()}, at(2)))
		again := claim("two", "q1")
		f.finish(again[0].Claim(), store.Succeeded)
		next := claim("one", "q2")
		f.finish(next[0].Claim(), store.Stuck) // stuck gives its place up
		claim("two", "q3")
		f.stop("q0", store.StopCancel)
		for _, r := range claim("one", "q0") {
			f.finish(r.Claim(), store.Succeeded)
		}
		claim("one", "q4")
	}},
	{"a queue's limit bounds the new runs taken by the call", func(f *fixture) {
		for i := range 4 {
			f.create(fmt.Sprint("q", i), onQueue("q"))
		}
		req := store.ClaimRequest{Executor: "e", Now: at(1), Limit: 9, Queues: []store.QueueLimit{{Name: "q", Limit: 3, Concurrency: 4}}}
		runs, err := f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("first", runs, "q0", "q1", "q2")
		runs, err = f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("second", runs, "q3")
	}},
	{"released runs are at once claimable by anybody and keep their attempt", func(f *fixture) {
		a, b := f.running("a"), f.running("b")
		f.must(f.s.Release(f.Context(), []store.Claim{a.Claim(), b.Claim()}, at(4)))
		r := f.wantStatus("a", store.Queued)
		if !r.QueuedAt.Equal(at(4)) || r.Attempt != 1 || r.Epoch != 1 {
			f.broken("%+v", r)
		}
		f.wantIDs("claimed", f.claim(9), "a", "b")
	}},
	{"Release passes over stale claims", func(f *fixture) {
		a, b, c := f.running("a"), f.running("b"), f.ended("c", store.Succeeded)
		f.must(f.s.Release(f.Context(), []store.Claim{b.Claim()}, at(4)))
		b2 := f.claim(1)[0]
		f.must(f.s.Release(f.Context(), []store.Claim{b.Claim(), c.Claim(), {Seq: 99, ID: "none", Epoch: 1}, a.Claim(), a.Claim()}, at(5)))
		f.wantStatus("a", store.Queued)
		f.wantSame("the run claimed by another", f.get("b"), b2)
		f.wantStatus("c", store.Succeeded)
		f.must(f.s.Release(f.Context(), nil, at(5)))
	}},
	{"a write under an older epoch is refused with ErrStale and changes nothing", func(f *fixture) {
		old := claimOf(f.running("a"))
		f.must(f.s.Release(f.Context(), []store.Claim{old}, at(4)))
		f.staleWrites("queued again", old)
		f.claim(1)
		f.staleWrites("claimed by another", old)
		future := old
		future.Epoch += 9
		f.staleWrites("an epoch never given", future)
	}},
	{"after a run was suspended, ended or parked its claim is stale", func(f *fixture) {
		f.staleWrites("waiting", claimOf(f.waiting("waiting", at(10))))
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled, store.Stuck} {
			f.staleWrites(s.String(), claimOf(f.ended(s.String(), s)))
		}
		r := f.running("crashed")
		f.recover(9)
		f.staleWrites("recovered", r.Claim())
	}},
	{"a claim of no run is stale", func(f *fixture) {
		c := store.Claim{Seq: 77, ID: "none", Epoch: 1}
		f.wantErr("record", f.s.Record(f.Context(), c, new(aStep("1"))), store.ErrStale)
		f.wantErr("suspend", f.s.Suspend(f.Context(), c, store.Suspension{}), store.ErrStale)
		_, err := f.s.Finish(f.Context(), c, store.Outcome{Status: store.Succeeded, At: at(1)})
		f.wantErr("finish", err, store.ErrStale)
	}},
}

// staleWrites tries all writes under a claim that was lost.
func (f *fixture) staleWrites(when string, c store.Claim) {
	f.Helper()
	pos := f.s.Position()
	f.untouched(c.ID, func() {
		f.wantErr(when+": record", f.s.Record(f.Context(), c, new(aStep("77"))), store.ErrStale)
		f.wantErr(when+": suspend", f.s.Suspend(f.Context(), c, store.Suspension{WakeAt: at(60)}), store.ErrStale)
		_, err := f.s.Finish(f.Context(), c, store.Outcome{Status: store.Failed, Error: &store.Failure{Message: "x"}, At: at(60)})
		f.wantErr(when+": finish", err, store.ErrStale)
		f.must(f.s.Release(f.Context(), []store.Claim{c}, at(60)))
	})
	if f.s.Position() != pos {
		f.broken("%s: a refused write moved the position", when)
	}
}
