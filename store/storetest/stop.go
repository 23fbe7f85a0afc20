package storetest

import (
	"github.com/stepwell/stepwell/store"
)

var stopRules = []rule{
	{"a run that never started ends at once", func(f *fixture) {
		f.create("queued", deadlineAt(at(50)))
		f.create("delayed", startAt(at(50)))
		f.create("queue", onQueue("q"))
		for _, id := range []string{"queued", "delayed", "queue"} {
			got := f.stop(id, store.StopCancel)
			f.wantSame("the run returned", got, f.get(id))
			if got.Status != store.Cancelled || got.Error == nil || got.Error.Code != store.CodeCancelled ||
				!got.EndedAt.Equal(at(5)) || !got.WakeAt.IsZero() || !got.StartedAt.IsZero() {
				f.broken("%s: %+v", id, got)
			}
		}
		f.create("late")
		if got := f.stop("late", store.StopDeadline); got.Status != store.Failed || got.Error.Code != store.CodeDeadline {
			f.broken("late: %+v", got)
		}
		f.wantIDs("claimed", f.claim(9, "", "q"))
		if n, next := f.due(at(100)); n != 0 || !next.IsZero() {
			f.broken("Due moved %d, next %v", n, next)
		}
	}},
	{"a waiting run is queued, so that its code can see it", func(f *fixture) {
		f.waiting("a", at(50))
		got := f.stop("a", store.StopCancel)
		f.wantSame("the run returned", got, f.get("a"))
		if got.Status != store.Queued || got.Stop != store.StopCancel || got.Signals != 1 || !got.WakeAt.IsZero() || !got.QueuedAt.Equal(at(5)) {
			f.broken("%+v", got)
		}
		f.wantIDs("claimed", f.claim(9), "a")
	}},
	{"a running run is signalled and keeps its claim", func(f *fixture) {
		r := f.running("a", deadlineAt(at(50)))
		want := r
		want.Stop, want.Signals = store.StopCancel, 1
		f.wantSame("the run returned", f.stop("a", store.StopCancel), want)
		f.record(r.Claim(), "1")
	}},
	{"a queued run that had started stays queued, and its code sees it", func(f *fixture) {
		r := f.running("a")
		f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(2)))
		if got := f.stop("a", store.StopCancel); got.Status != store.Queued || got.Stop != store.StopCancel {
			f.broken("%+v", got)
		}
		if runs := f.claim(1); len(runs) != 1 || runs[0].Stop != store.StopCancel {
			f.broken("claimed %+v", runs)
		}
	}},
	{"a stuck run ends at once, even one that was asked to stop before it got stuck", func(f *fixture) {
		f.ended("a", store.Stuck)
		r := f.running("b")
		f.stop("b", store.StopCancel)
		f.finish(r.Claim(), store.Stuck)
		for _, id := range []string{"a", "b"} {
			if got := f.stop(id, store.StopCancel); got.Status != store.Cancelled || !got.EndedAt.Equal(at(5)) || got.Error.Code != store.CodeCancelled {
				f.broken("%s: %+v", id, got)
			}
		}
	}},
	{"a stop that the code is to see is one to cancel, and ErrConflict for a stuck run", func(f *fixture) {
		f.finish(claimOf(f.running("stuck")), store.Stuck)
		f.untouched("stuck", func() {
			_, err := f.s.Stop(f.Context(), "stuck", store.StopByCode, at(60))
			f.wantErr("stop a stuck run", err, store.ErrConflict)
		})
		f.create("queued")
		f.running("running")
		if got := f.stop("queued", store.StopByCode); got.Status != store.Cancelled || got.Stop != store.StopCancel {
			f.broken("queued: %+v", got)
		}
		if got := f.stop("running", store.StopByCode); got.Status != store.Running || got.Stop != store.StopCancel {
			f.broken("running: %+v", got)
		}
	}},
	{"stopping a run that was already asked changes nothing", func(f *fixture) {
		f.running("running")
		f.waiting("waiting", at(50))
		for _, id := range []string{"running", "waiting"} {
			f.stop(id, store.StopCancel)
			f.untouched(id, func() {
				for _, c := range []store.StopCause{store.StopCancel, store.StopDeadline} {
					f.wantSame("the run returned", f.stop(id, c), f.get(id))
				}
			})
		}
	}},
	{"stopping a run that has ended is ErrConflict, an unknown one ErrNotFound", func(f *fixture) {
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			r := f.ended(s.String(), s)
			f.untouched(r.ID, func() {
				_, err := f.s.Stop(f.Context(), r.ID, store.StopCancel, at(60))
				f.wantErr("stop a run that "+r.ID, err, store.ErrConflict)
			})
		}
		_, err := f.s.Stop(f.Context(), "none", store.StopCancel, at(60))
		f.wantErr("stop no run", err, store.ErrNotFound)
	}},
	{"a stuck or cancelled run is resumed from its history, as a new attempt, no longer asked to stop", func(f *fixture) {
		r := f.running("stuck")
		f.record(r.Claim(), "1")
		f.finish(r.Claim(), store.Stuck)
		r = f.running("cancelled")
		f.stop("cancelled", store.StopCancel)
		f.record(r.Claim(), "1")
		f.finish(r.Claim(), store.Succeeded)
		_, err := f.s.Finish(f.Context(), claimOf(f.running("output")), store.Outcome{Status: store.Cancelled, Output: []byte("o"), At: at(3)})
		f.must(err)
		for _, id := range []string{"stuck", "cancelled", "output"} {
			got, err := f.s.Resume(f.Context(), id, at(20))
			f.must(err)
			f.wantSame("the run returned", got, f.get(id))
			if got.Status != store.Queued || !got.QueuedAt.Equal(at(20)) || got.Attempt != 2 || got.Stop != store.StopNone ||
				got.Error != nil || got.Output != nil || !got.EndedAt.IsZero() || got.StartedAt.IsZero() {
				f.broken("%s: %+v", id, got)
			}
		}
		runs := f.claim(9)
		f.wantIDs("claimed", runs, "stuck", "cancelled", "output")
		if len(f.load(runs[0].Seq)) != 1 || runs[0].Fresh() {
			f.broken("the history is gone")
		}
	}},
	{"a run cancelled before it started is resumed into its queue", func(f *fixture) {
		f.create("a", onQueue("q"))
		f.stop("a", store.StopCancel)
		_, err := f.s.Resume(f.Context(), "a", at(20))
		f.must(err)
		f.wantIDs("started runs", f.claim(9))
		f.wantIDs("new runs", f.claim(9, "q"), "a")
	}},
	{"a resumed run that is asked to stop while it waits in its queue passes the line, so that its code sees it", func(f *fixture) {
		f.create("a", onQueue("q"))
		r := f.claim(1, "q")[0]
		f.record(r.Claim(), "1")
		f.finish(r.Claim(), store.Stuck)
		_, err := f.s.Resume(f.Context(), "a", at(20))
		f.must(err)
		got := f.stop("a", store.StopCancel)
		if got.Status != store.Queued || got.Stop != store.StopCancel || got.StartedAt.IsZero() {
			f.broken("%+v", got)
		}
		f.wantIDs("started runs", f.claim(9), "a")
	}},
	{"a resumed run is due at its deadline again", func(f *fixture) {
		r := f.running("a", deadlineAt(at(50)))
		f.finish(r.Claim(), store.Stuck)
		_, err := f.s.Resume(f.Context(), "a", at(20))
		f.must(err)
		f.claim(1)
		if n, _ := f.due(at(50)); n != 1 || f.get("a").Stop != store.StopDeadline {
			f.broken("Due moved %d, the run is %+v", n, f.get("a"))
		}
	}},
	{"resuming a run in any other state is ErrConflict, an unknown one ErrNotFound", func(f *fixture) {
		f.create("queued")
		f.create("delayed", startAt(at(50)))
		f.running("running")
		f.waiting("waiting", at(50))
		f.ended("succeeded", store.Succeeded)
		f.ended("failed", store.Failed)
		for _, id := range []string{"queued", "delayed", "running", "waiting", "succeeded", "failed"} {
			f.untouched(id, func() {
				_, err := f.s.Resume(f.Context(), id, at(60))
				f.wantErr("resume a run that is "+id, err, store.ErrConflict)
			})
		}
		_, err := f.s.Resume(f.Context(), "none", at(60))
		f.wantErr("resume no run", err, store.ErrNotFound)
	}},
}
