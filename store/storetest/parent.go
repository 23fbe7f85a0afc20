package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

var parentRules = []rule{
	{"the end of a child wakes the parent that waits for it", func(f *fixture) {
		p := f.running("parent")
		c := f.running("child", childOf("parent"))
		f.awaits(p.Claim(), "child")
		f.suspend(p.Claim(), time.Time{})
		f.finishChild(c)
		f.wantIDs("claimable", f.claim(9), "parent")
	}},
	{"the end of a child does not wake a parent that waits for something else", func(f *fixture) {
		p := f.running("parent")
		c := f.running("child", childOf("parent"))
		f.running("other", childOf("parent"))
		f.awaits(p.Claim(), "other")
		f.suspend(p.Claim(), time.Time{})
		f.finishChild(c)
		f.wantIDs("claimable", f.claim(9))
		if r := f.wantStatus("parent", store.Waiting); r.Signals != 0 {
			f.broken("the parent has %d signals", r.Signals)
		}
	}},
	{"the end of a child that the parent has not seen refuses its suspension", func(f *fixture) {
		p := f.running("parent")
		c := f.running("child", childOf("parent"))
		f.awaits(p.Claim(), "child")
		f.finishChild(c)
		f.wantErr("suspend", f.s.Suspend(f.Context(), p.Claim(), store.Suspension{Signals: p.Signals}), store.ErrConflict)
	}},
	{"a child that ends without having run wakes its parent as well", func(f *fixture) {
		p := f.running("parent")
		f.create("cancelled", childOf("parent"))
		f.create("late", childOf("parent"), deadlineAt(at(5)))
		f.awaits(p.Claim(), "cancelled")
		f.awaits(p.Claim(), "late")
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

func childOf(parent string) func(*store.NewRun) { return func(n *store.NewRun) { n.ParentID = parent } }

// awaits has the run wait for the end of a child.
func (f *fixture) awaits(c store.Claim, child string) {
	f.Helper()
	f.must(f.s.Record(f.Context(), c, &store.Step{Path: child, Kind: store.KindResult, Name: child, Status: store.StepWaiting, StartedAt: at(2), ChildID: child}))
}
