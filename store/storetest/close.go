package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/stepwell/stepwell/store"
)

var closeRules = []rule{
	{"after Close every call is refused with ErrClosed, and closing again is harmless", func(f *fixture) {
		r := f.running("a")
		s, ctx := f.s.Store, context.Background()
		for range 3 {
			f.must(s.Close())
		}
		calls := map[string]func() error{
			"Create": func() error { _, _, err := s.Create(ctx, newRun("b")); return err },
			"Claim": func() error {
				_, err := s.Claim(ctx, store.ClaimRequest{Executor: "e", Now: at(1), Limit: 1})
				return err
			},
			"Load":    func() error { _, err := s.Load(ctx, r.Seq); return err },
			"Outline": func() error { _, err := s.Outline(ctx, r.Seq, "", 1); return err },
			"Record":  func() error { return s.Record(ctx, r.Claim(), new(aStep("1"))) },
			"Suspend": func() error { return s.Suspend(ctx, r.Claim(), store.Suspension{}) },
			"Finish": func() error {
				_, err := s.Finish(ctx, r.Claim(), store.Outcome{Status: store.Succeeded, At: at(1)})
				return err
			},
			"Release":   func() error { return s.Release(ctx, []store.Claim{r.Claim()}, at(1)) },
			"Stop":      func() error { _, err := s.Stop(ctx, "a", store.StopCancel, at(1)); return err },
			"Resume":    func() error { _, err := s.Resume(ctx, "a", at(1)); return err },
			"Due":       func() error { _, _, err := s.Due(ctx, at(1), 1); return err },
			"Recover":   func() error { _, err := s.Recover(ctx, at(1), 1); return err },
			"Get":       func() error { _, err := s.Get(ctx, "a"); return err },
			"List":      func() error { _, err := s.List(ctx, store.Filter{}); return err },
			"Stats":     func() error { _, err := s.Stats(ctx); return err },
			"Spans":     func() error { _, err := s.Spans(ctx, 0, 1); return err },
			"Cursor":    func() error { _, _, err := s.Cursor(ctx, "c"); return err },
			"SetCursor": func() error { return s.SetCursor(ctx, "c", 1) },
			"Marks":     func() error { _, err := s.Marks(ctx); return err },
			"SetMark":   func() error { return s.SetMark(ctx, "m", nil) },
			"Beat":      func() error { return s.Beat(ctx, r.Claim(), aBeat("1", 1)) },
			"LastBeat":  func() error { _, _, err := s.LastBeat(ctx, r.Seq, "1"); return err },
			"Probe":     func() error { return s.Probe(ctx) },
		}
		for name, call := range calls {
			f.wantErr(name, call(), store.ErrClosed)
		}
		s.Health()
		s.Position()
	}},
	{"closing while many write answers each of them, with nil or ErrClosed", func(f *fixture) {
		const writers = 64
		s := f.s.Store
		var done atomic.Int64
		var wg sync.WaitGroup
		half := make(chan struct{})
		for w := range writers {
			wg.Go(func() {
				for i := 0; ; i++ {
					_, _, err := s.Create(context.Background(), newRun(fmt.Sprint(w, "-", i)))
					if errors.Is(err, store.ErrClosed) {
						return
					}
					if err != nil {
						f.Errorf("broken rule: %s\ncreate: %v", f.rule, err)
						return
					}
					if done.Add(1) == 5*writers {
						close(half)
					}
				}
			})
			wg.Go(func() {
				for {
					if _, err := s.List(context.Background(), store.Filter{Limit: 3}); err != nil {
						f.wantClosed("list", err)
						return
					}
				}
			})
		}
		<-half
		for range 3 {
			wg.Go(func() {
				if err := s.Close(); err != nil {
					f.Errorf("broken rule: %s\nclose: %v", f.rule, err)
				}
			})
		}
		wg.Wait()
	}},
	{"a cancelled context ends the wait, not the store", func(f *fixture) {
		ctx, cancel := context.WithCancelCause(f.Context())
		why := errors.New("why")
		cancel(why)
		for i := range 50 {
			_, _, err := f.s.Store.Create(ctx, newRun(fmt.Sprint(i)))
			if err != nil && !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
				f.broken("create: %v", err)
			}
			if _, err = f.s.Get(ctx, "none"); err == nil || (!errors.Is(err, store.ErrNotFound) && !errors.Is(err, why) && !errors.Is(err, context.Canceled)) {
				f.broken("get: %v", err)
			}
		}
		f.create("after")
		runs, err := f.s.List(f.Context(), store.Filter{})
		f.must(err)
		for i, r := range runs { // what was committed is whole
			if r.Status != store.Queued || (i > 0 && runs[i-1].Seq != r.Seq+1) {
				f.broken("run %d of the list is %+v", i, r)
			}
		}
	}},
}

func (f *fixture) wantClosed(what string, err error) {
	if !errors.Is(err, store.ErrClosed) {
		f.Errorf("broken rule: %s\n%s: %v", f.rule, what, err)
	}
}

var concurrencyRules = []rule{
	{"many create and many claim, and each run is had by one", func(f *fixture) {
		const makers, takers, runs = 8, 8, 60
		var had sync.Map
		var taken atomic.Int64
		var wg sync.WaitGroup
		for m := range makers {
			wg.Go(func() {
				for i := range runs {
					// Every id is created by two.
					if _, _, err := f.s.Store.Create(f.Context(), newRun(fmt.Sprint(m/2, "-", i))); err != nil {
						f.Errorf("create: %v", err)
					}
				}
			})
		}
		for tk := range takers {
			wg.Go(func() {
				for taken.Load() < makers/2*runs && !f.Failed() {
					rs, err := f.s.Store.Claim(f.Context(), store.ClaimRequest{Executor: fmt.Sprint(tk), Now: at(1), Limit: 3, Queues: []store.QueueLimit{{}}})
					if err != nil {
						f.Errorf("claim: %v", err)
					}
					for _, r := range rs {
						if other, twice := had.LoadOrStore(r.ID, tk); twice {
							f.Errorf("broken rule: %s\nrun %s was given to %v and to %d", f.rule, r.ID, other, tk)
						}
						taken.Add(1)
						if _, err := f.s.Store.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: at(2)}); err != nil {
							f.Errorf("finish: %v", err)
						}
					}
				}
			})
		}
		wg.Wait()
		if n := taken.Load(); n != makers/2*runs {
			f.broken("%d runs were claimed, %d created", n, makers/2*runs)
		}
		f.s.count()
	}},
	{"a concurrency limit holds while many claim", func(f *fixture) {
		const runs, limit = 60, 3
		for i := range runs {
			_, _, err := f.s.Store.Create(f.Context(), func() store.NewRun { n := newRun(fmt.Sprint(i)); n.Queue = "q"; return n }())
			f.must(err)
		}
		var held, done atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for done.Load() < runs && !f.Failed() {
					rs, err := f.s.Store.Claim(f.Context(), store.ClaimRequest{Executor: "e", Now: at(1), Limit: 2, Queues: []store.QueueLimit{{Name: "q", Concurrency: limit}}})
					if err != nil {
						f.Errorf("claim: %v", err)
					}
					if n := held.Add(int64(len(rs))); n > limit {
						f.Errorf("broken rule: %s\n%d runs are held", f.rule, n)
					}
					for _, r := range rs {
						held.Add(-1) // before the write: the place is free once it is committed
						if _, err := f.s.Store.Finish(f.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: at(2)}); err != nil {
							f.Errorf("finish: %v", err)
						}
						done.Add(1)
					}
				}
			})
		}
		wg.Wait()
		f.s.count()
	}},
	{"of many stale and one true claim only the true one writes", func(f *fixture) {
		r := f.running("a")
		claims := []store.Claim{r.Claim()}
		for i := range 4 {
			f.must(f.s.Release(f.Context(), claims[i:], at(i)))
			claims = append(claims, f.claim(1)[0].Claim())
		}
		var wg sync.WaitGroup
		for i, c := range claims {
			wg.Go(func() {
				for j := range 20 {
					err := f.s.Store.Record(f.Context(), c, new(aStep(fmt.Sprint(i, ".", j))))
					if last := i == len(claims)-1; last && err != nil || !last && !errors.Is(err, store.ErrStale) {
						f.Errorf("broken rule: %s\nclaim %d: %v", f.rule, i, err)
					}
				}
			})
		}
		wg.Wait()
		if n := len(f.load(r.Seq)); n != 20 {
			f.broken("%d rows, want 20", n)
		}
	}},
}
