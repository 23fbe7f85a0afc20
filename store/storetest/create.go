package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

var createRules = []rule{
	{"a created run is stored with every field it was given", func(f *fixture) {
		n := newRun("a")
		n.Queue, n.Priority, n.Labels = "q", -3, map[string]string{"k": "v", "": "empty", "ü": `"{`}
		n.ParentID, n.Deadline, n.Trace.ParentSpan = "parent", at(100), [8]byte{1, 2, 3}
		got, created, err := f.s.Create(f.Context(), n)
		f.must(err)
		want := store.Run{
			Seq: got.Seq, ID: "a", Workflow: "w", Status: store.Queued, Queue: "q", Priority: -3, Labels: n.Labels,
			Version: "v1", Input: n.Input, ParentID: "parent", CreatedAt: start, QueuedAt: start, Deadline: at(100),
			Attempt: 1, Trace: n.Trace,
		}
		if !created {
			f.broken("created is false for a new run")
		}
		f.wantSame("the run returned", got, want)
		f.wantSame("the run stored", f.get("a"), want)
	}},
	{"what Create returns is what Get returns", func(f *fixture) {
		for name, opt := range map[string]func(*store.NewRun){
			"plain":   func(*store.NewRun) {},
			"claimed": claimed, "delayed": startAt(at(9)), "late": startAt(at(-9)), "unsampled": unsampled,
			"no labels":   func(n *store.NewRun) { n.Labels = map[string]string{} },
			"no input":    func(n *store.NewRun) { n.Input = nil },
			"empty input": func(n *store.NewRun) { n.Input = []byte{} },
			"nanoseconds": func(n *store.NewRun) {
				n.CreatedAt, n.Deadline = n.CreatedAt.Add(7*time.Nanosecond), at(3).Add(time.Nanosecond)
				n.StartAt = at(2).Add(999 * time.Nanosecond)
			},
			"elsewhere": func(n *store.NewRun) { n.CreatedAt = n.CreatedAt.In(time.FixedZone("x", 3600)) },
		} {
			got := f.create(name, opt)
			f.wantSame(name, got, f.get(name))
		}
	}},
	{"creating an id again returns the run as it is now and writes nothing", func(f *fixture) {
		first := f.create("a", onQueue("q"))
		f.claim(1, "q")
		now := f.get("a")
		pos := f.s.Position()
		for range 3 {
			n := newRun("a")
			n.Workflow, n.Queue, n.Input, n.StartAt = "other", "other", []byte("other"), at(99)
			n.Labels = map[string]string{"k": "v"}
			got, created, err := f.s.Create(f.Context(), n)
			f.must(err)
			if created {
				f.broken("created is true for the second time")
			}
			f.wantSame("the run returned", got, now)
		}
		f.wantSame("the run stored", f.get("a"), now)
		if r := f.create("b"); r.Seq != first.Seq+1 {
			f.broken("the refused runs took numbers: %d after %d", r.Seq, first.Seq)
		}
		if f.s.Position() != pos {
			f.broken("the position moved")
		}
		runs, err := f.s.List(f.Context(), store.Filter{Labels: map[string]string{"k": "v"}})
		f.must(err)
		f.wantIDs("runs with the refused label", runs)
	}},
	{"runs are numbered in the order of their creation", func(f *fixture) {
		last := int64(0)
		for _, id := range []string{"c", "a", "b"} {
			r := f.create(id)
			if r.Seq <= last {
				f.broken("run %s has number %d after %d", id, r.Seq, last)
			}
			last = r.Seq
		}
	}},
	{"a run with a later start is delayed, one with an earlier start is queued", func(f *fixture) {
		r := f.create("later", startAt(at(10)))
		if r.Status != store.Delayed || !r.WakeAt.Equal(at(10)) || !r.QueuedAt.IsZero() {
			f.broken("later: %+v", r)
		}
		for id, t := range map[string]time.Time{"same": start, "before": at(-1), "none": {}} {
			r := f.create(id, startAt(t))
			if r.Status != store.Queued || !r.WakeAt.IsZero() || !r.QueuedAt.Equal(start) {
				f.broken("%s: %+v", id, r)
			}
		}
	}},
	{"a run can be created claimed, at epoch 1, by one write", func(f *fixture) {
		r := f.running("a")
		if r.Status != store.Running || r.Epoch != 1 || r.Executor != "exec" || !r.StartedAt.Equal(start) || !r.QueuedAt.IsZero() || !r.Fresh() {
			f.broken("%+v", r)
		}
		f.wantIDs("claimed by another", f.claim(10, ""))
		f.record(r.Claim(), "1")
		f.finish(r.Claim(), store.Succeeded)
	}},
	{"a run that lacks what is required, or is created claimed on a queue or with a delay, is refused", func(f *fixture) {
		for name, opt := range map[string]func(*store.NewRun){
			"no id":           func(n *store.NewRun) { n.ID = "" },
			"no workflow":     func(n *store.NewRun) { n.Workflow = "" },
			"no time":         func(n *store.NewRun) { n.CreatedAt = time.Time{} },
			"claimed, queue":  func(n *store.NewRun) { n.ClaimFor, n.Queue = "e", "q" },
			"claimed, delays": func(n *store.NewRun) { n.ClaimFor, n.StartAt = "e", at(5) },
		} {
			n := newRun("a")
			opt(&n)
			if _, _, err := f.s.Create(f.Context(), n); err == nil {
				f.broken("%s: accepted", name)
			}
		}
		runs, err := f.s.List(f.Context(), store.Filter{})
		f.must(err)
		f.wantIDs("runs left behind", runs)
	}},
	{"strange ids and payloads are stored as they are", func(f *fixture) {
		for _, id := range []string{" ", "'; DROP TABLE runs; --", "ü/\n%", string(make([]byte, 300)), "A", "a"} {
			r := f.create(id, func(n *store.NewRun) { n.Input = []byte(id + "\x00\xff") })
			f.wantSame("run "+id, f.get(id), r)
		}
	}},
}
