package storetest

import (
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

var dueRules = []rule{
	{"delayed and waiting runs are queued when they are due, not earlier", func(f *fixture) {
		f.create("delayed", startAt(at(10)))
		f.waiting("waiting", at(20))
		steps := []struct {
			now  time.Time
			n    int
			next time.Time
		}{
			{at(10).Add(-time.Microsecond), 0, at(10)},
			{at(10), 1, at(20)},
			{at(10), 0, at(20)},
			{at(20), 1, time.Time{}},
			{at(99), 0, time.Time{}},
		}
		for _, s := range steps {
			if n, next := f.due(s.now); n != s.n || !next.Equal(s.next) {
				f.broken("at %v: moved %d, next %v; want %d, %v", s.now, n, next, s.n, s.next)
			}
		}
		for id, t := range map[string]time.Time{"delayed": at(10), "waiting": at(20)} {
			if r := f.wantStatus(id, store.Queued); !r.QueuedAt.Equal(t) || !r.WakeAt.IsZero() || r.Attempt != 1 {
				f.broken("%s: %+v", id, r)
			}
		}
		f.wantIDs("started runs", f.claim(9), "waiting")
		f.wantIDs("new runs", f.claim(9, ""), "delayed")
	}},
	{"a run at its deadline is stopped, whatever its state", func(f *fixture) {
		d := deadlineAt(at(10))
		f.create("queued", d)
		f.create("delayed", d, startAt(at(20)))
		f.running("running", d)
		f.waiting("waiting", at(20), d)
		f.waiting("event", time.Time{}, d)
		f.must(f.s.Release(f.Context(), []store.Claim{claimOf(f.running("released", d))}, at(1)))
		if n, next := f.due(at(10)); n != 6 || !next.IsZero() {
			f.broken("moved %d, next %v; want 6 and none", n, next)
		}
		for _, id := range []string{"queued", "delayed"} { // never started
			if r := f.wantStatus(id, store.Failed); r.Error == nil || r.Error.Code != store.CodeDeadline || !r.EndedAt.Equal(at(10)) {
				f.broken("%s: %+v", id, r)
			}
		}
		for id, s := range map[string]store.Status{"running": store.Running, "waiting": store.Queued, "event": store.Queued, "released": store.Queued} {
			if r := f.wantStatus(id, s); r.Stop != store.StopDeadline || r.Signals != 1 {
				f.broken("%s: %+v", id, r)
			}
		}
	}},
	{"a run that wakes before its deadline is still due at the deadline", func(f *fixture) {
		f.waiting("a", at(10), deadlineAt(at(20)))
		if n, next := f.due(at(10)); n != 1 || !next.Equal(at(20)) {
			f.broken("moved %d, next %v", n, next)
		}
		r := f.claim(1)[0]
		f.suspend(r.Claim(), at(30))
		if n, next := f.due(at(19)); n != 0 || !next.Equal(at(20)) {
			f.broken("moved %d, next %v", n, next)
		}
		f.due(at(20))
		if r := f.wantStatus("a", store.Queued); r.Stop != store.StopDeadline {
			f.broken("%+v", r)
		}
	}},
	{"a run that was asked to stop is past its deadline, and wakes from later waits as usual", func(f *fixture) {
		r := f.running("a", deadlineAt(at(20)))
		f.stop("a", store.StopCancel)
		f.must(f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(30), Signals: 1}))
		if n, next := f.due(at(25)); n != 0 || !next.Equal(at(30)) {
			f.broken("at the deadline: moved %d, next %v", n, next)
		}
		f.due(at(30))
		if r := f.wantStatus("a", store.Queued); r.Stop != store.StopCancel || r.Signals != 1 {
			f.broken("stopped a second time: %+v", r)
		}
	}},
	{"at most limit runs are moved, the earliest first, and the rest is due still", func(f *fixture) {
		for i := range 5 {
			f.create(fmt.Sprint(i), startAt(at(14-i)))
		}
		for want := 2; want >= 0; want-- {
			n, next, err := f.s.Due(f.Context(), at(50), 2)
			f.must(err)
			switch {
			case want > 0 && (n != 2 || !next.Equal(at(10+2*(3-want)))):
				f.broken("moved %d, next %v", n, next)
			case want == 0 && (n != 1 || !next.IsZero()):
				f.broken("moved %d, next %v", n, next)
			}
			if want == 2 {
				f.wantStatus("4", store.Queued)
				f.wantStatus("3", store.Queued)
				f.wantStatus("2", store.Delayed)
			}
		}
	}},
}

var recoverRules = []rule{
	{"runs left running are queued again, as a new attempt, with their history", func(f *fixture) {
		r := f.running("a", deadlineAt(at(50)))
		f.record(r.Claim(), "1")
		f.waiting("waiting", at(50))
		f.create("queued")
		if got := f.recover(5); got != (store.Recovery{Recovered: 1}) {
			f.broken("%+v", got)
		}
		want := r
		want.Status, want.Attempt, want.QueuedAt = store.Queued, 2, at(7)
		f.wantSame("the run", f.get("a"), want)
		f.wantStatus("waiting", store.Waiting)
		f.wantStatus("queued", store.Queued)
		f.wantIDs("claimed", f.claim(9), "a")
		if len(f.load(r.Seq)) != 1 {
			f.broken("the history is gone")
		}
		if _, next := f.due(at(8)); !next.Equal(at(50)) {
			f.broken("next due %v, want the deadline or the wake time", next)
		}
	}},
	{"recovering when nothing was left running does nothing", func(f *fixture) {
		f.create("a")
		f.untouched("a", func() {
			if got := f.recover(5); got != (store.Recovery{}) {
				f.broken("%+v", got)
			}
		})
	}},
	{"a run recovered more than maxRecoveries times in a row without a new row is parked as stuck", func(f *fixture) {
		r := f.running("a", deadlineAt(at(50)))
		f.record(r.Claim(), "1")
		for i := range 3 {
			if got := f.recover(3); got != (store.Recovery{Recovered: 1}) {
				f.broken("recovery %d: %+v", i+1, got)
			}
			f.wantIDs("claimed", f.claim(1), "a")
		}
		if got := f.recover(3); got != (store.Recovery{Parked: 1}) {
			f.broken("recovery 4: %+v", got)
		}
		if r := f.wantStatus("a", store.Stuck); r.Error == nil || r.Error.Code != store.CodeRecoveries || r.Attempt != 4 || !r.EndedAt.IsZero() {
			f.broken("%+v, error %+v", r, r.Error)
		}
		if n, next := f.due(at(99)); n != 0 || !next.IsZero() {
			f.broken("a parked run is due: moved %d, next %v", n, next)
		}
	}},
	{"a new row between two recoveries starts their count anew", func(f *fixture) {
		f.running("a")
		for i := range 6 {
			f.record(claimOf(f.get("a")), fmt.Sprint(i))
			for range 2 {
				if got := f.recover(2); got != (store.Recovery{Recovered: 1}) {
					f.broken("round %d: %+v", i, got)
				}
				f.claim(1)
			}
		}
	}},
	{"a resumed run has all its recoveries again", func(f *fixture) {
		f.running("a")
		f.recover(1)
		f.claim(1)
		f.recover(1)
		f.wantStatus("a", store.Stuck)
		_, err := f.s.Resume(f.Context(), "a", at(20))
		f.must(err)
		f.claim(1)
		if got := f.recover(1); got != (store.Recovery{Recovered: 1}) {
			f.broken("%+v", got)
		}
	}},
	{"a recovered run that was asked to stop is asked still", func(f *fixture) {
		f.running("a")
		f.stop("a", store.StopCancel)
		f.recover(5)
		if r := f.claim(1)[0]; r.Stop != store.StopCancel || r.Signals != 1 {
			f.broken("%+v", r)
		}
	}},
}
