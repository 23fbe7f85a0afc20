package storetest

import (
	"context"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

func (w *watched) Advance(ctx context.Context, s store.Schedule, runs []store.NewRun) (store.Advance, error) {
	defer w.count()
	return w.Store.Advance(ctx, s, runs)
}

func aSchedule(name string) store.Schedule {
	return store.Schedule{Name: name, Workflow: "w", Spec: "@daily", Zone: "UTC", Next: at(100)}
}

// advance stores a schedule, with runs of these ids.
func (f *fixture) advance(s store.Schedule, ids ...string) store.Advance {
	f.Helper()
	var runs []store.NewRun
	for _, id := range ids {
		runs = append(runs, newRun(id))
	}
	a, err := f.s.Advance(f.Context(), s, runs)
	f.must(err)
	return a
}

func (f *fixture) schedules() []store.Schedule {
	f.Helper()
	all, err := f.s.Schedules(f.Context())
	f.must(err)
	return all
}

var scheduleRules = []rule{
	{"a store begins without schedules", func(f *fixture) {
		if all := f.schedules(); len(all) != 0 {
			f.broken("there are %d", len(all))
		}
	}},
	{"a schedule is stored whole and listed by name", func(f *fixture) {
		b := store.Schedule{
			Name: "b", Workflow: "w", Spec: "30 2 * * *", Zone: "Europe/Berlin", Paused: true, Next: at(200),
			LastTick: at(100), LastRun: "run", Started: 7, Skipped: 3,
		}
		f.advance(b)
		f.advance(aSchedule("a"))
		a := aSchedule("a")
		a.Rev, b.Rev = 1, 1
		if d := cmp.Diff([]store.Schedule{a, b}, f.schedules()); d != "" {
			f.broken("%s", d)
		}
	}},
	{"runs are created with the schedule, and counted", func(f *fixture) {
		got := f.advance(aSchedule("s"), "r1", "r2")
		if got.Schedule.Started != 2 || got.Schedule.Rev != 1 {
			f.broken("the schedule is %+v", got.Schedule)
		}
		f.wantIDs("answered", got.Runs, "r1", "r2")
		f.wantIDs("claimable", f.claim(9, ""), "r1", "r2")
		if d := cmp.Diff([]store.Schedule{got.Schedule}, f.schedules()); d != "" {
			f.broken("%s", d)
		}
	}},
	{"a schedule changed by another is left alone, and no run is created", func(f *fixture) {
		first := f.advance(aSchedule("s")).Schedule
		f.advance(first)
		for _, rev := range []int64{0, 1, 3} {
			first.Rev = rev
			_, err := f.s.Advance(f.Context(), first, []store.NewRun{newRun("r")})
			f.wantErr("advance", err, store.ErrConflict)
		}
		_, err := f.s.Get(f.Context(), "r")
		f.wantErr("get", err, store.ErrNotFound)
		if all := f.schedules(); len(all) != 1 || all[0].Rev != 2 {
			f.broken("schedules are %+v", all)
		}
	}},
	{"a run that exists stays as it is and is not counted", func(f *fixture) {
		was := f.ended("r1", store.Succeeded)
		got := f.advance(aSchedule("s"), "r1", "r2")
		if got.Schedule.Started != 1 || got.Created[0] || !got.Created[1] {
			f.broken("created %v, counted %d", got.Created, got.Schedule.Started)
		}
		if d := cmp.Diff(was, f.get("r1")); d != "" {
			f.broken("%s", d)
		}
	}},
	{"a run whose key another holds is that other, as the last run too", func(f *fixture) {
		keyed := func(id string) store.NewRun {
			n := newRun(id)
			n.Dedup = "k"
			return n
		}
		_, _, err := f.s.Create(f.Context(), keyed("holder"))
		f.must(err)
		s := aSchedule("s")
		s.LastRun = "r1"
		got, err := f.s.Advance(f.Context(), s, []store.NewRun{keyed("r1")})
		f.must(err)
		f.wantIDs("answered", got.Runs, "holder")
		if all := f.schedules(); got.Created[0] || got.Schedule.LastRun != "holder" || all[0].LastRun != "holder" {
			f.broken("created %v, last run %q, stored %+v", got.Created, got.Schedule.LastRun, all)
		}
	}},
	{"a run that cannot be created leaves nothing behind", func(f *fixture) {
		bad := newRun("bad")
		bad.Workflow = ""
		if _, err := f.s.Advance(f.Context(), aSchedule("s"), []store.NewRun{newRun("good"), bad}); err == nil {
			f.broken("it was taken")
		}
		_, err := f.s.Get(f.Context(), "good")
		f.wantErr("get", err, store.ErrNotFound)
		if all := f.schedules(); len(all) != 0 {
			f.broken("schedules are %+v", all)
		}
	}},
}
