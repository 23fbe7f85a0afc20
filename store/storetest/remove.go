package storetest

import (
	"fmt"

	"github.com/stepwell/stepwell/store"
)

var removeRules = []rule{
	{"a deleted run is unknown to every call", func(f *fixture) {
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			f.create("keep-"+s.String(), labelled)
			r := f.running(s.String(), labelled)
			f.record(r.Claim(), "0", "1")
			f.finish(r.Claim(), s)
			f.must(f.s.Delete(f.Context(), r.ID))
			_, err := f.s.Get(f.Context(), r.ID)
			f.wantErr("get", err, store.ErrNotFound)
			_, err = f.s.Stop(f.Context(), r.ID, store.StopCancel, at(60))
			f.wantErr("stop", err, store.ErrNotFound)
			_, err = f.s.Resume(f.Context(), r.ID, at(60))
			f.wantErr("resume", err, store.ErrNotFound)
			f.wantErr("delete again", f.s.Delete(f.Context(), r.ID), store.ErrNotFound)
			f.wantErr("record", f.s.Record(f.Context(), r.Claim(), new(aStep("2"))), store.ErrStale)
		}
		runs, err := f.s.List(f.Context(), store.Filter{})
		f.must(err)
		f.wantIDs("list", runs, "keep-cancelled", "keep-failed", "keep-succeeded")
		runs, err = f.s.List(f.Context(), store.Filter{Labels: map[string]string{"k": "v"}})
		f.must(err)
		f.wantIDs("list by label", runs, "keep-cancelled", "keep-failed", "keep-succeeded")
		page, err := f.s.Spans(f.Context(), 0, 100)
		f.must(err)
		if len(page.Records) > 0 || page.More {
			f.broken("spans of deleted runs: %+v", page)
		}
	}},
	{"a deletion is news, by a call and by age", func(f *fixture) {
		want := func(what string, r store.Run) {
			f.Helper()
			f.wantSame(what, f.news.take(), []store.Event{{Kind: store.EventRemoved, ID: r.ID, Seq: r.Seq}})
		}
		a, b := f.running("a"), f.running("b")
		f.finish(a.Claim(), store.Succeeded)
		f.finish(b.Claim(), store.Failed)
		f.news.take()
		f.must(f.s.Delete(f.Context(), "a"))
		want("delete", a)
		f.wantErr("delete again", f.s.Delete(f.Context(), "a"), store.ErrNotFound)
		f.expire(store.Expiry{Status: store.Failed, Before: at(1000), Limit: 9})
		want("expire", b)
		f.sweep(100)
		if es := f.news.take(); len(es) > 0 {
			f.broken("news of a sweep: %+v", es)
		}
	}},
	{"the id of a deleted run is free for another, which has nothing of it", func(f *fixture) {
		old := f.running("a", labelled)
		f.record(old.Claim(), "0")
		f.finish(old.Claim(), store.Succeeded)
		f.must(f.s.Delete(f.Context(), "a"))
		r := f.running("a")
		if r.Seq <= old.Seq {
			f.broken("the new run has seq %d, the old one had %d", r.Seq, old.Seq)
		}
		for range 2 {
			if len(f.load(r.Seq)) > 0 || len(f.get("a").Labels) > 0 {
				f.broken("the new run has what belonged to the old one: %+v, %+v", f.get("a"), f.load(r.Seq))
			}
			f.sweep(100)
		}
		f.record(r.Claim(), "0")
		f.sweep(100)
		if len(f.load(r.Seq)) != 1 {
			f.broken("the sweep took what belongs to the new run")
		}
	}},
	{"deleting a run that has not ended is ErrConflict, an unknown one ErrNotFound", func(f *fixture) {
		f.create("queued")
		f.create("delayed", startAt(at(50)))
		f.running("running")
		f.waiting("waiting", at(50))
		f.ended("stuck", store.Stuck)
		for _, id := range []string{"queued", "delayed", "running", "waiting", "stuck"} {
			f.untouched(id, func() {
				f.wantErr("delete a run that is "+id, f.s.Delete(f.Context(), id), store.ErrConflict)
			})
		}
		f.wantErr("delete no run", f.s.Delete(f.Context(), "none"), store.ErrNotFound)
	}},
	{"a child stays for as long as its parent may ask for its result", func(f *fixture) {
		childOf := func(n *store.NewRun) { n.ParentID = "parent" }
		p := f.running("parent")
		f.finishChild(f.running("child", childOf))
		f.finishChild(f.running("second", childOf))
		f.wantErr("delete the child of a running parent", f.s.Delete(f.Context(), "child"), store.ErrConflict)
		f.finish(p.Claim(), store.Stuck)
		f.wantErr("delete the child of a stuck parent", f.s.Delete(f.Context(), "child"), store.ErrConflict)
		f.stop("parent", store.StopCancel)
		f.must(f.s.Delete(f.Context(), "child"))
		f.must(f.s.Delete(f.Context(), "parent"))
		f.wantStatus("second", store.Succeeded)
		f.must(f.s.Delete(f.Context(), "second"))
	}},
	{"a child of a deleted run is not held by another with that id", func(f *fixture) {
		p := f.running("parent")
		f.finish(p.Claim(), store.Succeeded)
		c := f.running("child", childOf("parent"))
		f.finish(c.Claim(), store.Succeeded)
		f.must(f.s.Delete(f.Context(), "parent"))
		f.running("parent")
		f.must(f.s.Delete(f.Context(), "child"))
	}},
	{"a sweep takes out no more rows than asked for, and in the end all of them", func(f *fixture) {
		var seqs []int64
		for i := range 3 {
			r := f.running(fmt.Sprint(i))
			f.record(r.Claim(), "0", "1", "2", "3", "4")
			f.finish(r.Claim(), store.Succeeded)
			f.must(f.s.Delete(f.Context(), r.ID))
			seqs = append(seqs, r.Seq)
		}
		left := func() (n int) {
			for _, seq := range seqs {
				n += len(f.load(seq))
			}
			return n
		}
		rounds := 0
		for before, more := left(), true; more; rounds++ {
			var err error
			more, err = f.s.Sweep(f.Context(), 4)
			f.must(err)
			if n := before - left(); n > 4 {
				f.broken("one sweep took %d rows, want at most 4", n)
			}
			before = left()
		}
		if left() > 0 || rounds < 4 {
			f.broken("%d rows left after %d sweeps", left(), rounds)
		}
		if more, err := f.s.Sweep(f.Context(), 4); more || err != nil {
			f.broken("with nothing to do: more %v, %v", more, err)
		}
	}},
	{"a sweep of large rows ends early", func(f *fixture) {
		r := f.running("a")
		for i := range 20 {
			s := aStep(fmt.Sprint(i))
			s.Output = make([]byte, 1<<20)
			f.must(f.s.Record(f.Context(), r.Claim(), &s))
		}
		f.finish(r.Claim(), store.Succeeded)
		f.must(f.s.Delete(f.Context(), "a"))
		more, err := f.s.Sweep(f.Context(), 1000)
		f.must(err)
		if n := len(f.load(r.Seq)); !more || n < 10 || n >= 20 {
			f.broken("%d rows of 1 MiB left of 20, more is %v", n, more)
		}
		f.sweep(1000)
		if n := len(f.load(r.Seq)); n > 0 {
			f.broken("%d rows left", n)
		}
	}},
}

func labelled(n *store.NewRun) { n.Labels = map[string]string{"k": "v", "l": "w"} }

// sweep sweeps until nothing is left.
func (f *fixture) sweep(limit int) {
	f.Helper()
	for more := true; more; {
		var err error
		more, err = f.s.Sweep(f.Context(), limit)
		f.must(err)
	}
}
