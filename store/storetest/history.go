package storetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

var historyRules = []rule{
	{"a row of history is stored with every field it was given", func(f *fixture) {
		r := f.running("a")
		want := []store.Step{
			{Path: "1", Attempt: 1, Kind: store.KindStep, Name: "charge", Status: store.StepRetrying, StartedAt: at(1), EndedAt: at(2), WakeAt: at(3),
				Error: &store.Failure{Code: "c", Message: "m", Step: "1", Stack: "goroutine 1"}},
			{Path: "1", Attempt: 2, Kind: store.KindStep, Name: "charge", Status: store.StepSucceeded, StartedAt: at(3), EndedAt: at(4), Output: []byte("\x00\xff")},
			{Path: "2.0.1", Attempt: 0, Kind: store.KindSleep, Name: "", Status: store.StepWaiting, StartedAt: at(4), WakeAt: at(9)},
			{Path: "2.0.1", Attempt: 1, Kind: store.KindSleep, Status: store.StepSucceeded, StartedAt: at(4), EndedAt: at(9), Output: []byte{}},
			{Path: "3", Attempt: 1, Kind: store.KindChild, Name: "child", Status: store.StepCancelled, StartedAt: at(4).Add(time.Microsecond), ChildID: "child-1"},
		}
		for i, s := range want {
			f.must(f.s.Record(f.Context(), r.Claim(), &s))
			want[i].Pos, want[i].Epoch = int64(i+1), 1
		}
		f.wantSame("the history", f.load(r.Seq), want)
	}},
	{"Load returns a run's rows in commit order, and only its own", func(f *fixture) {
		a, b := f.running("a"), f.running("b")
		for i := range 12 {
			f.record(a.Claim(), fmt.Sprint(11-i))
			f.record(b.Claim(), fmt.Sprint(i))
		}
		last := int64(0)
		steps := f.load(a.Seq)
		for i, s := range steps {
			if s.Path != fmt.Sprint(11-i) || s.Pos <= last {
				f.broken("row %d is %s at %d after %d", i, s.Path, s.Pos, last)
			}
			last = s.Pos
		}
		if len(steps) != 12 {
			f.broken("%d rows, want 12", len(steps))
		}
	}},
	{"LoadSince returns all rows of the steps that have new ones, page by page", func(f *fixture) {
		r, other := f.running("a"), f.running("b")
		retry := func(path string, attempt int) {
			f.Helper()
			s := aStep(path)
			s.Attempt, s.Status = attempt, store.StepRetrying
			f.must(f.s.Record(f.Context(), r.Claim(), &s))
		}
		retry("0", 1)
		f.record(r.Claim(), "1")
		f.record(other.Claim(), "0")
		retry("2", 1)
		retry("0", 2)
		f.record(r.Claim(), "3")
		all := f.load(r.Seq)
		for after := range all[len(all)-1].Pos + 2 {
			for limit := 1; limit <= len(all)+1; limit++ {
				news, to := 0, after
				in := map[string]bool{}
				for _, s := range all {
					if s.Pos > after && news < limit {
						news, to, in[s.Path] = news+1, s.Pos, true
					}
				}
				var want []store.Step
				for _, s := range all {
					if in[s.Path] {
						want = append(want, s)
					}
				}
				got, gotTo, err := f.s.LoadSince(f.Context(), r.Seq, after, limit)
				f.must(err)
				f.wantSame(fmt.Sprintf("after %d, limit %d", after, limit), got, want)
				f.wantSame(fmt.Sprintf("the end after %d, limit %d", after, limit), gotTo, to)
			}
		}
		large := r
		for i := range 5 {
			s := aStep(fmt.Sprint(10 + i))
			s.Output = bytes.Repeat([]byte("1"), 1<<20)
			f.must(f.s.Record(f.Context(), large.Claim(), &s))
		}
		paths := []string{}
		for after, more := all[len(all)-1].Pos, true; more; {
			rows, to, err := f.s.LoadSince(f.Context(), large.Seq, after, 100)
			f.must(err)
			if len(rows) > 2 {
				f.broken("%d MB in one piece", len(rows))
			}
			for _, s := range rows {
				paths = append(paths, s.Path)
			}
			after, more = to, to > after
		}
		f.wantSame("large steps in pieces", paths, []string{"10", "11", "12", "13", "14"})
		rows, to, err := f.s.LoadSince(f.Context(), 99, 0, 10)
		f.must(err)
		if len(rows) > 0 || to != 0 {
			f.broken("no run: %d rows, to %d", len(rows), to)
		}
	}},
	{"Outline is Load, of one path or of all, but for the outputs that are too large: those have their size", func(f *fixture) {
		a, b := f.running("a"), f.running("b")
		for i, size := range []int{0, 9, 10, 11, 100_000} {
			s := aStep(fmt.Sprint(i))
			s.Output = bytes.Repeat([]byte("x"), size)
			f.must(f.s.Record(f.Context(), a.Claim(), &s))
		}
		f.record(b.Claim(), "1")
		want := f.load(a.Seq)
		want[3].Output, want[3].LeftOut = nil, 11
		want[4].Output, want[4].LeftOut = nil, 100_000
		got, err := f.s.Outline(f.Context(), a.Seq, "", 10)
		f.must(err)
		f.wantSame("the outline", got, want)
		got, err = f.s.Outline(f.Context(), a.Seq, "3", 11)
		f.must(err)
		f.wantSame("the outline of one path", got, f.load(a.Seq)[3:4])
		if got, err = f.s.Outline(f.Context(), a.Seq, "5", 10); err != nil || len(got) > 0 {
			f.broken("of a path that is not there: %v, %v", got, err)
		}
	}},
	{"a run without history, or no run, has an empty history", func(f *fixture) {
		r := f.running("a")
		if n := len(f.load(r.Seq)) + len(f.load(99)) + len(f.load(-1)); n != 0 {
			f.broken("%d rows", n)
		}
	}},
	{"the same path and attempt twice is ErrConflict and leaves the first", func(f *fixture) {
		r := f.running("a")
		f.record(r.Claim(), "1")
		f.untouched("a", func() {
			s := aStep("1")
			s.Output, s.Name = []byte("other"), "other"
			f.wantErr("record again", f.s.Record(f.Context(), r.Claim(), &s), store.ErrConflict)
		})
		f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(3)))
		again := f.claim(1)[0]
		f.wantErr("record under the next claim", f.s.Record(f.Context(), again.Claim(), new(aStep("1"))), store.ErrConflict)
		f.record(again.Claim(), "2")
		if s := f.load(r.Seq); len(s) != 2 || s[0].Epoch != 1 || s[1].Epoch != 2 {
			f.broken("history %+v", s)
		}
	}},
	{"positions grow with each row and each end, and Position is that of the newest", func(f *fixture) {
		r, q := f.running("a"), f.running("b")
		last := f.s.Position()
		grew := func(what string) {
			f.Helper()
			if p := f.s.Position(); p <= last {
				f.broken("%s: position %d after %d", what, p, last)
			} else {
				last = p
			}
		}
		f.record(r.Claim(), "1")
		grew("record")
		f.finish(r.Claim(), store.Succeeded)
		grew("finish")
		f.record(q.Claim(), "1")
		grew("record of another run")
		if s := f.load(q.Seq); s[0].Pos != last {
			f.broken("the newest row is at %d, Position says %d", s[0].Pos, last)
		}
	}},
	{"a large output is stored whole", func(f *fixture) {
		r := f.running("a")
		s := aStep("1")
		s.Output = make([]byte, 3<<20)
		for i := range s.Output {
			s.Output[i] = byte(i * i >> 7)
		}
		f.must(f.s.Record(f.Context(), r.Claim(), &s))
		if got := f.load(r.Seq)[0].Output; string(got) != string(s.Output) {
			f.broken("%d bytes came back different", len(got))
		}
	}},
}
