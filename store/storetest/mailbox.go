package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/stepwell/stepwell/store"
)

func message(id, topic, key, payload string) store.Message {
	return store.Message{RunID: id, Topic: topic, Key: key, Payload: []byte(payload), SentAt: at(4)}
}

func (f *fixture) send(m store.Message) bool {
	f.Helper()
	sent, err := f.s.Send(f.Context(), m)
	f.must(err)
	return sent
}

func receipt(path, topic string) store.Step {
	return store.Step{Path: path, Attempt: 1, Kind: store.KindReceive, Name: topic, Status: store.StepSucceeded, StartedAt: at(2), EndedAt: at(3)}
}

// take takes a message; "" stands for none.
func (f *fixture) take(c store.Claim, path, topic string) string {
	f.Helper()
	m, found, err := f.s.Take(f.Context(), c, topic, new(receipt(path, topic)))
	f.must(err)
	if !found {
		return ""
	}
	return string(m.Payload)
}

func (f *fixture) wantTaken(c store.Claim, path, topic, want string) {
	f.Helper()
	if got := f.take(c, path, topic); got != want {
		f.broken("took %q, want %q", got, want)
	}
}

var mailboxRules = []rule{
	{"messages of a topic are taken in the order of sending, each once", func(f *fixture) {
		r := f.running("a")
		for _, m := range []store.Message{message("a", "t", "", "1"), message("a", "u", "", "x"), message("a", "t", "k", "2"), message("a", "t", "", "3")} {
			if !f.send(m) {
				f.broken("%s was not sent", m.Payload)
			}
		}
		for i, want := range []string{"1", "2", "3", ""} {
			f.wantTaken(r.Claim(), fmt.Sprint(i), "t", want)
		}
		f.wantTaken(r.Claim(), "9", "u", "x")
	}},
	{"a taken message is the output of its step, and nothing is recorded when there is none", func(f *fixture) {
		r := f.running("a")
		f.wantTaken(r.Claim(), "0", "t", "")
		if steps := f.load(r.Seq); len(steps) != 0 {
			f.broken("recorded %+v", steps)
		}
		f.send(message("a", "t", "", "1"))
		f.wantTaken(r.Claim(), "0", "t", "1")
		want := receipt("0", "t")
		want.Output, want.Epoch = []byte("1"), 1
		steps := f.load(r.Seq)
		for i := range steps {
			steps[i].Pos = 0
		}
		f.wantSame("the history", steps, []store.Step{want})
	}},
	{"a message stays when its step is refused", func(f *fixture) {
		r := f.running("a")
		f.record(r.Claim(), "0")
		f.send(message("a", "t", "", "1"))
		f.untouched("a", func() {
			_, _, err := f.s.Take(f.Context(), r.Claim(), "t", new(receipt("0", "t")))
			f.wantErr("take under a step that exists", err, store.ErrConflict)
		})
		f.wantTaken(r.Claim(), "1", "t", "1")
	}},
	{"a stale claim takes nothing, message or not", func(f *fixture) {
		r := f.running("a")
		stale := r.Claim()
		stale.Epoch--
		for range 2 {
			_, _, err := f.s.Take(f.Context(), stale, "t", new(receipt("0", "t")))
			f.wantErr("take", err, store.ErrStale)
			f.send(message("a", "t", "", "1"))
		}
		f.wantTaken(r.Claim(), "0", "t", "1")
	}},
	{"the same key twice is one message, even once it was taken and the run has ended", func(f *fixture) {
		r := f.running("a")
		want := true
		again := func() {
			f.Helper()
			if sent := f.send(message("a", "t", "k", "1")); sent != want {
				f.broken("sent %v, want %v", sent, want)
			}
			want = false
		}
		again()
		again()
		if !f.send(message("a", "u", "k", "2")) {
			f.broken("a key of one topic counts in another")
		}
		f.wantTaken(r.Claim(), "0", "t", "1")
		again()
		f.wantTaken(r.Claim(), "1", "t", "")
		f.finish(r.Claim(), store.Succeeded)
		again()
	}},
	{"a message to no run is refused with ErrNotFound, to an ended one with ErrConflict", func(f *fixture) {
		_, err := f.s.Send(f.Context(), message("none", "t", "", "1"))
		f.wantErr("no run", err, store.ErrNotFound)
		for _, s := range []store.Status{store.Succeeded, store.Failed, store.Cancelled} {
			f.ended(s.String(), s)
			f.untouched(s.String(), func() {
				_, err := f.s.Send(f.Context(), message(s.String(), "t", "k", "1"))
				f.wantErr(s.String(), err, store.ErrConflict)
			})
		}
	}},
	{"a message queues a waiting run and signals a running one", func(f *fixture) {
		f.waiting("w", at(60))
		f.running("r")
		f.news.take()
		f.send(message("w", "t", "", "1"))
		f.send(message("r", "t", "", "1"))
		if r := f.wantStatus("w", store.Queued); r.Signals != 1 || !r.QueuedAt.Equal(at(4)) || !r.WakeAt.IsZero() {
			f.broken("run %+v", r)
		}
		if r := f.wantStatus("r", store.Running); r.Signals != 1 {
			f.broken("%d signals", r.Signals)
		}
		es := f.news.take()
		if !hasEvent(es, store.EventQueued, "w") || !hasEvent(es, store.EventSignalled, "r") {
			f.broken("news %+v", es)
		}
	}},
	{"a run that has not begun, or is stuck, keeps its messages", func(f *fixture) {
		f.create("queued")
		f.create("delayed", startAt(at(60)))
		f.finish(claimOf(f.running("stuck")), store.Stuck)
		for id, s := range map[string]store.Status{"queued": store.Queued, "delayed": store.Delayed, "stuck": store.Stuck} {
			f.send(message(id, "t", "", id))
			f.wantStatus(id, s)
			if m, found, err := f.s.Peek(f.Context(), f.get(id).Seq, "t"); err != nil || !found || string(m.Payload) != id {
				f.broken("%s holds %+v, %v, %v", id, m, found, err)
			}
		}
	}},
	{"messages come with the creation of a run, and go to the run that exists", func(f *fixture) {
		with := func(key, payload string) func(*store.NewRun) {
			return func(n *store.NewRun) {
				n.Messages = []store.NewMessage{{Topic: "t", Key: key, Payload: []byte(payload)}}
			}
		}
		r := f.running("a", with("k", "1"))
		for _, o := range []func(*store.NewRun){with("k", "1"), with("", "2"), with("l", "3")} {
			n := newRun("a")
			o(&n)
			if _, created, err := f.s.Create(f.Context(), n); err != nil || created {
				f.broken("created %v, %v", created, err)
			}
		}
		for i, want := range []string{"1", "2", "3", ""} {
			f.wantTaken(r.Claim(), fmt.Sprint(i), "t", want)
		}
		f.finish(r.Claim(), store.Succeeded)
		n := newRun("a")
		with("m", "4")(&n)
		f.untouched("a", func() {
			_, _, err := f.s.Create(f.Context(), n)
			f.wantErr("a message to a run that has ended", err, store.ErrConflict)
		})
	}},
	{"a look takes nothing", func(f *fixture) {
		r := f.running("a")
		if _, found, err := f.s.Peek(f.Context(), r.Seq, "t"); err != nil || found {
			f.broken("found %v, %v", found, err)
		}
		f.send(message("a", "t", "k", "1"))
		f.send(message("a", "t", "", "2"))
		for range 2 {
			m, found, err := f.s.Peek(f.Context(), r.Seq, "t")
			if err != nil || !found || string(m.Payload) != "1" || m.Key != "k" || !m.SentAt.Equal(at(4)) {
				f.broken("got %+v, %v, %v", m, found, err)
			}
		}
		f.wantTaken(r.Claim(), "0", "t", "1")
	}},
	{"a dismissed message is gone without a trace in the history, and an event is set with it", func(f *fixture) {
		r := f.running("a")
		f.send(message("a", "t", "k", "1"))
		m, _, err := f.s.Peek(f.Context(), r.Seq, "t")
		f.must(err)
		stale := r.Claim()
		stale.Epoch--
		f.wantErr("stale", f.s.Dismiss(f.Context(), stale, m, "e", store.EventValue{Value: []byte("no"), SetAt: at(5)}), store.ErrStale)
		for range 2 {
			f.must(f.s.Dismiss(f.Context(), r.Claim(), m, "e", store.EventValue{Value: []byte("no"), SetAt: at(5)}))
		}
		f.wantTaken(r.Claim(), "0", "t", "")
		if steps := f.load(r.Seq); len(steps) != 0 {
			f.broken("history %+v", steps)
		}
		f.wantEvent("a", "e", "no")
		if f.send(message("a", "t", "k", "1")) {
			f.broken("the key is forgotten")
		}
	}},
	{"of many takers of one message one gets it", func(f *fixture) {
		r := f.running("a")
		f.send(message("a", "t", "", "1"))
		var mu sync.Mutex
		n := 0
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				_, found, err := f.s.Take(context.Background(), r.Claim(), "t", new(receipt(fmt.Sprint(i), "t")))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					f.Errorf("take: %v", err)
				}
				if found {
					n++
				}
			})
		}
		wg.Wait()
		if n != 1 {
			f.broken("%d got it", n)
		}
	}},
}
