package storetest

import (
	"fmt"

	"github.com/stepwell/stepwell/store"
)

func pinned(version string) func(*store.NewRun) {
	return func(n *store.NewRun) { n.Version, n.Pinned = version, true }
}

// aside creates a run of a version, with a history of so many rows, that was
// set aside.
func (f *fixture) aside(id, version string, rows int, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	queue := f.create(id, append(opts, pinned(version))...).Queue
	r := f.claim(1, queue)[0]
	for i := range rows {
		f.record(r.Claim(), fmt.Sprint(i))
	}
	f.must(f.s.SetAside(f.Context(), r.Claim()))
	return f.get(id)
}

func (f *fixture) admit(version string) int {
	f.Helper()
	n, err := f.s.Admit(f.Context(), version, at(7), 100)
	f.must(err)
	return n
}

var versionRules = []rule{
	{"a pinned run that was set aside waits until its version is admitted", func(f *fixture) {
		f.aside("new", "v1", 0)
		f.aside("begun", "v1", 1)
		f.aside("other", "v2", 1)
		for _, id := range []string{"new", "begun", "other"} {
			if r := f.wantStatus(id, store.Waiting); !r.Pinned || !r.Aside {
				f.broken("%+v", r)
			}
		}
		f.wantIDs("claimable", f.claim(9, ""))
		if n, _ := f.due(at(1000)); n != 0 {
			f.broken("%d are due", n)
		}
		if n := f.admit("v3") + f.admit(""); n != 0 {
			f.broken("%d of versions that nobody has", n)
		}
		if n := f.admit("v1"); n != 2 {
			f.broken("%d admitted", n)
		}
		if n := f.admit("v1"); n != 0 {
			f.broken("%d admitted again", n)
		}
		f.wantIDs("claimable", f.claim(9, ""), "begun", "new") // what had begun comes first
		if r := f.get("begun"); !r.Pinned || r.Aside || !r.QueuedAt.Equal(at(7)) {
			f.broken("%+v", r)
		}
	}},
	{"a run that had not begun gives up its place in the queue, one that had keeps it", func(f *fixture) {
		for rows, want := range []int{1, 0} {
			q := fmt.Sprint("q", rows)
			r := f.aside(fmt.Sprint("aside", rows), "v1", rows, onQueue(q))
			if r.StartedAt.IsZero() != (rows == 0) {
				f.broken("%d rows: started at %v", rows, r.StartedAt)
			}
			f.create(fmt.Sprint("next", rows), onQueue(q))
			req := store.ClaimRequest{Executor: "exec", Now: at(2), Limit: 9, Queues: []store.QueueLimit{{Name: q, Concurrency: 1}}}
			runs, err := f.s.Claim(f.Context(), req)
			f.must(err)
			if len(runs) != want {
				f.broken("%d rows: %d claimed, want %d", rows, len(runs), want)
			}
		}
	}},
	{"Stats counts what was set aside by version", func(f *fixture) {
		f.aside("a", "v1", 0)
		f.aside("b", "v1", 1)
		f.aside("c", "v2", 1)
		f.create("d", pinned("v3"))
		stats, err := f.s.Stats(f.Context())
		f.must(err)
		f.wantSame("the counts", stats.Aside, map[string]int64{"v1": 2, "v2": 1})
	}},
	{"a run that was set aside can be stopped, and has its deadline", func(f *fixture) {
		f.aside("new", "v1", 0)
		f.aside("begun", "v1", 1)
		f.aside("late", "v1", 0, deadlineAt(at(50)))
		f.stop("new", store.StopCancel)
		f.wantStatus("new", store.Cancelled)
		f.stop("begun", store.StopCancel) // its code may want to see it: the executor decides
		r := f.claim(9)[0]
		f.wantErr("set aside", f.s.SetAside(f.Context(), r.Claim()), store.ErrConflict)
		if s := f.finish(r.Claim(), store.Failed); s != store.Cancelled {
			f.broken("it ended %s", s)
		}
		f.due(at(50))
		f.wantStatus("late", store.Failed)
	}},
	{"a stale claim sets nothing aside", func(f *fixture) {
		f.create("a", pinned("v1"))
		r := f.claim(1, "")[0]
		f.must(f.s.SetAside(f.Context(), r.Claim()))
		f.untouched("a", func() {
			f.wantErr("again", f.s.SetAside(f.Context(), r.Claim()), store.ErrStale)
		})
	}},
	{"a run gets another version, and is queued when it was set aside", func(f *fixture) {
		f.aside("aside", "v1", 1)
		f.create("queued", pinned("v1"))
		f.create("free")
		for _, id := range []string{"aside", "queued", "free"} {
			before := f.get(id)
			f.news.take()
			r, err := f.s.SetVersion(f.Context(), id, "v9", at(8))
			f.must(err)
			if !hasEvent(f.news.take(), store.EventChanged, id) {
				f.broken("no news of the version of %s", id)
			}
			if r.Version != "v9" || r.Aside || r.Pinned != before.Pinned || r.Status != store.Queued {
				f.broken("%+v", r)
			}
			f.wantSame("read again", f.get(id), r)
		}
		if n := f.admit("v1") + f.admit("v9"); n != 0 {
			f.broken("%d are still set aside", n)
		}
		_, err := f.s.SetVersion(f.Context(), "nope", "v9", at(8))
		f.wantErr("no run", err, store.ErrNotFound)
		f.ended("ended", store.Succeeded)
		f.untouched("ended", func() {
			_, err := f.s.SetVersion(f.Context(), "ended", "v9", at(8))
			f.wantErr("an ended run", err, store.ErrConflict)
		})
	}},
	{"a run that was set aside, and then executed after all, waits like any other", func(f *fixture) {
		f.aside("a", "v1", 1)
		f.admit("v1")
		r := f.claim(1)[0]
		f.suspend(r.Claim(), at(50))
		f.aside("b", "v1", 0)
		f.stop("b", store.StopCancel)
		_, err := f.s.Resume(f.Context(), "b", at(8))
		f.must(err)
		r = f.claim(1, "")[0]
		f.must(f.s.Suspend(f.Context(), r.Claim(), store.Suspension{WakeAt: at(50), Signals: r.Signals}))
		if a, b := f.get("a"), f.get("b"); a.Aside || b.Aside || !a.Pinned || !b.Pinned {
			f.broken("%+v and %+v", a, b)
		}
		if n := f.admit("v1"); n != 0 {
			f.broken("%d admitted", n)
		}
	}},
	{"Admit takes no more than its limit", func(f *fixture) {
		for i := range 5 {
			f.aside(fmt.Sprint(i), "v1", 0)
		}
		for _, want := range []int{2, 2, 1, 0} {
			n, err := f.s.Admit(f.Context(), "v1", at(7), 2)
			f.must(err)
			if n != want {
				f.broken("%d admitted, want %d", n, want)
			}
		}
	}},
}
