package storetest

import (
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// ask claims with one limit, at a moment.
func (f *fixture) ask(now time.Time, q store.QueueLimit) []store.Run {
	f.Helper()
	runs, err := f.s.Claim(f.Context(), store.ClaimRequest{Executor: "exec", Now: now, Limit: 100, Queues: []store.QueueLimit{q}})
	f.must(err)
	return runs
}

func (f *fixture) set(s store.QueueSettings) {
	f.Helper()
	f.must(f.s.SetQueue(f.Context(), s))
}

// many creates n runs on a queue, named after it.
func (f *fixture) many(queue string, n int) {
	f.Helper()
	for i := range n {
		f.create(fmt.Sprint(queue, i), onQueue(queue))
	}
}

// tokens returns when the news say that the queue has its next token; zero
// when they do not say it.
func (f *fixture) tokens(queue string) (at time.Time) {
	for _, e := range f.news.take() {
		if e.Kind == store.EventToken && e.Queue == queue {
			at = e.At
		}
	}
	return at
}

var queueRules = []rule{
	{"no new run of a paused queue is claimed, and what had started goes on", func(f *fixture) {
		f.many("q", 3)
		r := f.ask(at(1), store.QueueLimit{Name: "q", Limit: 1})[0]
		f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(2)))
		f.wantIDs("of a paused queue", f.ask(at(3), store.QueueLimit{Name: "q", Paused: true}), "q0")
		f.wantIDs("of a queue that is not", f.ask(at(3), store.QueueLimit{Name: "q"}), "q1", "q2")
	}},
	{"stored settings go before what the request says, each for itself", func(f *fixture) {
		f.many("q", 6)
		yes, no := true, false
		f.set(store.QueueSettings{Name: "q", Paused: &yes})
		f.wantIDs("paused", f.ask(at(1), store.QueueLimit{Name: "q"}))
		f.set(store.QueueSettings{Name: "q", Paused: &no})
		f.wantIDs("not paused, whatever the program says", f.ask(at(1), store.QueueLimit{Name: "q", Paused: true, Concurrency: 1}), "q0")
		f.set(store.QueueSettings{Name: "q", Bounds: &store.QueueBounds{Concurrency: 3}})
		f.wantIDs("paused by the program", f.ask(at(1), store.QueueLimit{Name: "q", Paused: true}))
		f.wantIDs("bounds of their own", f.ask(at(1), store.QueueLimit{Name: "q", Concurrency: 1}), "q1", "q2")
		f.set(store.QueueSettings{Name: "q", Bounds: &store.QueueBounds{}})
		f.wantIDs("no bounds", f.ask(at(1), store.QueueLimit{Name: "q", Concurrency: 1}), "q3", "q4", "q5")
		f.set(store.QueueSettings{Name: "q"})
		f.create("last", onQueue("q"))
		f.wantIDs("as the program says again", f.ask(at(1), store.QueueLimit{Name: "q", Concurrency: 1}))
	}},
	{"settings are read as they were set, by name, and those that change nothing are not kept", func(f *fixture) {
		yes, no := true, false
		p := store.QueueSettings{Name: "p", Paused: &no}
		q := store.QueueSettings{Name: "q", Paused: &yes, Bounds: &store.QueueBounds{Concurrency: 2, PerExecutor: 1, Rate: store.Rate{Limit: 100, Per: time.Minute, Burst: 3}}}
		f.set(q)
		f.set(store.QueueSettings{Name: "z", Paused: &yes})
		f.set(p)
		f.set(store.QueueSettings{Name: "z"})
		got, err := f.s.QueueSettings(f.Context())
		f.must(err)
		f.wantSame("settings", got, []store.QueueSettings{p, q})
		if f.s.SetQueue(f.Context(), store.QueueSettings{Paused: &yes}) == nil {
			f.broken("the runs without a queue were paused")
		}
	}},
	{"a change of settings is published, so that runs it lets go are claimed", func(f *fixture) {
		f.news.take()
		f.set(store.QueueSettings{Name: "q", Bounds: &store.QueueBounds{}})
		es := f.news.take()
		if len(es) != 1 || es[0].Kind != store.EventQueued || es[0].Queue != "q" || es[0].ID != "" {
			f.broken("news %+v", es)
		}
	}},
	{"a rate lets as many new runs go as there are tokens, and says when the next is due", func(f *fixture) {
		f.many("q", 8)
		q := store.QueueLimit{Name: "q", Rate: store.Rate{Limit: 2, Per: 10 * time.Second, Burst: 3}}
		f.news.take()
		f.wantIDs("at first", f.ask(at(1), q), "q0", "q1", "q2")
		if due := f.tokens("q"); !due.IsZero() {
			f.broken("the next token was announced at %v by a claim that had some", due)
		}
		f.wantIDs("at once again", f.ask(at(1), q))
		if due := f.tokens("q"); !due.Equal(at(6)) {
			f.broken("the next token is said to be due at %v, want %v", due, at(6))
		}
		f.wantIDs("before that", f.ask(at(6).Add(-time.Microsecond), q))
		f.wantIDs("then", f.ask(at(6), q), "q3")
		f.wantIDs("later", f.ask(at(17), q), "q4", "q5")
	}},
	{"tokens are spent by claims only, and by each queue for itself", func(f *fixture) {
		f.many("p", 1)
		rate := store.Rate{Limit: 1, Per: time.Minute, Burst: 2}
		q := store.QueueLimit{Name: "q", Rate: rate}
		f.wantIDs("of an empty queue", f.ask(at(1), q))
		f.many("q", 4)
		f.wantIDs("refused for want of places", f.ask(at(1), store.QueueLimit{Name: "q", Rate: rate, Paused: true}))
		f.wantIDs("another queue", f.ask(at(1), store.QueueLimit{Name: "p", Rate: rate}), "p0")
		runs := f.ask(at(1), q)
		f.wantIDs("the whole burst", runs, "q0", "q1")
		// One that has started needs no other token.
		f.must(f.s.Release(f.Context(), []store.Claim{runs[0].Claim()}, at(2)))
		f.wantIDs("started before", f.ask(at(2), q), "q0")
		f.news.take()
		f.ended("done", store.Succeeded)
		f.wantIDs("an empty bucket and nobody to wait", f.ask(at(2), store.QueueLimit{Name: "p", Rate: store.Rate{Limit: 1, Per: time.Hour}}))
		if due := f.tokens("p"); !due.IsZero() {
			f.broken("a token was announced for which nobody waits, at %v", due)
		}
	}},
	{"a rate that is changed counts what was spent before", func(f *fixture) {
		f.many("q", 4)
		slow := store.QueueLimit{Name: "q", Rate: store.Rate{Limit: 1, Per: time.Hour}}
		f.wantIDs("first", f.ask(at(1), slow), "q0")
		f.wantIDs("second", f.ask(at(2), slow))
		quick := store.QueueLimit{Name: "q", Rate: store.Rate{Limit: 1, Per: time.Second}}
		f.wantIDs("quicker, at once", f.ask(at(2), quick))
		f.wantIDs("quicker, in its time", f.ask(at(3), quick), "q1")
	}},
}
