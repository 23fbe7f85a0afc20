package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

var endRules = []rule{
	{"a suspended run waits for its wake time and holds no claim", func(f *fixture) {
		r := f.running("a")
		f.must(f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(60)}))
		want := r
		want.Status, want.WakeAt = store.Waiting, at(60)
		f.wantSame("the run", f.get("a"), want)
	}},
	{"a run suspended without wake time waits for an event only", func(f *fixture) {
		r := f.waiting("a", time.Time{})
		if !r.WakeAt.IsZero() {
			f.broken("wakes at %v", r.WakeAt)
		}
		if n, next := f.due(at(1 << 30)); n != 0 || !next.IsZero() {
			f.broken("Due moved %d, next at %v", n, next)
		}
	}},
	{"a suspension is refused with ErrConflict when signals came that the executor has not seen, and the claim is kept", func(f *fixture) {
		r := f.running("a")
		f.stop("a", store.StopCancel)
		f.untouched("a", func() {
			f.wantErr("suspend", f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(60)}), store.ErrConflict)
		})
		f.record(r.Claim(), "1")
		f.must(f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(60), Signals: 1}))
		f.wantStatus("a", store.Waiting)
	}},
	{"a finished run has its outcome and holds no claim", func(f *fixture) {
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			r := f.running(s.String(), deadlineAt(at(99)))
			if got := f.finish(r.Claim(), s); got != s {
				f.broken("finished as %s, want %s", got, s)
			}
			want := r
			want.Status, want.EndedAt = s, at(9)
			if s == store.Succeeded {
				want.Output = []byte(`"out"`)
			} else {
				want.Error = &store.Failure{Code: "code", Message: "why", Step: "1"}
			}
			f.wantSame("the run", f.get(r.ID), want)
		}
		if n, next := f.due(at(100)); n != 0 || !next.IsZero() {
			f.broken("an ended run is due: moved %d, next %v", n, next)
		}
	}},
	{"an empty output is not the same as none", func(f *fixture) {
		for id, out := range map[string][]byte{"none": nil, "empty": {}} {
			_, err := f.s.Finish(f.Context(), claimOf(f.running(id)), store.Outcome{Status: store.Succeeded, Output: out, At: at(9)})
			f.must(err)
			f.wantSame(id, f.get(id).Output, out)
		}
	}},
	{"a run parked as stuck has no end and is not due", func(f *fixture) {
		r := f.running("a", deadlineAt(at(99)))
		f.finish(r.Claim(), store.Stuck)
		want := r
		want.Status, want.Error = store.Stuck, &store.Failure{Code: "code", Message: "why", Step: "1"}
		f.wantSame("the run", f.get("a"), want)
		if n, next := f.due(at(100)); n != 0 || !next.IsZero() {
			f.broken("a stuck run is due: moved %d, next %v", n, next)
		}
	}},
	{"Finish takes only an end or stuck", func(f *fixture) {
		r := f.running("a")
		for _, s := range []store.Status{0, store.Queued, store.Delayed, store.Running, store.Waiting, 9} {
			f.untouched("a", func() {
				if _, err := f.s.Finish(f.Context(), r.Claim(), store.Outcome{Status: s, At: at(9)}); err == nil {
					f.broken("finished as %s", s)
				}
			})
		}
		f.finish(r.Claim(), store.Succeeded)
	}},
	{"a run asked to stop ends cancelled, or failed at its deadline, whatever the outcome says", func(f *fixture) {
		causes := map[store.StopCause]struct {
			status store.Status
			code   string
		}{store.StopCancel: {store.Cancelled, store.CodeCancelled}, store.StopDeadline: {store.Failed, store.CodeDeadline}}
		for cause, want := range causes {
			for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
				id := want.code + s.String()
				r := f.running(id)
				f.stop(id, cause)
				if got := f.finish(r.Claim(), s); got != want.status {
					f.broken("%s: finished as %s, want %s", id, got, want.status)
				}
				got := f.wantStatus(id, want.status)
				if got.Error == nil || got.Error.Code != want.code || got.Error.Message == "" || got.Output != nil || got.Stop != cause {
					f.broken("%s: %+v, error %+v", id, got, got.Error)
				}
			}
		}
	}},
	{"a run asked to stop can still be parked as stuck", func(f *fixture) {
		r := f.running("a")
		f.stop("a", store.StopCancel)
		if got := f.finish(r.Claim(), store.Stuck); got != store.Stuck {
			f.broken("finished as %s", got)
		}
		if r := f.wantStatus("a", store.Stuck); r.Error == nil || r.Error.Code != "code" {
			f.broken("error %+v", r.Error)
		}
	}},
}
