package storetest

import (
	"fmt"
	"slices"

	"github.com/stepwell/stepwell/store"
)

func onParentEnd(p store.ParentPolicy) func(*store.NewRun) {
	return func(n *store.NewRun) { n.OnParentEnd = p }
}

// family is a running parent with a child, not started, for each policy.
func (f *fixture) family() store.Run {
	f.Helper()
	p := f.running("parent")
	f.create("on-failure", childOf("parent"))
	f.create("on-end", childOf("parent"), onParentEnd(store.StopOnEnd))
	f.create("abandoned", childOf("parent"), onParentEnd(store.Abandon))
	f.create("stranger")
	return p
}

// wantStopped ends the test unless just these runs of the family are cancelled
// after what is due was moved.
func (f *fixture) wantStopped(ids ...string) {
	f.Helper()
	f.due(at(10))
	want := map[string]store.Status{"on-failure": store.Queued, "on-end": store.Queued, "abandoned": store.Queued, "stranger": store.Queued}
	for _, id := range ids {
		want[id] = store.Cancelled
	}
	for id, s := range want {
		f.wantStatus(id, s)
	}
}

var orphanRules = []rule{
	{"a parent that fails stops its children, but for those it abandons", func(f *fixture) {
		f.finish(claimOf(f.family()), store.Failed)
		f.wantStopped("on-failure", "on-end")
	}},
	{"a parent that succeeds stops only the children that are not to outlive it", func(f *fixture) {
		p := f.family()
		_, err := f.s.Finish(f.Context(), p.Claim(), store.Outcome{Status: store.Succeeded, At: at(9), HasChildren: true})
		f.must(err)
		f.wantStopped("on-end")
	}},
	{"a parent that is asked to stop stops its children before it has ended", func(f *fixture) {
		f.family()
		f.stop("parent", store.StopCancel)
		f.wantStopped("on-failure", "on-end")
		f.wantStatus("parent", store.Running)
	}},
	{"a parent at its deadline stops its children", func(f *fixture) {
		p := f.running("parent", deadlineAt(at(5)))
		f.create("on-failure", childOf("parent"))
		f.suspend(p.Claim(), at(100))
		f.due(at(5))
		f.wantStatus("on-failure", store.Cancelled)
	}},
	{"a parent that is stuck keeps its children until it is stopped", func(f *fixture) {
		f.finish(claimOf(f.family()), store.Stuck)
		f.wantStopped()
		f.stop("parent", store.StopCancel)
		f.wantStopped("on-failure", "on-end")
	}},
	{"children that run, wait or are stuck are stopped as by a call", func(f *fixture) {
		p := f.running("parent")
		f.running("running", childOf("parent"))
		f.waiting("waiting", at(100), childOf("parent"))
		f.finish(claimOf(f.running("stuck", childOf("parent"))), store.Stuck)
		f.finish(claimOf(f.running("done", childOf("parent"))), store.Succeeded)
		f.finish(p.Claim(), store.Failed)
		f.due(at(10))
		for id, want := range map[string]store.Status{
			"running": store.Running, "waiting": store.Queued, "stuck": store.Cancelled, "done": store.Succeeded,
		} {
			r := f.wantStatus(id, want)
			if asked := r.Stop == store.StopCancel; asked != (id != "done") {
				f.broken("run %s was asked to stop: %t", id, asked)
			}
		}
	}},
	{"grandchildren are stopped with the children", func(f *fixture) {
		p := f.running("parent")
		f.waiting("child", at(100), childOf("parent"))
		f.waiting("grandchild", at(100), childOf("child"))
		f.finish(p.Claim(), store.Failed)
		f.due(at(10))
		f.wantStatus("grandchild", store.Queued)
	}},
	{"many children are stopped in pieces, and what is left is due now", func(f *fixture) {
		p := f.running("parent")
		for i := range 5 {
			f.create(fmt.Sprint("c", i), childOf("parent"))
		}
		f.finish(p.Claim(), store.Failed)
		for i, want := range []int{2, 2, 1} {
			n, next, err := f.s.Due(f.Context(), at(10), 2)
			f.must(err)
			if left := i < 2; n != want || left != next.Equal(at(10)) {
				f.broken("call %d moved %d, want %d; next is due %v", i, n, want, next)
			}
		}
		for i := range 5 {
			f.wantStatus(fmt.Sprint("c", i), store.Cancelled)
		}
	}},
	{"a run that went on anew, and is stopped before it begins again, stops its children", func(f *fixture) {
		f.create("parent", onQueue("q"))
		f.create("child", childOf("parent"))
		f.goOn(f.claim(1, "q")[0].Claim(), 1)
		f.finish(f.claim(1, "q")[0].Claim(), store.Stuck)
		_, err := f.s.Resume(f.Context(), "parent", at(3))
		f.must(err)
		f.stop("parent", store.StopCancel)
		f.due(at(10))
		f.wantStatus("child", store.Cancelled)
	}},
	{"a run that went on anew, and is stopped in line before it began again, ends at once", func(f *fixture) {
		f.create("parent", onQueue("q"))
		p := f.claim(1, "q")[0].Claim()
		f.record(p, "0") // of the old history
		f.goOn(p, 1)
		f.finish(f.claim(1, "q")[0].Claim(), store.Stuck)
		_, err := f.s.Resume(f.Context(), "parent", at(3))
		f.must(err)
		f.stop("parent", store.StopCancel)
		f.wantStatus("parent", store.Cancelled)
	}},
	{"a run stops no children of a deleted one that had its id", func(f *fixture) {
		p := f.running("parent")
		f.create("old", childOf("parent"), onParentEnd(store.StopOnFailure))
		f.finish(p.Claim(), store.Succeeded)
		f.must(f.s.Delete(f.Context(), "parent"))
		p = f.running("parent")
		f.create("new", childOf("parent"), onParentEnd(store.StopOnFailure))
		f.finish(p.Claim(), store.Failed)
		f.due(at(10))
		f.wantStatus("old", store.Queued)
		f.wantStatus("new", store.Cancelled)
	}},
	{"a parent that is resumed before its children were told keeps them", func(f *fixture) {
		p := f.family()
		f.stop("parent", store.StopCancel)
		f.finish(p.Claim(), store.Succeeded)
		_, err := f.s.Resume(f.Context(), "parent", at(9))
		f.must(err)
		f.wantStopped()
	}},
	{"an end with children to stop is news of something due", func(f *fixture) {
		p := f.family()
		f.news.take()
		f.finish(p.Claim(), store.Failed)
		if !slices.ContainsFunc(f.news.take(), func(e store.Event) bool { return e.Kind == store.EventDue }) {
			f.broken("no event says that something is due")
		}
	}},
}
