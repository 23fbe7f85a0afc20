package storetest

import (
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// goOn has a running run continue with the index of its next call.
func (f *fixture) goOn(c store.Claim, base int) store.Continued {
	f.Helper()
	done, err := f.s.Continue(f.Context(), c, store.Continuation{Input: fmt.Append(nil, base), Base: base, At: at(6)})
	f.must(err)
	return done
}

// spanPaths are the paths of the spans of steps that were not sent.
func (f *fixture) spanPaths(after int64) (paths []string, next int64) {
	f.Helper()
	page, err := f.s.Spans(f.Context(), after, 1000)
	f.must(err)
	for _, r := range page.Records {
		if r.Step != nil {
			paths = append(paths, r.Step.Path)
		}
	}
	return paths, page.Next
}

// sweepAll sweeps until nothing is left.
func (f *fixture) sweepAll() (times int) {
	f.Helper()
	for more, err := true, error(nil); more; times++ {
		more, err = f.s.Sweep(f.Context(), 100)
		f.must(err)
		if times > 1000 {
			f.broken("it never ends")
		}
	}
	return times
}

var continueRules = []rule{
	{"a run that continues is queued, with a new input and no history, and everything else as it was", func(f *fixture) {
		a := f.create("a", onQueue("q"), priority(3), deadlineAt(at(90)), func(n *store.NewRun) {
			n.ParentID, n.Labels = "parent", map[string]string{"k": "v"}
		})
		a = f.claim(1, "q")[0]
		f.record(a.Claim(), "0", "1.0")
		if done := f.goOn(a.Claim(), 2); done.Stopped {
			f.broken("%+v", done)
		}
		want := a
		want.Status, want.QueuedAt, want.Input, want.Base = store.Queued, at(6), []byte("2"), 2
		f.wantSame("the run", f.get("a"), want)
		if n := len(f.load(a.Seq)); n != 0 {
			f.broken("%d rows of history", n)
		}
		next := f.claim(1)[0] // among those that had started: it keeps its place
		if next.ID != "a" || next.Epoch != 2 || next.Fresh() {
			f.broken("claimed %+v", next)
		}
		f.record(next.Claim(), "2", "3.0")
		f.wantSame("the new history", paths(f.load(a.Seq)), []string{"2", "3.0"})
		f.wantErr("record under the old claim", f.s.Record(f.Context(), a.Claim(), new(aStep("4"))), store.ErrStale)
		if _, next := f.due(at(8)); !next.Equal(at(90)) {
			f.broken("next due at %v, want the deadline", next)
		}
	}},
	{"a run that was asked to stop does not continue", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0")
		f.stop("a", store.StopCancel)
		f.untouched("a", func() {
			if done := f.goOn(a.Claim(), 1); !done.Stopped {
				f.broken("%+v", done)
			}
		})
		if s := f.finish(a.Claim(), store.Failed); s != store.Cancelled {
			f.broken("it ended %s", s)
		}
	}},
	{"events are set with it, or not at all", func(f *fixture) {
		a := f.running("a")
		set := func(c store.Claim) (store.Continued, error) {
			return f.s.Continue(f.Context(), c, store.Continuation{Base: 1, At: at(6), Events: map[string][]byte{"k": []byte("v")}})
		}
		f.stop("a", store.StopCancel)
		_, err := set(a.Claim())
		f.must(err)
		_, err = set(store.Claim{Seq: a.Seq, ID: "a", Epoch: 7})
		f.wantErr("a stale claim", err, store.ErrStale)
		if _, found, err := f.s.EventValue(f.Context(), "a", "k"); err != nil || found {
			f.broken("it was set, %v", err)
		}
		b := f.running("b")
		_, err = set(b.Claim())
		f.must(err)
		if v, found, err := f.s.EventValue(f.Context(), "b", "k"); err != nil || !found || string(v.Value) != "v" || !v.SetAt.Equal(at(6)) {
			f.broken("%+v, %t, %v", v, found, err)
		}
	}},
	{"a stale claim continues nothing", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0")
		f.suspend(a.Claim(), at(50))
		for _, c := range []store.Claim{a.Claim(), {Seq: a.Seq, ID: "a", Epoch: 7}, {Seq: 99, ID: "x", Epoch: 1}} {
			f.untouched("a", func() {
				_, err := f.s.Continue(f.Context(), c, store.Continuation{Base: 1, At: at(6)})
				f.wantErr("continue", err, store.ErrStale)
			})
		}
	}},
	{"a run can continue any number of times, and be forked after", func(f *fixture) {
		a := f.running("a")
		for i := range 20 {
			f.record(a.Claim(), fmt.Sprint(2*i), fmt.Sprint(2*i+1))
			f.goOn(a.Claim(), 2*i+2)
			a = f.claim(1)[0]
		}
		f.record(a.Claim(), "40", "41")
		_, _, err := f.s.Fork(f.Context(), store.Fork{From: "a", Step: "39", Run: newRun("b")})
		f.wantErr("fork at a step of an older history", err, store.ErrNotFound)
		b := f.fork("a", "41", "b")
		f.wantSame("the history of the fork", paths(f.load(b.Seq)), []string{"40"})
		if b.Base != 40 || string(b.Input) != "40" {
			f.broken("the fork begins at %d with %s", b.Base, b.Input)
		}
		f.finish(a.Claim(), store.Succeeded)
	}},
	{"spans of an old history are not lost, and its rows go when they were sent", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0", "1")
		if done := f.goOn(a.Claim(), 2); done.Left {
			f.broken("it asks for a sweep before the spans were sent")
		}
		f.sweepAll()
		sent, next := f.spanPaths(0)
		f.wantSame("spans", sent, []string{"0", "1"})
		f.must(f.s.SetCursor(f.Context(), store.SpanCursor, next))
		a = f.claim(1)[0]
		f.record(a.Claim(), "2")
		f.goOn(a.Claim(), 3)
		sent, next = f.spanPaths(next)
		f.wantSame("spans", sent, []string{"2"})
		f.must(f.s.SetCursor(f.Context(), store.SpanCursor, next))
		sent, _ = f.spanPaths(0)
		f.wantSame("rows that are left", sent, noPaths)
	}},
	{"a long history is taken out in pieces, a short one at once", func(f *fixture) {
		a := f.running("a", unsampled)
		f.record(a.Claim(), "0")
		if done := f.goOn(a.Claim(), 1); done.Left {
			f.broken("one row was left to sweep")
		}
		a = f.claim(1)[0]
		const rows = 1200
		for i := range rows {
			f.must(f.s.Store.Record(f.Context(), a.Claim(), new(aStep(fmt.Sprint(1+i)))))
		}
		if done := f.goOn(a.Claim(), rows+1); !done.Left {
			f.broken("%d rows went in one write", rows)
		}
		if n := len(f.load(a.Seq)); n != 0 {
			f.broken("%d rows can be seen", n)
		}
		a = f.claim(1)[0]
		f.record(a.Claim(), fmt.Sprint(rows+1))
		if n := f.sweepAll(); n < 5 {
			f.broken("%d sweeps", n)
		}
		f.wantSame("the new history", paths(f.load(a.Seq)), []string{fmt.Sprint(rows + 1)})
	}},
	{"a deleted run takes its old histories along", func(f *fixture) {
		a := f.running("a")
		f.record(a.Claim(), "0")
		f.goOn(a.Claim(), 1)
		a = f.claim(1)[0]
		f.record(a.Claim(), "1")
		f.finish(a.Claim(), store.Succeeded)
		f.must(f.s.Delete(f.Context(), "a"))
		f.sweepAll()
		sent, next := f.spanPaths(0)
		f.wantSame("spans", sent, noPaths)
		f.must(f.s.SetCursor(f.Context(), store.SpanCursor, next))
		f.sweepAll()
	}},
	{"a run that continued counts as making progress", func(f *fixture) {
		a := f.running("a")
		for i := range 5 {
			f.record(a.Claim(), fmt.Sprint(i))
			f.goOn(a.Claim(), i+1)
			f.claim(1)
			f.recover(1)
			a = f.claim(1)[0]
		}
		f.wantStatus("a", store.Running)
	}},
	{"that a run continues is the news that it is claimable", func(f *fixture) {
		a := f.running("a")
		f.news.take()
		f.goOn(a.Claim(), 1)
		f.wantSame("the news", f.news.take(), []store.Event{{Kind: store.EventQueued, ID: "a", Seq: a.Seq}})
	}},
}

// noPaths is no paths.
var noPaths []string
