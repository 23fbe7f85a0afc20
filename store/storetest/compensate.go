package storetest

import "github.com/stepwell/stepwell/store"

var compensateRules = []rule{
	{"an unstopped outcome is refused with ErrConflict once the run was asked to stop, and the claim is kept", func(f *fixture) {
		r := f.running("a")
		f.stop("a", store.StopCancel)
		o := store.Outcome{Status: store.Succeeded, At: at(9), Output: []byte("1"), Unstopped: true}
		f.untouched("a", func() {
			_, err := f.s.Finish(f.Context(), r.Claim(), o)
			f.wantErr("finish", err, store.ErrConflict)
		})
		f.record(r.Claim(), "1")
		if s := f.finish(r.Claim(), store.Succeeded); s != store.Cancelled {
			f.broken("it ended as %s", s)
		}
	}},
	{"an unstopped outcome ends a run that nobody asked to stop", func(f *fixture) {
		r := f.running("a")
		s, err := f.s.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: at(9), Unstopped: true})
		f.must(err)
		if s != store.Succeeded {
			f.broken("it ended as %s", s)
		}
		f.wantStatus("a", store.Succeeded)
	}},
	{"a final outcome stands, whatever the run was asked", func(f *fixture) {
		for _, cause := range []store.StopCause{store.StopNone, store.StopCancel, store.StopDeadline} {
			id := string(rune('a' + cause))
			r := f.running(id)
			if cause != store.StopNone {
				f.stop(id, cause)
			}
			why := &store.Failure{Code: "c", Message: "m"}
			s, err := f.s.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Failed, Error: why, At: at(9), Final: true})
			f.must(err)
			if s != store.Failed {
				f.broken("it ended as %s", s)
			}
			f.wantSame("the error", f.wantStatus(id, store.Failed).Error, why)
		}
	}},
	{"a fork has nothing of the other run's compensations", func(f *fixture) {
		r := f.running("a")
		f.record(r.Claim(), "0")
		for i, kind := range []store.Kind{store.KindReturn, store.KindCompensate} {
			row := aStep([]string{"1", "1.0"}[i])
			row.Kind = kind
			f.must(f.s.Record(f.Context(), r.Claim(), &row))
		}
		f.finish(r.Claim(), store.Failed)
		f.wantSame("paths", paths(f.load(f.fork("a", "1.0", "b").Seq)), []string{"0"})
		f.wantSame("paths", paths(f.load(f.fork("a", "", "c").Seq)), []string{"0"})
	}},
	{"a cancelled run that was compensated cannot be resumed, a stuck one can", func(f *fixture) {
		for _, status := range []store.Status{store.Cancelled, store.Stuck} {
			r := f.running(status.String())
			row := aStep("1")
			row.Kind, row.Status = store.KindReturn, store.StepFailed
			f.must(f.s.Record(f.Context(), r.Claim(), &row))
			f.finish(r.Claim(), status)
			_, err := f.s.Resume(f.Context(), r.ID, at(10))
			if status == store.Stuck {
				f.must(err)
			} else {
				f.wantErr("resume", err, store.ErrConflict)
				f.wantStatus(r.ID, status)
			}
		}
	}},
}
