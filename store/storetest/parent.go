package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

var parentRules = []rule{
	{"the end of a child wakes the parent that waits", func(f *fixture) {
		p := f.running("parent")
		c := f.running("child", func(n *store.NewRun) { n.ParentID = "parent" })
		f.suspend(p.Claim(), time.Time{})
		f.finishChild(c)
		f.wantIDs("claimable", f.claim(9), "parent")
	}},
	{"the end of a child that the parent has not seen refuses its suspension", func(f *fixture) {
		p := f.running("parent")
		c := f.running("child", func(n *store.NewRun) { n.ParentID = "parent" })
		f.finishChild(c)
		f.wantErr("suspend", f.s.Suspend(f.Context(), p.Claim(), store.Suspension{Signals: p.Signals}), store.ErrConflict)
	}},
	{"a child that ends without having run wakes its parent as well", func(f *fixture) {
		p := f.running("parent")
		f.create("cancelled", func(n *store.NewRun) { n.ParentID = "parent" })
		f.create("late", func(n *store.NewRun) { n.ParentID = "parent" }, deadlineAt(at(5)))
		f.suspend(p.Claim(), time.Time{})
		f.stop("cancelled", store.StopCancel)
		p = f.claim(1)[0]
		if p.ID != "parent" {
			f.broken("after a cancel %s is claimable", p.ID)
		}
		f.must(f.s.Suspend(f.Context(), p.Claim(), store.Suspension{Signals: p.Signals}))
		f.due(at(5))
		f.wantIDs("after a deadline", f.claim(9), "parent")
	}},
	{"a queue's bound per executor counts runs that wait", func(f *fixture) {
		f.create("a", onQueue("q"))
		f.create("b", onQueue("q"))
		req := store.ClaimRequest{Executor: "exec", Now: at(1), Limit: 9, Queues: []store.QueueLimit{{Name: "q", PerExecutor: 1}}}
		runs, err := f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("first", runs, "a")
		f.suspend(runs[0].Claim(), at(100))
		runs, err = f.s.Claim(f.Context(), req)
		f.must(err)
		f.wantIDs("while it waits", runs)
	}},
}

func (f *fixture) finishChild(c store.Run) {
	f.Helper()
	_, err := f.s.Finish(f.Context(), c.Claim(), store.Outcome{Status: store.Succeeded, At: at(9), HasParent: true})
	f.must(err)
}
