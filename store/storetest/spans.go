package storetest

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

var spanRules = []rule{
	{"a finished attempt and the end of a run are spans, in commit order, with what they need", func(f *fixture) {
		a := f.running("a", func(n *store.NewRun) { n.Trace.ParentSpan = [8]byte{9} })
		f.record(a.Claim(), "1")
		opening := store.Step{Path: "2", Kind: store.KindSleep, Status: store.StepWaiting, StartedAt: at(3), WakeAt: at(4)}
		f.must(f.s.Record(f.Context(), a.Claim(), &opening))
		b := f.running("b")
		f.record(b.Claim(), "1")
		failed := aStep("2")
		failed.Status, failed.Output, failed.Error, failed.WakeAt, failed.ChildID = store.StepRetrying, nil, &store.Failure{Message: "m"}, at(8), "c"
		f.must(f.s.Record(f.Context(), b.Claim(), &failed))
		f.finish(b.Claim(), store.Failed)
		f.finish(a.Claim(), store.Succeeded)
		page, err := f.s.Spans(f.Context(), 0, 100)
		f.must(err)

		step := func(r store.Run, i int) store.SpanRecord {
			s := f.load(r.Seq)[i]
			s.Output = nil
			return store.SpanRecord{Pos: s.Pos, Run: store.Run{Seq: r.Seq, ID: r.ID, Workflow: r.Workflow, Trace: r.Trace}, Step: &s}
		}
		end := func(r store.Run) store.SpanRecord {
			run := f.get(r.ID)
			return store.SpanRecord{Run: store.Run{Seq: run.Seq, ID: run.ID, Workflow: run.Workflow, Status: run.Status, Queue: run.Queue,
				Version: run.Version, Executor: run.Executor, Attempt: run.Attempt, CreatedAt: run.CreatedAt, StartedAt: run.StartedAt,
				EndedAt: run.EndedAt, Error: run.Error, Trace: run.Trace}}
		}
		want := []store.SpanRecord{step(a, 0), step(b, 0), step(b, 1), end(b), end(a)}
		last := int64(0)
		for i, r := range page.Records {
			if r.Pos <= last {
				f.broken("record %d is at %d after %d", i, r.Pos, last)
			}
			last = r.Pos
			if i < len(want) && r.Step == nil {
				want[i].Pos = r.Pos
			}
		}
		f.wantSame("the spans", page.Records, want)
		if page.More || page.Next != f.s.Position() {
			f.broken("more %v, next %d, position %d", page.More, page.Next, f.s.Position())
		}
	}},
	{"runs that are not sampled have no spans, but positions go past them", func(f *fixture) {
		a := f.running("a", unsampled)
		f.record(a.Claim(), "1", "2")
		f.finish(a.Claim(), store.Succeeded)
		page, err := f.s.Spans(f.Context(), 0, 100)
		f.must(err)
		if len(page.Records) != 0 || page.More || page.Next != f.s.Position() {
			f.broken("%+v at position %d", page, f.s.Position())
		}
	}},
	{"a stuck run has no end, a run that never started has one", func(f *fixture) {
		f.ended("stuck", store.Stuck)
		f.create("never")
		f.stop("never", store.StopCancel)
		page, err := f.s.Spans(f.Context(), 0, 100)
		f.must(err)
		if len(page.Records) != 1 || page.Records[0].Run.ID != "never" || page.Records[0].Run.Status != store.Cancelled {
			f.broken("%+v", page.Records)
		}
	}},
	{"pages of any size join to the same records", func(f *fixture) {
		for i := range 7 {
			r := f.running(fmt.Sprint(i))
			for j := range i {
				f.record(r.Claim(), fmt.Sprint(j))
			}
			f.finish(r.Claim(), store.Succeeded)
		}
		all, err := f.s.Spans(f.Context(), 0, 1000)
		f.must(err)
		if len(all.Records) != 28 {
			f.broken("%d records, want 28", len(all.Records))
		}
		for limit := 1; limit < 30; limit++ {
			var got []store.SpanRecord
			more, pos := true, int64(0)
			for more {
				page, err := f.s.Spans(f.Context(), pos, limit)
				f.must(err)
				if len(page.Records) > limit || page.Next < pos || (page.More && page.Next == pos) {
					f.broken("limit %d after %d: %d records, next %d", limit, pos, len(page.Records), page.Next)
				}
				got, pos, more = append(got, page.Records...), page.Next, page.More
			}
			f.wantSame(fmt.Sprint("pages of ", limit), got, all.Records)
		}
	}},
	{"a page that may hold nothing neither moves the position nor loses what follows", func(f *fixture) {
		f.record(claimOf(f.running("a")), "1")
		for _, limit := range []int{0, -1} {
			page, err := f.s.Spans(f.Context(), 0, limit)
			if err == nil && len(page.Records) == 0 && page.Next != 0 {
				f.broken("limit %d: next %d without its record", limit, page.Next)
			}
		}
		page, err := f.s.Spans(f.Context(), math.MaxInt64, 10)
		f.must(err)
		if len(page.Records) != 0 || page.Next != math.MaxInt64 {
			f.broken("after the end: %+v", page)
		}
	}},
	{"reading on while writes go on loses nothing and repeats nothing", func(f *fixture) {
		const writers, runs = 8, 12
		var wg sync.WaitGroup
		done := make(chan struct{})
		for w := range writers {
			wg.Go(func() {
				for i := range runs {
					r, _, err := f.s.Store.Create(f.Context(), func() store.NewRun { n := newRun(fmt.Sprint(w, "-", i)); claimed(&n); return n }())
					if err != nil {
						f.Error(err)
						return
					}
					for _, p := range []string{"1", "2", "3"} {
						if err := f.s.Store.Record(f.Context(), r.Claim(), new(aStep(p))); err != nil {
							f.Error(err)
						}
					}
					if _, err := f.s.Store.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: at(9)}); err != nil {
						f.Error(err)
					}
				}
			})
		}
		go func() { wg.Wait(); close(done) }()
		seen := map[int64]bool{}
		pos, limit, last := int64(0), 1, false
		for {
			page, err := f.s.Spans(f.Context(), pos, 1+limit%17)
			f.must(err)
			limit++
			for _, r := range page.Records {
				if seen[r.Pos] || r.Pos <= pos {
					f.broken("record %d came again after %d", r.Pos, pos)
				}
				seen[r.Pos] = true
			}
			if page.Next < pos {
				f.broken("the position went back from %d to %d", pos, page.Next)
			}
			pos = page.Next
			if last && !page.More {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		if want := writers * runs * 4; len(seen) != want {
			f.broken("%d of %d records were seen", len(seen), want)
		}
	}},
}

var eventRules = []rule{
	{"a run that becomes claimable, ends, is signalled, or will be due is news", func(f *fixture) {
		want := func(what string, want ...store.Event) {
			f.Helper()
			if len(want) == 0 {
				want = nil
			}
			f.wantSame(what, f.news.take(), want)
		}
		a := f.create("a", onQueue("q"), deadlineAt(at(50)))
		queued := store.Event{Kind: store.EventQueued, ID: "a", Seq: a.Seq, Queue: "q"}
		ended := store.Event{Kind: store.EventEnded, ID: "a", Seq: a.Seq}
		signalled := store.Event{Kind: store.EventSignalled, ID: "a", Seq: a.Seq}
		due := func(t time.Time) store.Event { return store.Event{Kind: store.EventDue, At: t} }
		want("create", queued, due(at(50)))
		_, _, err := f.s.Create(f.Context(), newRun("a"))
		f.must(err)
		want("create again")
		r := f.claim(1, "q")[0]
		want("claim")
		f.record(r.Claim(), "1")
		want("record")
		f.must(f.s.Release(f.Context(), []store.Claim{r.Claim(), r.Claim()}, at(1)))
		want("release", queued)
		r = f.claim(1)[0]
		f.suspend(r.Claim(), at(20))
		want("suspend", due(at(20)))
		f.due(at(20))
		want("wake", queued)
		r = f.claim(1)[0]
		f.suspend(r.Claim(), time.Time{})
		want("suspend until the deadline", due(at(50)))
		f.stop("a", store.StopCancel)
		want("stop a waiting run", queued)
		f.stop("a", store.StopCancel)
		want("stop again")
		r = f.claim(1)[0]
		f.finish(r.Claim(), store.Succeeded)
		want("finish", ended)
		_, err = f.s.Resume(f.Context(), "a", at(21))
		f.must(err)
		want("resume, with a deadline ahead", queued, due(at(50)))
		r = f.claim(1, "q")[0]
		f.stop("a", store.StopCancel)
		want("stop a running run", signalled)
		f.finish(r.Claim(), store.Stuck)
		want("park", ended)
		f.stop("a", store.StopCancel)
		want("stop a stuck run", ended)
		b := f.create("b", startAt(at(30)))
		want("create a delayed run", due(at(30)))
		f.stop("b", store.StopCancel)
		want("stop a run that never started", store.Event{Kind: store.EventEnded, ID: "b", Seq: b.Seq})
		f.wantErr("record", f.s.Record(f.Context(), r.Claim(), new(aStep("9"))), store.ErrStale)
		want("a refused write")
		f.running("c")
		want("create claimed")
	}},
	{"recovery is news of every run it queues or parks", func(f *fixture) {
		r := f.running("a")
		f.running("b")
		f.record(r.Claim(), "1")
		f.news.take()
		f.recover(1)
		if !hasEvent(f.news.take(), store.EventQueued, "a") {
			f.broken("no news of a recovered run")
		}
		f.claim(9)
		f.recover(1)
		if es := f.news.take(); !hasEvent(es, store.EventEnded, "b") {
			f.broken("no news of a parked run: %+v", es)
		}
	}},
	{"news comes in commit order and before the write is acknowledged", func(f *fixture) {
		const writers, runs = 8, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range runs {
					id := fmt.Sprint(w, "-", i)
					if _, _, err := f.s.Store.Create(f.Context(), newRun(id)); err != nil {
						f.Error(err)
					}
					f.news.mu.Lock()
					known := hasEvent(f.news.events, store.EventQueued, id)
					f.news.mu.Unlock()
					if !known {
						f.Errorf("broken rule: %s\nrun %s was acknowledged without news", f.rule, id)
					}
				}
			})
		}
		wg.Wait()
		last := int64(0)
		for _, e := range f.news.take() {
			if e.Seq <= last {
				f.broken("news of run %d after %d", e.Seq, last)
			}
			last = e.Seq
		}
	}},
}

// hasEvent reports whether there is news of that kind for the run; an event
// without id is for all.
func hasEvent(es []store.Event, k store.EventKind, id string) bool {
	for _, e := range es {
		if e.Kind == k && (e.ID == id || (e.ID == "" && k == store.EventQueued)) {
			return true
		}
	}
	return false
}
