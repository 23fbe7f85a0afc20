package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

var readRules = []rule{
	{"getting an unknown run is ErrNotFound", func(f *fixture) {
		f.create("a")
		for _, id := range []string{"none", "", "A", "a "} {
			_, err := f.s.Get(f.Context(), id)
			f.wantErr(fmt.Sprintf("get %q", id), err, store.ErrNotFound)
		}
	}},
	{"a read sees every write that was acknowledged before it", func(f *fixture) {
		for i := range 50 {
			id := fmt.Sprint(i)
			f.create(id)
			f.get(id)
		}
	}},
	{"List returns runs newest first", func(f *fixture) {
		for _, id := range []string{"b", "c", "a"} {
			f.create(id)
		}
		runs, err := f.s.List(f.Context(), store.Filter{})
		f.must(err)
		f.wantIDs("list", runs, "a", "c", "b")
		f.wantSame("the run listed", runs[0], f.get("a"))
	}},
	{"a bare list has all but inputs and outputs", func(f *fixture) {
		f.create("a", labelled, deadlineAt(at(50)))
		f.ended("b", store.Succeeded)
		f.ended("c", store.Failed)
		for _, filter := range []store.Filter{{}, {Statuses: []store.Status{store.Succeeded}}} {
			want, err := f.s.List(f.Context(), filter)
			f.must(err)
			for i := range want {
				if want[i].Input == nil {
					f.broken("run %s has no input", want[i].ID)
				}
				want[i].Input, want[i].Output = nil, nil
			}
			filter.Bare = true
			got, err := f.s.List(f.Context(), filter)
			f.must(err)
			f.wantSame("bare", got, want)
		}
	}},
	{"each field of a filter narrows the list, and all together", func(f *fixture) {
		label := func(kv ...string) func(*store.NewRun) {
			return func(n *store.NewRun) {
				n.Labels = map[string]string{}
				for i := 0; i < len(kv); i += 2 {
					n.Labels[kv[i]] = kv[i+1]
				}
			}
		}
		f.create("plain")
		f.create("queue", onQueue("q"), createdAt(at(1)))
		f.create("child", func(n *store.NewRun) { n.ParentID = "plain" }, createdAt(at(2)))
		f.create("other", func(n *store.NewRun) { n.Workflow, n.Version = "o", "v2" }, createdAt(at(3)))
		f.create("one", label("k", "v"), createdAt(at(4)))
		f.create("two", label("k", "v", "l", "w"), createdAt(at(5)))
		f.ended("failed", store.Failed)
		f.create("delayed", startAt(at(60)), createdAt(at(6)))
		q, none := "q", ""
		for name, c := range map[string]struct {
			filter store.Filter
			want   []string
		}{
			"named":       {store.Filter{IDs: []string{"two", "none", "plain", "two", `"'%`}}, []string{"two", "plain"}},
			"named, stat": {store.Filter{IDs: []string{"two", "failed"}, Statuses: []store.Status{store.Failed}}, []string{"failed"}},
			"status":      {store.Filter{Statuses: []store.Status{store.Failed}}, []string{"failed"}},
			"statuses":    {store.Filter{Statuses: []store.Status{store.Delayed, store.Failed, store.Failed}}, []string{"delayed", "failed"}},
			"no such":     {store.Filter{Statuses: []store.Status{store.Stuck}}, nil},
			"id":          {store.Filter{IDPrefix: "delayed"}, []string{"delayed"}},
			"ids":         {store.Filter{IDPrefix: "o"}, []string{"one", "other"}},
			"long id":     {store.Filter{IDPrefix: "delayed-and-more"}, nil},
			"not an id":   {store.Filter{IDPrefix: "%"}, nil},
			"workflow":    {store.Filter{Workflow: "o"}, []string{"other"}},
			"version":     {store.Filter{Version: "v2"}, []string{"other"}},
			"queue":       {store.Filter{Queue: &q}, []string{"queue"}},
			"no queue":    {store.Filter{Queue: &none, Until: at(3)}, []string{"failed", "child", "plain"}},
			"parent":      {store.Filter{ParentID: "plain"}, []string{"child"}},
			"label":       {store.Filter{Labels: map[string]string{"k": "v"}}, []string{"two", "one"}},
			"labels":      {store.Filter{Labels: map[string]string{"k": "v", "l": "w"}}, []string{"two"}},
			"wrong label": {store.Filter{Labels: map[string]string{"k": "w"}}, nil},
			"since":       {store.Filter{Since: at(5)}, []string{"delayed", "two"}},
			"until":       {store.Filter{Until: at(1), Statuses: []store.Status{store.Queued}}, []string{"plain"}},
			"between":     {store.Filter{Since: at(2), Until: at(4)}, []string{"other", "child"}},
			"all":         {store.Filter{Statuses: []store.Status{store.Queued}, Workflow: "w", Queue: &none, Labels: map[string]string{"k": "v"}, Since: at(1), Until: at(5), Before: 6}, []string{"one"}},
		} {
			runs, err := f.s.List(f.Context(), c.filter)
			f.must(err)
			f.wantIDs(name, runs, c.want...)
		}
	}},
	{"pages of a list join without gap or repetition while runs are added", func(f *fixture) {
		for i := range 25 {
			f.create(fmt.Sprint(i))
		}
		var got []string
		for before := int64(0); ; {
			runs, err := f.s.List(f.Context(), store.Filter{Limit: 4, Before: before})
			f.must(err)
			if len(runs) == 0 {
				break
			}
			got = append(got, ids(runs)...)
			before = runs[len(runs)-1].Seq
			f.create("new" + fmt.Sprint(before))
		}
		want := make([]string, 25)
		for i := range want {
			want[i] = fmt.Sprint(24 - i)
		}
		if !slices.Equal(got, want) {
			f.broken("pages hold %q", got)
		}
	}},
	{"a list holds 100 runs unless told otherwise, and never more than 1000", func(f *fixture) {
		for i := range 1001 {
			_, _, err := f.s.Store.Create(f.Context(), newRun(fmt.Sprint(i)))
			f.must(err)
		}
		for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 1000: 1000, 5000: 1000} {
			runs, err := f.s.List(f.Context(), store.Filter{Limit: limit})
			f.must(err)
			if len(runs) != want {
				f.broken("limit %d: %d runs, want %d", limit, len(runs), want)
			}
		}
	}},
	{"a cursor is unknown until it is set, and setting it is idempotent", func(f *fixture) {
		if _, found, err := f.s.Cursor(f.Context(), "c"); found || err != nil {
			f.broken("found %v, error %v", found, err)
		}
		for _, pos := range []int64{5, 5, 3, 0, 1 << 60} {
			f.must(f.s.SetCursor(f.Context(), "c", pos))
			if got, found, err := f.s.Cursor(f.Context(), "c"); got != pos || !found || err != nil {
				f.broken("got %d, %v, %v; want %d", got, found, err, pos)
			}
		}
		if _, found, _ := f.s.Cursor(f.Context(), "C"); found {
			f.broken("another name is found")
		}
	}},
	{"marks are those that were set, each with its last value", func(f *fixture) {
		want := map[string][]byte{}
		for _, m := range []struct{ name, value string }{{"", ""}, {"a", "\x00 1"}, {"b/é", "2"}, {"a", "3"}, {"a", "3"}} {
			got, err := f.s.Marks(f.Context())
			if f.must(err); len(got) != len(want) {
				f.broken("got %q, want %q", got, want)
			}
			f.must(f.s.SetMark(f.Context(), m.name, []byte(m.value)))
			want[m.name] = []byte(m.value)
			if got, err = f.s.Marks(f.Context()); err != nil || !maps.EqualFunc(got, want, bytes.Equal) {
				f.broken("got %q, %v; want %q", got, err, want)
			}
		}
	}},
}

var statsRules = []rule{
	{"queues count claimable runs as depth, with the oldest of them, and started ones as held", func(f *fixture) {
		for i := range 5 {
			f.create(fmt.Sprint("q", i), onQueue("q"))
		}
		f.create("late", onQueue("q"), startAt(at(50)))
		f.create("z", onQueue("z"))
		f.create("gone", onQueue("gone"))
		f.stop("gone", store.StopCancel)
		f.running("none")
		runs := f.claim(4, "q")
		f.suspend(runs[0].Claim(), at(60))
		f.must(f.s.Release(f.Context(), []store.Claim{runs[1].Claim()}, at(3)))
		f.finish(runs[2].Claim(), store.Succeeded)
		st, err := f.s.Stats(f.Context())
		f.must(err)
		slices.SortFunc(st.Queues, func(a, b store.QueueStats) int { return slices.Compare([]byte(a.Name), []byte(b.Name)) })
		f.wantSame("queues", st.Queues, []store.QueueStats{{Name: "", Held: 1}, {Name: "q", Depth: 1, Held: 3, Oldest: start}, {Name: "z", Depth: 1, Oldest: start}})
	}},
	{"the oldest claimable run and the next due moment are known", func(f *fixture) {
		want := func(queued, due time.Time) {
			f.Helper()
			st, err := f.s.Stats(f.Context())
			f.must(err)
			if !st.OldestQueued.Equal(queued) || !st.NextDue.Equal(due) {
				f.broken("oldest %v, next due %v; want %v, %v", st.OldestQueued, st.NextDue, queued, due)
			}
		}
		want(time.Time{}, time.Time{})
		f.create("a", createdAt(at(2)))
		want(at(2), time.Time{})
		f.create("b", createdAt(at(1)), onQueue("q"), deadlineAt(at(50)))
		want(at(1), at(50))
		f.claim(1, "q")
		want(at(2), at(50))
		f.claim(1, "")
		want(time.Time{}, at(50))
		f.create("c", startAt(at(40)))
		want(time.Time{}, at(40))
	}},
	{"health counts commits and writes, and a probe is one", func(f *fixture) {
		before := f.s.Health()
		if before.Err != nil || before.Fatal || before.Pending != 0 {
			f.broken("%+v", before)
		}
		f.must(f.s.Probe(f.Context()))
		after := f.s.Health()
		if after.Commits != before.Commits+1 || after.Writes != before.Writes+1 || after.LastCommit.IsZero() || !after.OldestWrite.IsZero() {
			f.broken("before %+v, after %+v", before, after)
		}
	}},
}
