package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// TestCrashOfASchedule kills the process at each of its writes, before and
// after that is committed, and starts another: each tick is run once.
func TestCrashOfASchedule(t *testing.T) {
	for _, overlap := range []runtime.OverlapPolicy{runtime.OverlapAllow, runtime.OverlapQueue} {
		for _, persisted := range []bool{false, true} {
			for at, more := 1, true; more; at++ {
				t.Run(fmt.Sprintf("%v/persisted=%t/at=%d", overlap, persisted, at), func(t *testing.T) {
					more = false // when it fails
					synctest.Test(t, func(t *testing.T) { more = crashSchedule(t, at, persisted, overlap) })
				})
			}
		}
	}
}

func crashSchedule(t *testing.T, at int, persisted bool, overlap runtime.OverlapPolicy) (crashed bool) {
	s, eff := openStore(t), &effects{}
	w := runtime.Define("report", func(ctx context.Context, tick runtime.Tick) (int, error) {
		if _, err := runtime.Step(ctx, "effect", func(context.Context) (int, error) { return eff.on(tick.Time.Format("15:04")), nil }); err != nil {
			return 0, err
		}
		return 0, runtime.Sleep(ctx, 90*time.Minute)
	})
	def := runtime.Cron("hourly", "@hourly", w, runtime.Overlap(overlap), runtime.Missed(runtime.MissedAll, 0))
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, def)
	over := time.NewTimer(2*time.Hour + 15*time.Minute)
	defer over.Stop()
	select {
	case <-over.C:
	case <-m.died:
		crashed = true
	}
	r.stop()
	before := eff.all()

	r = serveOn(t, s, runtime.Config{Logger: quiet}, def)
	time.Sleep(time.Until(bubbleStart.Add(4*time.Hour + 15*time.Minute)))
	synctest.Wait()
	runs, err := s.List(r.ctx, store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	want := 4
	if overlap == runtime.OverlapQueue {
		want = 3 // 01:00, 02:30, 04:00
	}
	if got := scheduleNamed(t, r, "hourly"); len(runs) < want-1 || len(runs) > want || got.Started != int64(len(runs)) {
		t.Errorf("%d runs, want %d: %+v", len(runs), want, got)
	}
	for i, run := range runs { // newest first
		if id := fmt.Sprintf("hourly@2000-01-01T%02d:00:00Z", len(runs)-i); run.ID != id {
			t.Errorf("run %d is %s, want %s", i, run.ID, id)
		}
	}
	again := 0
	for tick, n := range eff.all() {
		if n > 1 {
			again += n - 1
		}
		if n > 2 || n > 1 && before[tick] == 0 {
			t.Errorf("tick %s had its effect %d times", tick, n)
		}
	}
	if again > 1 {
		t.Errorf("%d effects came twice over one crash", again)
	}
	return crashed
}

// TestCrashWhileAScheduleIsChanged kills the process at each of its writes while
// a schedule is paused, triggered, backfilled and resumed; whoever repeats that
// with another has it done once.
func TestCrashWhileAScheduleIsChanged(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashChanging(t, at, persisted) })
			})
		}
	}
}

func crashChanging(t *testing.T, at int, persisted bool) (crashed bool) {
	const ticks = 250 // several writes
	w := runtime.Define("w", func(context.Context, string) (string, error) { return "", nil })
	def := runtime.Cron("hourly", "@hourly", w, runtime.StartWith(runtime.Delay(time.Hour)))
	change := func(r *served) error {
		if _, err := r.PauseSchedule(r.ctx, "hourly"); err != nil {
			return fmt.Errorf("pause: %w", err)
		}
		if _, err := r.TriggerSchedule(r.ctx, "hourly", runtime.ID("by-hand")); err != nil {
			return fmt.Errorf("trigger: %w", err)
		}
		b, err := r.BackfillSchedule(r.ctx, "hourly", bubbleStart.Add(-ticks*time.Hour), bubbleStart)
		if err != nil || len(b.Runs) != ticks {
			return fmt.Errorf("backfill: %d runs, %w", len(b.Runs), err)
		}
		if _, err := r.ResumeSchedule(r.ctx, "hourly"); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		return nil
	}
	s := openStore(t)
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, def)
	synctest.Wait()
	err := change(r)
	select {
	case <-m.died:
		crashed = true
	default:
	}
	if crashed == (err == nil) {
		t.Errorf("crashed: %t, but %v", crashed, err)
	}
	r.stop()

	r = serveOn(t, s, runtime.Config{Logger: quiet}, def)
	if err := change(r); err != nil {
		t.Fatal(err)
	}
	got := scheduleNamed(t, r, "hourly")
	if got.Paused || got.Started != ticks+1 || !got.Next.Equal(bubbleStart.Add(time.Hour)) {
		t.Errorf("schedule is %+v", got)
	}
	if n := r.Health().Store.Runs[store.Delayed]; n != ticks+1 {
		t.Errorf("%d runs, want %d", n, ticks+1)
	}
	return crashed
}
