package storetest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stepwell/stepwell/store"
)

func dedup(key string) func(*store.NewRun) { return func(n *store.NewRun) { n.Dedup = key } }

// debounce is a start at now with a key, to begin at a later moment, but no
// later than latest.
func debounce(key, input string, now, at, latest time.Time) func(*store.NewRun) {
	return func(n *store.NewRun) {
		n.CreatedAt, n.StartAt, n.Debounce, n.DebounceUntil, n.Input = now, at, key, latest, []byte(input)
	}
}

// joins starts a run and expects to be given another.
func (f *fixture) joins(id, other string, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	n := newRun(id)
	for _, o := range opts {
		o(&n)
	}
	r, created, err := f.s.Create(f.Context(), n)
	f.must(err)
	if created || r.ID != other {
		f.broken("start of %s: got run %s, created %v; want %s", id, r.ID, created, other)
	}
	f.wantSame("the run returned", r, f.get(other))
	_, err = f.s.Get(f.Context(), id)
	f.wantErr("the run that was not created", err, store.ErrNotFound)
	return r
}

func finishKeyed(f *fixture, r store.Run, s store.Status) {
	f.Helper()
	_, err := f.s.Finish(f.Context(), r.Claim(), store.Outcome{Status: s, Error: &store.Failure{Message: "why"}, At: at(9), HasKey: true})
	f.must(err)
}

var startKeyRules = []rule{
	{"while a run holds its key another start of the workflow gets that run", func(f *fixture) {
		r := f.create("a", dedup("k"))
		if r.StartKey != "k" || f.get("a").StartKey != "k" {
			f.broken("the run does not tell its key: %+v", r)
		}
		f.joins("b", "a", dedup("k"), func(n *store.NewRun) { n.Input = []byte(`"other"`) })
		f.create("c", dedup("other"))
		f.create("d", dedup("k"), func(n *store.NewRun) { n.Workflow = "another" })
		f.create("e")
		r = f.claim(1, "")[0]
		f.joins("b", "a", dedup("k"))
		f.suspend(r.Claim(), at(50))
		f.joins("b", "a", dedup("k"))
		if string(f.get("a").Input) != `"in"` {
			f.broken("the input became %s", f.get("a").Input)
		}
	}},
	{"the end of a run frees its key, whatever end it is, and no other's", func(f *fixture) {
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			r := f.create(s.String(), dedup("k"), claimed)
			f.joins("b", s.String(), dedup("k"))
			finishKeyed(f, r, s)
		}
		f.create("unstarted", dedup("k"))
		other := f.create("other", dedup("l"))
		f.stop("unstarted", store.StopCancel)
		f.create("late", dedup("k"), deadlineAt(at(3)))
		f.due(at(3))
		f.create("last", dedup("k"))
		f.joins("b", other.ID, dedup("l"))
	}},
	{"a stuck run keeps its key until it ends", func(f *fixture) {
		finishKeyed(f, f.create("a", dedup("k"), claimed), store.Stuck)
		f.joins("b", "a", dedup("k"))
		f.stop("a", store.StopCancel)
		f.create("b", dedup("k"))
	}},
	{"a resumed run does not take its key back", func(f *fixture) {
		finishKeyed(f, f.create("a", dedup("k"), claimed), store.Cancelled)
		f.create("b", dedup("k"))
		_, err := f.s.Resume(f.Context(), "a", at(9))
		f.must(err)
		f.joins("c", "b", dedup("k"))
	}},
	{"a start that is repeated under its id gets its run, whoever has the key", func(f *fixture) {
		finishKeyed(f, f.create("a", dedup("k"), claimed), store.Succeeded)
		f.create("b", dedup("k"))
		n := newRun("a")
		n.Dedup = "k"
		r, created, err := f.s.Create(f.Context(), n)
		f.must(err)
		if created || r.ID != "a" {
			f.broken("got %s, created %v", r.ID, created)
		}
	}},
	{"a start that is joined to a run sends it its messages, unless it asks to be refused", func(f *fixture) {
		r := f.create("a", dedup("k"))
		message := func(n *store.NewRun) { n.Messages = []store.NewMessage{{Topic: "t", Payload: []byte("1")}} }
		f.joins("b", "a", dedup("k"), message, func(n *store.NewRun) { n.DedupReject = true })
		if _, found, err := f.s.Peek(f.Context(), r.Seq, "t"); err != nil || found {
			f.broken("a refused start sent its message: %v", err)
		}
		n := newRun("b")
		dedup("k")(&n)
		message(&n)
		_, _, err := f.s.Create(f.Context(), n)
		f.must(err)
		if _, found, err := f.s.Peek(f.Context(), r.Seq, "t"); err != nil || !found {
			f.broken("the message is not there: %v", err)
		}
	}},
	{"starts with a key of debounce push a delayed run back and replace its input, up to a moment", func(f *fixture) {
		f.create("a", debounce("k", `1`, at(0), at(10), at(25)))
		f.news.take()
		f.joins("b", "a", debounce("k", `2`, at(5), at(15), at(30)))
		r := f.get("a")
		if !r.WakeAt.Equal(at(15)) || string(r.Input) != `2` || r.Status != store.Delayed {
			f.broken("after the second start: %+v", r)
		}
		if n, next := f.due(at(14)); n != 0 || !next.Equal(at(15)) {
			f.broken("%d due, next %v", n, next)
		}
		f.joins("b", "a", debounce("k", `3`, at(14), at(24), at(39)))
		f.joins("b", "a", debounce("k", `4`, at(23), at(33), at(48)))
		if r := f.get("a"); !r.WakeAt.Equal(at(25)) || string(r.Input) != `4` {
			f.broken("pushed back beyond the first start's moment: %+v", r)
		}
		f.joins("b", "a", debounce("k", `5`, at(23), at(24), time.Time{}))
		due := time.Time{}
		for _, e := range f.news.take() {
			if e.Kind == store.EventDue && (due.IsZero() || e.At.Before(due)) {
				due = e.At
			}
		}
		if due.IsZero() || due.After(at(24)) {
			f.broken("a start to come earlier was not announced: %v", due)
		}
		if n, _ := f.due(at(24)); n != 1 {
			f.broken("%d were due", n)
		}
		f.wantStatus("a", store.Queued)
		f.create("b", debounce("k", `6`, at(24), at(34), at(49)))
		f.claim(1, "")
		f.joins("c", "b", debounce("k", `7`, at(25), at(35), at(49)))
		finishKeyed(f, f.get("a"), store.Succeeded)
		f.joins("c", "b", debounce("k", `8`, at(26), at(36), at(49)))
	}},
	{"a debounced run that is stopped takes no more starts, and its deadline holds", func(f *fixture) {
		f.create("a", debounce("k", `1`, at(0), at(10), time.Time{}))
		f.stop("a", store.StopCancel)
		f.create("b", debounce("k", `1`, at(0), at(10), time.Time{}), deadlineAt(at(12)))
		f.joins("c", "b", debounce("k", `1`, at(5), at(15), time.Time{}))
		if _, next := f.due(at(11)); !next.Equal(at(12)) {
			f.broken("next due %v, want the deadline", next)
		}
	}},
	{"whatever becomes of runs, each key leads to the one that lives", func(f *fixture) {
		rnd := rand.New(rand.NewPCG(5, uint64(time.Now().UnixNano())))
		holder := map[string]string{} // by key
		for i := range 150 {
			key := fmt.Sprint("k", rnd.IntN(4))
			id, holds := holder[key], holder[key] != ""
			switch r := rnd.IntN(6); {
			case r < 2 && holds:
				f.joins("never", id, dedup(key))
			case r < 2:
				holder[key] = fmt.Sprint("r", i)
				opts := []func(*store.NewRun){dedup(key)}
				if rnd.IntN(2) == 0 {
					opts = append(opts, startAt(at(10000)))
				}
				f.create(holder[key], opts...)
			case !holds:
			case r == 2: // begins, and stays
				f.claim(1, "")
			case r == 3:
				f.stop(id, store.StopCancel)
				if f.get(id).Status.Ended() {
					delete(holder, key)
				}
			case f.get(id).Status == store.Running:
				s := []store.Status{store.Succeeded, store.Failed, store.Stuck}[rnd.IntN(3)]
				finishKeyed(f, f.get(id), s)
				if f.get(id).Status.Ended() {
					delete(holder, key)
				}
			}
		}
	}},
	{"a key of dedup is none of debounce, and a run has one of them", func(f *fixture) {
		f.create("a", dedup("k"))
		f.create("b", debounce("k", `1`, at(0), at(10), time.Time{}))
		f.joins("c", "a", dedup("k"))
		for what, opt := range map[string]func(*store.NewRun){
			"both":             func(n *store.NewRun) { n.Dedup, n.Debounce, n.StartAt = "k", "k", at(9) },
			"debounce at once": func(n *store.NewRun) { n.Debounce = "k" },
		} {
			n := newRun("d")
			opt(&n)
			if _, _, err := f.s.Create(f.Context(), n); err == nil {
				f.broken("%s: the run was created", what)
			}
		}
	}},
}
