package runtime_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// hold keeps the store's writer busy for as long as it is given.
func hold() *runtime.Workflow[time.Duration, int] {
	return runtime.Define("hold", func(ctx context.Context, d time.Duration) (int, error) {
		return runtime.Tx(ctx, "hold", func(context.Context, *sql.Tx) (int, error) {
			time.Sleep(d)
			return 0, nil
		})
	})
}

// TestRateWhileTheWriterIsHeldUp: time that a claim waited for the writer is none
// in which the rate rested.
func TestRateWhileTheWriterIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var began []time.Time
		q := runtime.NewQueue("q", runtime.QueueConfig{Rate: runtime.Rate{Limit: 1, Per: time.Second}})
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "begin", func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				began = append(began, time.Now())
				return 0, nil
			})
		})
		held := hold()
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, held, q)
		for range 4 {
			if _, err := w.Start(r.ctx, struct{}{}, runtime.OnQueue(q)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(500 * time.Millisecond)
		if _, err := held.Start(r.ctx, 3500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if len(began) != 4 {
			t.Fatalf("%d of 4 began", len(began))
		}
		for i, at := range began[1:] {
			if d := at.Sub(began[i]); d < time.Second {
				t.Errorf("run %d began %v after the one before it, at a rate of 1 a second", i+1, d)
			}
		}
	})
}

// TestHeartbeatWhileTheWriterIsHeldUp: a step that beats all the while is not
// silent because its beat waits for the store.
func TestHeartbeatWhileTheWriterIsHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "beats", func(ctx context.Context) (int, error) {
				attempts++
				for i := range 70 {
					if err := runtime.Heartbeat(ctx, i); err != nil {
						return 0, err
					}
					time.Sleep(100 * time.Millisecond)
				}
				return attempts, nil
			}, runtime.HeartbeatTimeout(2*time.Second), runtime.Retry{Max: 3, Initial: time.Second})
		})
		held := hold()
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, held)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond)
		if _, err := held.Start(r.ctx, 3500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if n, err := h.Result(r.ctx); n != 1 || err != nil {
			t.Errorf("it succeeded in attempt %d, %v; want 1", n, err)
		}
	})
}

// turns notes in which order ticks are noted and timers looked at.
type turns struct {
	store.Store
	mu  sync.Mutex
	got []byte
}

func (s *turns) note(what byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, what)
}

func (s *turns) Advance(ctx context.Context, want store.Schedule, runs []store.NewRun) (store.Advance, error) {
	s.note('t')
	return s.Store.Advance(ctx, want, runs)
}

func (s *turns) Due(ctx context.Context, now time.Time, limit int) (int, time.Time, error) {
	s.note('d')
	return s.Store.Due(ctx, now, limit)
}

// TestTimersWhileAScheduleCatchesUp: a schedule with a thousand ticks to catch up
// with holds back no run that sleeps.
func TestTimersWhileAScheduleCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &turns{Store: openStore(t)}
		q := runtime.NewQueue("q", runtime.QueueConfig{Paused: true})
		w := runtime.Define("w", func(context.Context, runtime.Tick) (int, error) { return 0, nil })
		secondly := runtime.Cron("secondly", "* * * * * *", w, runtime.Missed(runtime.MissedAll, 0), runtime.StartWith(runtime.OnQueue(q)))
		late := store.Schedule{Name: "secondly", Workflow: "w", Spec: "* * * * * *", Zone: "UTC", Next: time.Now().Add(-1000 * time.Second).UTC()}
		if _, err := s.Advance(t.Context(), late, nil); err != nil {
			t.Fatal(err)
		}
		serveOn(t, s, runtime.Config{Logger: quiet}, w, q, secondly)
		time.Sleep(10 * time.Second)
		s.mu.Lock()
		defer s.mu.Unlock()
		ticks := 0
		for i, what := range s.got[1:] {
			if what == 't' {
				ticks++
				if s.got[i] == 't' && i > 0 {
					t.Fatalf("write %d of ticks comes before the timers had a turn after the one before: %s", i, s.got)
				}
			}
		}
		if ticks < 5 {
			t.Fatalf("%d writes of ticks: too few to tell", ticks)
		}
	})
}
