package storetest

import (
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

var expireRules = []rule{
	{"runs of the status that ended before the moment go, earliest first, and no others", func(f *fixture) {
		for i, s := range []store.Status{store.Succeeded, store.Failed, store.Succeeded, store.Succeeded, store.Succeeded} {
			f.endedAt(fmt.Sprint("r", i), s, at(100-i))
		}
		f.running("live")
		f.waiting("asleep", at(500))
		f.finish(claimOf(f.running("stuck")), store.Stuck)
		e := store.Expiry{Status: store.Succeeded, Before: at(100), Limit: 2}
		f.wantSame("the first call", f.expire(e), store.Expired{Deleted: 2, More: true, Last: at(97)})
		f.wantSame("the second call", f.expire(e), store.Expired{Deleted: 1, Last: at(98), Next: at(100)})
		f.wantSame("the third call", f.expire(e), store.Expired{Next: at(100)})
		runs, err := f.s.List(f.Context(), store.Filter{})
		f.must(err)
		f.wantIDs("left", runs, "stuck", "asleep", "live", "r1", "r0")
	}},
	{"what came before From is not looked at", func(f *fixture) {
		for i := range 3 {
			f.endedAt(fmt.Sprint(i), store.Failed, at(10+i))
		}
		got := f.expire(store.Expiry{Status: store.Failed, From: at(11), Before: at(12), Limit: 9})
		f.wantSame("the call", got, store.Expired{Deleted: 1, Last: at(11), Held: true, Next: at(12)})
		f.get("0")
	}},
	{"a child is held while its parent lives, and those after it are not", func(f *fixture) {
		p := f.running("parent")
		childOf := func(n *store.NewRun) { n.ParentID = "parent" }
		f.finishChild(f.running("child", childOf))
		f.endedAt("after", store.Succeeded, at(10))
		e := store.Expiry{Status: store.Succeeded, Before: at(20), Limit: 1}
		f.wantSame("while it lives", f.expire(e), store.Expired{Deleted: 1, Last: at(10), Held: true})
		f.finish(p.Claim(), store.Failed)
		f.wantSame("after its end", f.expire(e), store.Expired{Deleted: 1, Last: at(9)})
	}},
	{"a sampled run is held until its spans were sent, when that is asked for", func(f *fixture) {
		f.endedAt("plain", store.Succeeded, at(10), unsampled)
		f.endedAt("first", store.Succeeded, at(11))
		pos := f.s.Position()
		f.endedAt("second", store.Succeeded, at(12))
		e := store.Expiry{Status: store.Succeeded, Before: at(20), Limit: 9, Sent: true}
		f.wantSame("nothing was sent", f.expire(e), store.Expired{Deleted: 1, Last: at(10), Held: true})
		f.must(f.s.SetCursor(f.Context(), "spans", pos))
		f.wantSame("the first was sent", f.expire(e), store.Expired{Deleted: 1, Last: at(11), Held: true})
		e.Sent = false
		f.wantSame("without asking", f.expire(e), store.Expired{Deleted: 1, Last: at(12)})
	}},
	{"a run that was resumed has no end to count from", func(f *fixture) {
		f.endedAt("a", store.Cancelled, at(10))
		_, err := f.s.Resume(f.Context(), "a", at(11))
		f.must(err)
		f.wantSame("the call", f.expire(store.Expiry{Status: store.Cancelled, Before: at(20), Limit: 9}), store.Expired{})
		f.wantStatus("a", store.Queued)
	}},
	{"large runs go a few at a time", func(f *fixture) {
		for i := range 9 {
			_, err := f.s.Finish(f.Context(), claimOf(f.running(fmt.Sprint(i))), store.Outcome{Status: store.Succeeded, Output: make([]byte, 1<<20), At: at(9)})
			f.must(err)
		}
		e := store.Expiry{Status: store.Succeeded, Before: at(20), Limit: 100}
		if got := f.expire(e); got.Deleted < 1 || got.Deleted > 8 || !got.More {
			f.broken("%+v of 9 runs of 1 MiB each", got)
		}
		for f.expire(e).More {
		}
		f.wantSame("in the end", f.expire(e), store.Expired{})
	}},
	{"only an end can be expired", func(f *fixture) {
		for _, s := range []store.Status{0, store.Queued, store.Waiting, store.Stuck} {
			if _, err := f.s.Expire(f.Context(), store.Expiry{Status: s, Before: at(20), Limit: 1}); err == nil {
				f.broken("no error for %v", s)
			}
		}
	}},
	{"shrinking changes nothing that can be seen", func(f *fixture) {
		f.ended("a", store.Succeeded)
		f.untouched("a", func() {
			for more := true; more; {
				var err error
				more, err = f.s.Shrink(f.Context())
				f.must(err)
			}
		})
	}},
}

func (f *fixture) expire(e store.Expiry) store.Expired {
	f.Helper()
	res, err := f.s.Expire(f.Context(), e)
	f.must(err)
	return res
}

// endedAt creates a run that ended as s at a moment.
func (f *fixture) endedAt(id string, s store.Status, t time.Time, opts ...func(*store.NewRun)) {
	f.Helper()
	_, err := f.s.Finish(f.Context(), claimOf(f.running(id, opts...)), store.Outcome{Status: s, At: t})
	f.must(err)
}
