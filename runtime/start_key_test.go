package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// hourly defines a workflow that takes an hour and returns its input.
func hourly(eff *effects) *runtime.Workflow[string, string] {
	return runtime.Define("hourly", func(ctx context.Context, in string) (string, error) {
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return "", err
		}
		return runtime.Step(ctx, "effect", func(context.Context) (string, error) { eff.on(in); return in, nil })
	})
}

// TestDedup: one run at a time, also while it is out of memory and over a
// restart; then the key is free.
func TestDedup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, eff := openStore(t), &effects{}
		w := hourly(eff)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		first, err := w.Start(r.ctx, "first", runtime.Dedup("k"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		second, err := w.Start(r.ctx, "second", runtime.Dedup("k"))
		if err != nil || second.ID() != first.ID() {
			t.Fatalf("the second start: %v, want the first run", err)
		}
		if _, err := w.Start(r.ctx, "third", runtime.Dedup("k", runtime.DedupReject)); !errors.Is(err, runtime.ErrExists) || !strings.Contains(fmt.Sprint(err), first.ID()) {
			t.Errorf("a start that asks to be refused: %v", err)
		}
		if got, err := second.Result(r.ctx); err != nil || got != "first" {
			t.Errorf("the result is %q, %v", got, err)
		}
		if got, err := w.Call(r.ctx, "fourth", runtime.Dedup("k", runtime.DedupReject)); err != nil || got != "fourth" {
			t.Errorf("after the end: %q, %v", got, err)
		}
		fifth, err := w.Start(r.ctx, "fifth", runtime.Dedup("k"))
		if err != nil {
			t.Fatal(err)
		}
		if err := runtime.Cancel(r.ctx, fifth.ID()); err != nil {
			t.Fatal(err)
		}
		fifth.Result(r.ctx)
		if got, err := w.Call(r.ctx, "sixth", runtime.Dedup("k")); err != nil || got != "sixth" {
			t.Errorf("after a cancel: %q, %v", got, err)
		}
	})
}

// TestDebounce: the last input counts, once it has been quiet, and at the
// latest after the time allowed.
func TestDebounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := runtime.Define("echo", func(_ context.Context, in int) (int, error) { return in, nil })
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		var hs []*runtime.Handle[int]
		begin := time.Now()
		for i := range 13 { // one every 4 s until 48 s
			h, err := w.Start(r.ctx, i, runtime.Debounce("k", 5*time.Second, 30*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
			if i == 3 {
				r.stop()
				r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
			}
			time.Sleep(4 * time.Second)
		}
		// The first begins at 30 s, with the start of 28 s; the second begins 5 s
		// after the last start.
		for i, want := range map[int]int{0: 7, 7: 7, 8: 12, 12: 12} {
			if got, err := r.Wait(r.ctx, hs[i].ID()); err != nil || string(got.Output) != fmt.Sprint(want) {
				t.Errorf("start %d gave %s, %v, want the input of start %d", i, got.Output, err, want)
			}
		}
		if hs[7].ID() != hs[0].ID() || hs[8].ID() == hs[0].ID() || hs[12].ID() != hs[8].ID() {
			t.Error("the starts did not make the two runs that they should")
		}
		for i, want := range map[int]time.Duration{0: 30 * time.Second, 8: 53 * time.Second} {
			if run, _ := r.Get(r.ctx, hs[i].ID()); run.StartedAt.Sub(begin) != want {
				t.Errorf("the run of start %d began after %v, want %v", i, run.StartedAt.Sub(begin), want)
			}
		}
	})
}

// TestCrashAtEveryWriteOfAKey: whatever write the process dies at, the key
// lets one run at a time through, and is free in the end.
func TestCrashAtEveryWriteOfAKey(t *testing.T) {
	for name, opt := range map[string]runtime.StartOption{
		"dedup": runtime.Dedup("k"), "debounce": runtime.Debounce("k", time.Second, time.Minute),
	} {
		for _, persisted := range []bool{false, true} {
			for at, more := 1, true; more; at++ {
				t.Run(fmt.Sprintf("%s/persisted=%t/at=%d", name, persisted, at), func(t *testing.T) {
					more = false // when it fails
					synctest.Test(t, func(t *testing.T) { more = crashOfKey(t, at, persisted, name, opt) })
				})
			}
		}
	}
}

func crashOfKey(t *testing.T, at int, persisted bool, name string, opt runtime.StartOption) (crashed bool) {
	s, eff := openStore(t), &effects{}
	w := hourly(eff)
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, w)
	ended := make(chan struct{})
	go func(ctx context.Context) {
		defer close(ended)
		if h, err := w.Start(ctx, "in", opt); err == nil {
			h.Result(ctx)
		}
	}(r.ctx)
	select {
	case <-ended:
		select {
		case <-m.died:
			crashed = true
		default:
		}
	case <-m.died:
		crashed = true
	}
	r.stop()
	<-ended
	before, err := s.List(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
	h, err := w.Start(r.ctx, "in", opt)
	if err != nil {
		t.Fatal(err)
	}
	if len(before) == 1 {
		old := before[0]
		holds := old.Status == store.Delayed || name == "dedup" && !old.Status.Ended()
		if same := h.ID() == old.ID; same != holds {
			t.Errorf("the first run is %s: the start got the same run: %v", old.Status, same)
		}
	}
	if got, err := h.Result(r.ctx); err != nil || got != "in" {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, old := range before {
		r.Wait(r.ctx, old.ID)
	}
	next, err := w.Start(r.ctx, "next", opt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := next.Result(r.ctx); err != nil || got != "next" {
		t.Errorf("after the end the key gave %q, %v", got, err)
	}
	return crashed
}

// TestAKeyedChildAfterACrash: a child that was started with a key is the same
// one in the replay, whoever has the key then.
func TestAKeyedChildAfterACrash(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) {
					s, eff := openStore(t), &effects{}
					child := hourly(eff)
					parent := runtime.Define("parent", func(ctx context.Context, _ int) (string, error) {
						a, err := child.Start(ctx, "a", runtime.Dedup("k", runtime.DedupReject))
						if err != nil {
							return "", err
						}
						if _, err := child.Start(ctx, "b", runtime.Dedup("k", runtime.DedupReject)); !errors.Is(err, runtime.ErrExists) {
							return "", fmt.Errorf("the second child: %w", err)
						}
						return a.Result(ctx)
					})
					m := newMortal(s, at, persisted)
					r := serveOn(t, m, runtime.Config{Logger: quiet}, parent, child)
					ended := make(chan struct{})
					go func(ctx context.Context) {
						defer close(ended)
						parent.Call(ctx, 1, runtime.ID("p"))
					}(r.ctx)
					select {
					case <-ended:
					case <-m.died:
						more = true
					}
					r.stop()
					<-ended
					r = serveOn(t, s, runtime.Config{Logger: quiet}, parent, child)
					if got, err := parent.Call(r.ctx, 1, runtime.ID("p")); err != nil || got != "a" {
						t.Errorf("got %q, %v", got, err)
					}
					if runs, _ := s.List(context.Background(), store.Filter{}); len(runs) != 2 {
						t.Errorf("%d runs, want the parent and one child", len(runs))
					}
				})
			})
		}
	}
}

func TestWhatKeysRefuse(t *testing.T) {
	w := once(func(ctx context.Context) (int, error) { return 0, nil })
	ctx := serve(t, runtime.Config{}, w)
	for want, opts := range map[string][]runtime.StartOption{
		`key ""`:                  {runtime.Dedup("")},
		`key "a b"`:               {runtime.Debounce("a b", 1, 0)},
		"policy":                  {runtime.Dedup("k", 7)},
		"0s of quiet":             {runtime.Debounce("k", 0, 0)},
		"2s of quiet within 1s":   {runtime.Debounce("k", 2*time.Second, time.Second)},
		"within -1s":              {runtime.Debounce("k", time.Second, -time.Second)},
		"dedup and debounce":      {runtime.Dedup("k"), runtime.Debounce("k", 1, 0)},
		"debounce and a delay":    {runtime.Debounce("k", 1, 0), runtime.Delay(1)},
		"only a run with a queue": {runtime.Partition("p")},
	} {
		if _, err := w.Start(ctx, struct{}{}, opts...); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one that says %q", err, want)
		}
	}
}
