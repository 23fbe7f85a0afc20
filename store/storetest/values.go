package storetest

import (
	"time"

	"github.com/stepwell/stepwell/store"
)

func (f *fixture) wantEvent(id, key, want string) {
	f.Helper()
	v, found, err := f.s.EventValue(f.Context(), id, key)
	f.must(err)
	if !found || string(v.Value) != want || v.SetAt.IsZero() {
		f.broken("event %s of %s is %q (set: %v), want %q", key, id, v.Value, found, want)
	}
}

func setting(path, key string) store.Step {
	return store.Step{Path: path, Attempt: 1, Kind: store.KindSetEvent, Name: key, Status: store.StepSucceeded, StartedAt: at(2), EndedAt: at(3)}
}

func (f *fixture) setEvent(c store.Claim, path, key, value string) {
	f.Helper()
	f.must(f.s.SetEvent(f.Context(), c, key, []byte(value), new(setting(path, key))))
}

func opening(path string) store.Step {
	return store.Step{Path: path, Kind: store.KindGetEvent, Name: "e", Status: store.StepWaiting, StartedAt: at(2)}
}

// watch has the run "w" wait for news of another.
func (f *fixture) watch(id, key string) {
	f.Helper()
	r := f.running("w")
	f.must(f.s.Watch(f.Context(), r.Claim(), id, key, new(opening("0"))))
	f.suspend(r.Claim(), time.Time{})
	f.news.take()
}

var valueRules = []rule{
	{"the last value of an event counts, and each is a row of history", func(f *fixture) {
		r := f.running("a")
		if _, found, err := f.s.EventValue(f.Context(), "a", "e"); err != nil || found {
			f.broken("found %v, %v", found, err)
		}
		f.setEvent(r.Claim(), "0", "e", "1")
		f.setEvent(r.Claim(), "1", "other", "x")
		f.setEvent(r.Claim(), "2", "e", "2")
		f.finish(r.Claim(), store.Succeeded)
		f.wantEvent("a", "e", "2")
		f.wantEvent("a", "other", "x")
		if steps := f.load(r.Seq); len(steps) != 3 || steps[2].Kind != store.KindSetEvent {
			f.broken("history %+v", steps)
		}
		if _, found, err := f.s.EventValue(f.Context(), "none", "e"); err != nil || found {
			f.broken("an event of no run: %v, %v", found, err)
		}
	}},
	{"an event is not set when its step is refused", func(f *fixture) {
		r := f.running("a")
		f.setEvent(r.Claim(), "0", "e", "1")
		stale := r.Claim()
		stale.Epoch--
		f.wantErr("stale", f.s.SetEvent(f.Context(), stale, "e", []byte("2"), new(setting("1", "e"))), store.ErrStale)
		f.wantErr("again", f.s.SetEvent(f.Context(), r.Claim(), "e", []byte("2"), new(setting("0", "e"))), store.ErrConflict)
		f.wantEvent("a", "e", "1")
	}},
	{"whoever watches an event is signalled when it is set, once", func(f *fixture) {
		a := f.running("a")
		f.watch("a", "e")
		f.setEvent(a.Claim(), "0", "other", "1")
		f.wantStatus("w", store.Waiting)
		f.setEvent(a.Claim(), "1", "e", "1")
		if r := f.wantStatus("w", store.Queued); r.Signals != 1 {
			f.broken("%d signals", r.Signals)
		}
		if es := f.news.take(); !hasEvent(es, store.EventQueued, "w") || !hasEvent(es, store.EventChanged, "a") {
			f.broken("news %+v", es)
		}
		f.setEvent(a.Claim(), "2", "e", "2")
		f.finish(a.Claim(), store.Succeeded)
		if r := f.get("w"); r.Signals != 1 {
			f.broken("signalled again: %d", r.Signals)
		}
	}},
	{"whoever watches a run is signalled when it ends, however it ends", func(f *fixture) {
		ends := map[string]func(store.Run){
			"finished": func(r store.Run) { f.finish(r.Claim(), store.Failed) },
			"child": func(r store.Run) {
				f.must(second(f.s.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: at(9), HasParent: true})))
			},
			"stuck": func(r store.Run) { f.finish(r.Claim(), store.Stuck); f.stop(r.ID, store.StopCancel) },
			"deadline": func(r store.Run) {
				f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(3)))
				f.due(at(99))
				f.finish(claimOf(f.claim(1)[0]), store.Succeeded)
			},
			"cancelled": func(r store.Run) { f.stop(r.ID, store.StopCancel); f.finish(r.Claim(), store.Succeeded) },
		}
		for name, end := range ends {
			a := f.running(name, deadlineAt(at(50)))
			w := f.running("watch " + name)
			for _, key := range []string{"", "e"} {
				f.must(f.s.Watch(f.Context(), w.Claim(), name, key, nil))
			}
			f.suspend(w.Claim(), time.Time{})
			end(a)
			if !f.get(name).Status.Ended() {
				f.broken("%s has not ended", name)
			}
			if r := f.wantStatus("watch "+name, store.Queued); r.Signals != 1 {
				f.broken("%s: %d signals", name, r.Signals)
			}
		}
	}},
	{"a run that is stuck has not ended for who watches it", func(f *fixture) {
		a := f.running("a")
		f.watch("a", "")
		f.finish(a.Claim(), store.Stuck)
		f.wantStatus("w", store.Waiting)
	}},
	{"a watch is part of the write of its step, and needs the claim", func(f *fixture) {
		a, w := f.running("a"), f.running("w")
		f.must(f.s.Watch(f.Context(), w.Claim(), "a", "e", new(opening("0"))))
		if steps := f.load(w.Seq); len(steps) != 1 || steps[0].Status != store.StepWaiting {
			f.broken("history %+v", steps)
		}
		stale := w.Claim()
		stale.Epoch--
		f.wantErr("stale", f.s.Watch(f.Context(), stale, "a", "e", nil), store.ErrStale)
		f.wantErr("again", f.s.Watch(f.Context(), w.Claim(), "a", "e", new(opening("0"))), store.ErrConflict)
		f.must(f.s.Watch(f.Context(), w.Claim(), "none", "e", nil))
		f.setEvent(a.Claim(), "0", "e", "1")
		if r := f.wantStatus("w", store.Running); r.Signals != 1 {
			f.broken("%d signals", r.Signals)
		}
	}},
	{"a run that has ended is not watched, and a watcher that has ended is not signalled", func(f *fixture) {
		a := f.running("a")
		f.ended("b", store.Cancelled)
		w := f.running("w")
		f.must(f.s.Watch(f.Context(), w.Claim(), "b", "e", nil))
		f.must(f.s.Watch(f.Context(), w.Claim(), "a", "e", nil))
		f.finish(w.Claim(), store.Succeeded)
		f.untouched("w", func() {
			f.must(second(f.s.Resume(f.Context(), "b", at(6))))
			f.finish(claimOf(f.claim(1)[0]), store.Succeeded)
			f.setEvent(a.Claim(), "0", "e", "1")
		})
	}},
}

// second is for a call whose first result does not matter.
func second[T any](_ T, err error) error { return err }
