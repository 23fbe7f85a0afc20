package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

// fork forks a run at a step and returns the new one.
func (f *fixture) fork(from, step, id string, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	n := newRun(id)
	n.CreatedAt = at(20)
	for _, o := range opts {
		o(&n)
	}
	r, created, err := f.s.Fork(f.Context(), store.Fork{From: from, Step: step, Run: n})
	f.must(err)
	if !created {
		f.broken("fork %s: not created", id)
	}
	return r
}

// paths of a history in commit order.
func paths(steps []store.Step) (paths []string) {
	for _, s := range steps {
		paths = append(paths, s.Path)
	}
	return paths
}

var forkRules = []rule{
	{"a fork begins with the rows committed before the step, as they were, marked as copied", func(f *fixture) {
		a := f.running("a", func(n *store.NewRun) { n.Workflow, n.Input, n.ParentID = "w1", []byte(`"first"`), "parent" })
		f.record(a.Claim(), "0", "2.1.0")
		retried := store.Step{Path: "1", Attempt: 1, Kind: store.KindStep, Name: "flaky", Status: store.StepRetrying, StartedAt: at(2), EndedAt: at(3),
			WakeAt: at(4), ChildID: "c", Error: &store.Failure{Code: "c", Message: "m"}}
		f.must(f.s.Record(f.Context(), a.Claim(), &retried))
		f.record(a.Claim(), "3", "2.0.0")
		f.finish(a.Claim(), store.Failed)
		before := f.s.Position()

		b := f.fork("a", "3", "b", onQueue("q"), priority(2))
		want := store.Run{Seq: a.Seq + 1, ID: "b", Workflow: "w1", Status: store.Queued, Queue: "q", Priority: 2, Version: "v1", Input: []byte(`"first"`),
			ForkedFrom: "a", CreatedAt: at(20), QueuedAt: at(20), Epoch: 1, Attempt: 1, Trace: newRun("b").Trace}
		f.wantSame("the fork", b, want)
		f.wantSame("the fork, read again", f.get("b"), want)
		old, copied := f.load(a.Seq)[:3], f.load(b.Seq)
		last := before
		for i := range copied {
			if !copied[i].Copied() || old[i].Copied() || copied[i].Pos <= last || copied[i].Pos > f.s.Position() {
				f.broken("row %d: %+v", i, copied[i])
			}
			last = copied[i].Pos
			copied[i].Pos, copied[i].Epoch = old[i].Pos, old[i].Epoch
		}
		f.wantSame("the rows", copied, old)
		f.record(claimOf(f.claim(1, "q")[0]), "3") // a place that was not copied is free
	}},
	{"the executor of a fork knows that there is a history to read", func(f *fixture) {
		f.record(claimOf(f.running("a")), "0", "1")
		f.fork("a", "1", "b")
		if r := f.claim(1, "")[0]; r.ID != "b" || r.Fresh() {
			f.broken("claimed %s, fresh %t", r.ID, r.Fresh())
		}
	}},
	{"a branch is forked at the first of its rows, and without a step all is copied", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0", "10", "1.0.0", "2", "1.3", "1")
		f.wantSame("at a branch", paths(f.load(f.fork("a", "1", "b").Seq)), []string{"0", "10"})
		f.wantSame("at a branch in it", paths(f.load(f.fork("a", "1.0", "c").Seq)), []string{"0", "10"})
		f.wantSame("at a step", paths(f.load(f.fork("a", "1.3", "d").Seq)), []string{"0", "10", "1.0.0", "2"})
		f.wantSame("at the end", paths(f.load(f.fork("a", "", "e").Seq)), []string{"0", "10", "1.0.0", "2", "1.3", "1"})
		if n := len(f.load(f.fork("a", "0", "g").Seq)); n != 0 {
			f.broken("%d rows before the first", n)
		}
	}},
	{"of waits that are not over only sleeps are copied", func(f *fixture) {
		a := f.running("a")
		open := func(path string, kind store.Kind) {
			f.must(f.s.Record(f.Context(), a.Claim(), &store.Step{Path: path, Kind: kind, Status: store.StepWaiting, StartedAt: at(2), WakeAt: at(900)}))
		}
		open("0.0", store.KindSleep)
		open("1.0", store.KindResult)
		f.record(a.Claim(), "1.0")
		open("2.0", store.KindResult)
		b := f.load(f.fork("a", "", "b").Seq)
		f.wantSame("the rows", paths(b), []string{"0.0", "1.0"})
		if b[0].Status != store.StepWaiting || !b[0].WakeAt.Equal(at(900)) || b[1].Attempt != 1 {
			f.broken("%+v", b)
		}
	}},
	{"copied rows are no spans, later ones are", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0", "1")
		f.fork("a", "", "b")
		f.record(claimOf(f.claim(1, "")[0]), "2")
		page, err := f.s.Spans(f.Context(), 0, 100)
		f.must(err)
		var got []string
		for _, r := range page.Records {
			got = append(got, r.Run.ID+r.Step.Path)
		}
		f.wantSame("the spans", got, []string{"a0", "a1", "b2"})
	}},
	{"the same fork twice is the same run", func(f *fixture) {
		f.record(claimOf(f.running("a")), "0", "1")
		b := f.fork("a", "1", "b")
		f.untouched("b", func() {
			n := newRun("b")
			n.Queue = "other"
			r, created, err := f.s.Fork(f.Context(), store.Fork{From: "a", Run: n})
			f.must(err)
			if created {
				f.broken("created again")
			}
			f.wantSame("the run", r, b)
		})
	}},
	{"a fork can be delayed, and has a deadline and labels of its own", func(f *fixture) {
		a := f.running("a", deadlineAt(at(50)))
		f.record(a.Claim(), "0")
		f.fork("a", "", "b", startAt(at(30)), deadlineAt(at(90)), func(n *store.NewRun) { n.Labels = map[string]string{"k": "v"} })
		b := f.wantStatus("b", store.Delayed)
		if !b.WakeAt.Equal(at(30)) || !b.Deadline.Equal(at(90)) || b.Labels["k"] != "v" {
			f.broken("%+v", b)
		}
		runs, err := f.s.List(f.Context(), store.Filter{Labels: map[string]string{"k": "v"}})
		f.must(err)
		f.wantIDs("by label", runs, "b")
		f.due(at(30))
		f.wantIDs("claimable", f.claim(1, ""), "b")
	}},
	{"a fork is news like any new run", func(f *fixture) {
		f.running("a")
		f.news.take()
		b := f.fork("a", "", "b", onQueue("q"))
		f.wantSame("the news", f.news.take(), []store.Event{{Kind: store.EventQueued, ID: "b", Seq: b.Seq, Queue: "q"}})
	}},
	{"forking what is not there is ErrNotFound and creates nothing", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "1", "11", "2.0")
		for _, c := range [][2]string{{"nope", ""}, {"nope", "1"}, {"a", "0"}, {"a", "2.0.0"}, {"a", "2.1"}, {"a", "3"}, {"a", "1."}} {
			_, _, err := f.s.Fork(f.Context(), store.Fork{From: c[0], Step: c[1], Run: newRun("b")})
			f.wantErr("fork "+c[0]+" at "+c[1], err, store.ErrNotFound)
		}
		_, err := f.s.Get(f.Context(), "b")
		f.wantErr("get", err, store.ErrNotFound)
	}},
	{"a fork needs what a run needs, and cannot be created claimed", func(f *fixture) {
		f.running("a")
		for _, change := range []func(*store.NewRun){claimed, func(n *store.NewRun) { n.ID = "" }, func(n *store.NewRun) { n.CreatedAt = time.Time{} }} {
			n := newRun("b")
			change(&n)
			if _, _, err := f.s.Fork(f.Context(), store.Fork{From: "a", Run: n}); err == nil {
				f.broken("forked with %+v", n)
			}
		}
	}},
}
