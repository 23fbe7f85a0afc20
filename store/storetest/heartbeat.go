package storetest

import (
	"github.com/stepwell/stepwell/store"
)

var heartbeatRules = []rule{
	{"a heartbeat is stored with every field, in place of the step's last", func(f *fixture) {
		r, other := f.running("a"), f.running("b")
		f.wantNoBeat(r.Seq, "1")
		for i := range 3 {
			f.beat(r.Claim(), "1", i)
			f.beat(r.Claim(), "1.0", 10+i)
			f.beat(other.Claim(), "1", 20+i)
		}
		f.wantBeat(r.Seq, "1", 2)
		f.wantBeat(r.Seq, "1.0", 12)
		f.wantBeat(other.Seq, "1", 22)
		f.wantNoBeat(r.Seq, "2")
	}},
	{"a heartbeat changes nothing else", func(f *fixture) {
		r := f.running("a")
		before := f.s.Position()
		f.untouched("a", func() { f.beat(r.Claim(), "1", 1) })
		if f.s.Position() != before {
			f.broken("the position moved to %d", f.s.Position())
		}
	}},
	{"the final row of a step removes its heartbeat, a row that is not final keeps it", func(f *fixture) {
		r := f.running("a")
		f.beat(r.Claim(), "1", 1)
		f.beat(r.Claim(), "2", 2)
		retrying := aStep("1")
		retrying.Status = store.StepRetrying
		cut := aStep("2")
		cut.Status = store.StepCancelled
		f.must(f.s.Record(f.Context(), r.Claim(), &retrying))
		f.must(f.s.Record(f.Context(), r.Claim(), &cut))
		f.wantBeat(r.Seq, "1", 1)
		f.wantBeat(r.Seq, "2", 2)
		final := aStep("1")
		final.Attempt = 2
		f.must(f.s.Record(f.Context(), r.Claim(), &final))
		f.wantNoBeat(r.Seq, "1")
		f.wantBeat(r.Seq, "2", 2)
	}},
	{"a final row that is refused keeps the heartbeat", func(f *fixture) {
		r := f.running("a")
		f.record(r.Claim(), "1")
		f.beat(r.Claim(), "1", 1)
		f.wantErr("record again", f.s.Record(f.Context(), r.Claim(), new(aStep("1"))), store.ErrConflict)
		f.wantBeat(r.Seq, "1", 1)
	}},
	{"a heartbeat outlives the claim, and the end of the run removes it", func(f *fixture) {
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			r := f.running(s.String())
			f.beat(r.Claim(), "1", 1)
			f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(3)))
			f.wantBeat(r.Seq, "1", 1)
			f.wantErr("beat under the old claim", f.s.Beat(f.Context(), r.Claim(), aBeat("1", 2)), store.ErrStale)
			again := f.claim(1)[0]
			f.beat(again.Claim(), "1", 3)
			f.wantBeat(r.Seq, "1", 3)
			f.finish(again.Claim(), s)
			f.wantNoBeat(r.Seq, "1")
			f.wantErr("beat after the end", f.s.Beat(f.Context(), again.Claim(), aBeat("1", 4)), store.ErrStale)
			f.wantNoBeat(r.Seq, "1")
		}
	}},
	{"a stuck run keeps its heartbeats until it is stopped", func(f *fixture) {
		r := f.running("a")
		f.beat(r.Claim(), "1", 1)
		f.finish(r.Claim(), store.Stuck)
		f.wantBeat(r.Seq, "1", 1)
		f.stop("a", store.StopCancel)
		f.wantNoBeat(r.Seq, "1")
	}},
}

func aBeat(path string, n int) *store.Heartbeat {
	return &store.Heartbeat{Path: path, Attempt: n + 1, At: at(n), Details: []byte{byte(n), 0xff}}
}

func (f *fixture) beat(c store.Claim, path string, n int) {
	f.Helper()
	f.must(f.s.Beat(f.Context(), c, aBeat(path, n)))
}

func (f *fixture) wantBeat(seq int64, path string, n int) {
	f.Helper()
	h, ok, err := f.s.LastBeat(f.Context(), seq, path)
	f.must(err)
	if !ok {
		f.broken("step %s has no heartbeat", path)
	}
	f.wantSame("the heartbeat of "+path, h, *aBeat(path, n))
}

func (f *fixture) wantNoBeat(seq int64, path string) {
	f.Helper()
	h, ok, err := f.s.LastBeat(f.Context(), seq, path)
	f.must(err)
	if ok {
		f.broken("step %s has the heartbeat %+v", path, h)
	}
}
