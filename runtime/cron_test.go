package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// bubbleStart is when time begins in a synctest bubble.
var bubbleStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// tickLog is a workflow that notes for which ticks it ran.
type tickLog struct {
	mu    sync.Mutex
	ticks []string
	took  time.Duration
}

func (l *tickLog) workflow() *runtime.Workflow[runtime.Tick, string] {
	return runtime.Define("report", func(ctx context.Context, t runtime.Tick) (string, error) {
		at := t.Time.Format("02 15:04:05")
		_, err := runtime.Step(ctx, "report", func(context.Context) (int, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.ticks = append(l.ticks, at)
			return 0, nil
		})
		if err == nil && l.took > 0 {
			err = runtime.Sleep(ctx, l.took)
		}
		return at, err
	})
}

// want compares with the ticks noted, in any order, and forgets them.
func (l *tickLog) want(t *testing.T, ticks ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.ticks)
	if d := cmp.Diff(ticks, l.ticks); d != "" {
		t.Errorf("ticks that were run (-want +got):\n%s", d)
	}
	l.ticks = nil
}

// until sleeps until a time of day of the bubble's first day.
func until(clock string) {
	at, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	time.Sleep(time.Until(bubbleStart.Add(at.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)))))
}

func scheduleNamed(t *testing.T, r *served, name string) runtime.ScheduleInfo {
	t.Helper()
	all, err := r.Schedules(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no schedule %q in %v", name, all)
	return runtime.ScheduleInfo{}
}

func TestAScheduleRunsAtItsTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tickLog
		hourly := runtime.Cron("hourly", "0 * * * *", log.workflow())
		r := serveOn(t, openStore(t), runtime.Config{}, hourly)
		until("03:30:00")
		log.want(t, "01 01:00:00", "01 02:00:00", "01 03:00:00")
		run, err := r.Get(r.ctx, "hourly@2000-01-01T02:00:00Z")
		if err != nil || run.Status != store.Succeeded || run.CreatedAt.Sub(bubbleStart) > 2*time.Hour+time.Second {
			t.Errorf("run of the second tick: %+v, %v", run, err)
		}
		runs, err := r.List(r.ctx, runtime.Filter{Labels: map[string]string{"stepwell.schedule": "hourly"}})
		if err != nil || len(runs) != 3 {
			t.Errorf("%d runs have the label, want 3 (%v)", len(runs), err)
		}
		want := runtime.ScheduleInfo{
			Name: "hourly", Workflow: "report", Spec: "0 * * * *", Zone: "UTC", Defined: true, Next: bubbleStart.Add(4 * time.Hour),
			LastTick: bubbleStart.Add(3 * time.Hour), LastRun: "hourly@2000-01-01T03:00:00Z", Started: 3,
		}
		if d := cmp.Diff(want, scheduleNamed(t, r, "hourly")); d != "" {
			t.Error(d)
		}
		if next := r.NextDue(); !next.Equal(want.Next) {
			t.Errorf("the timer is set for %v, want %v", next, want.Next)
		}
		if st, err := r.Stats(r.ctx); err != nil || !st.NextDue.Equal(want.Next) {
			t.Errorf("stats say that something is due at %v, %v; want %v", st.NextDue, err, want.Next)
		}
	})
}

func TestAScheduleFollowsTheClocksOfItsZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := runtime.Define("nothing", func(context.Context, string) (string, error) { return "", nil })
		night := runtime.Cron("night", "30 2 * * *", w, runtime.InZone("Europe/Berlin"))
		r := serveOn(t, openStore(t), runtime.Config{}, night)
		time.Sleep(365 * 24 * time.Hour)
		synctest.Wait()
		if n := scheduleNamed(t, r, "night").Started; n != 365 {
			t.Errorf("%d runs in 365 days", n)
		}
		for _, tick := range []string{
			"2000-03-25T01:30:00Z", "2000-03-26T01:00:00Z", "2000-03-27T00:30:00Z", // the clock jumps to 03:00
			"2000-10-28T00:30:00Z", "2000-10-29T00:30:00Z", "2000-10-30T01:30:00Z", // 02:30 comes twice
		} {
			if _, err := r.Get(r.ctx, "night@"+tick); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestInputOfScheduledRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		echo := runtime.Define("echo", func(_ context.Context, in string) (string, error) { return "got " + in, nil })
		q := runtime.NewQueue("q", runtime.QueueConfig{})
		r := serveOn(t, openStore(t), runtime.Config{}, q,
			runtime.Cron("given", "@hourly", echo, runtime.Input("this"), runtime.StartWith(runtime.OnQueue(q), runtime.Labels(map[string]string{"a": "b"}))),
			runtime.Cron("none", "@hourly", echo))
		until("01:00:01")
		for id, want := range map[string]string{"given": `"got this"`, "none": `"got "`} {
			run, err := r.Get(r.ctx, id+"@2000-01-01T01:00:00Z")
			if err != nil || string(run.Output) != want {
				t.Errorf("%s: output %s, %v; want %s", id, run.Output, err, want)
			}
			if given := id == "given"; given != (run.Queue == "q") || given != (run.Labels["a"] == "b") || run.Labels["stepwell.schedule"] != id {
				t.Errorf("%s: queue %q, labels %v", id, run.Queue, run.Labels)
			}
		}
	})
}

func TestMissedTicks(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []runtime.CronOption
		want []string
	}{
		{"one, by default", nil, []string{"01 06:00:00"}},
		{"one, too old", []runtime.CronOption{runtime.Missed(runtime.MissedOne, 10*time.Minute)}, nil},
		{"skip", []runtime.CronOption{runtime.Missed(runtime.MissedSkip, 0)}, nil},
		{"all", []runtime.CronOption{runtime.Missed(runtime.MissedAll, 0)},
			[]string{"01 02:00:00", "01 03:00:00", "01 04:00:00", "01 05:00:00", "01 06:00:00"}},
		{"all within", []runtime.CronOption{runtime.Missed(runtime.MissedAll, 2*time.Hour)}, []string{"01 05:00:00", "01 06:00:00"}},
		{"all, one at a time", []runtime.CronOption{runtime.Missed(runtime.MissedAll, 0), runtime.Overlap(runtime.OverlapQueue)},
			[]string{"01 02:00:00", "01 03:00:00", "01 04:00:00", "01 05:00:00", "01 06:00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log tickLog
				s, hourly := openStore(t), runtime.Cron("hourly", "@hourly", log.workflow(), c.opts...)
				r := serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
				until("01:30:00")
				log.want(t, "01 01:00:00")
				r.stop()
				until("06:30:00")
				serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
				time.Sleep(time.Minute)
				log.want(t, c.want...)
				until("07:00:01") // and on it goes
				log.want(t, "01 07:00:00")
			})
		})
	}
}

// TestATickALittleLateIsOnTime, whatever is done about missed ones.
func TestATickALittleLateIsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tickLog
		s, hourly := openStore(t), runtime.Cron("hourly", "@hourly", log.workflow(), runtime.Missed(runtime.MissedSkip, 0))
		r := serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		synctest.Wait()
		r.stop()
		until("01:00:40")
		serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		time.Sleep(time.Second)
		log.want(t, "01 01:00:00")
	})
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []runtime.CronOption
		want []string // run by 05:30, each run taking 100 minutes
	}{
		{"allow", nil, []string{"01 01:00:00", "01 02:00:00", "01 03:00:00", "01 04:00:00", "01 05:00:00"}},
		{"skip", []runtime.CronOption{runtime.Overlap(runtime.OverlapSkip)}, []string{"01 01:00:00", "01 03:00:00", "01 05:00:00"}},
		// 01:00 ends at 02:40, 02:00 at 04:20, 04:00 is the newest of those that wait then.
		{"queue", []runtime.CronOption{runtime.Overlap(runtime.OverlapQueue)}, []string{"01 01:00:00", "01 02:00:00", "01 04:00:00"}},
		{"queue all", []runtime.CronOption{runtime.Overlap(runtime.OverlapQueue), runtime.Missed(runtime.MissedAll, 0)},
			[]string{"01 01:00:00", "01 02:00:00", "01 03:00:00"}},
		{"cancel", []runtime.CronOption{runtime.Overlap(runtime.OverlapCancel)},
			[]string{"01 01:00:00", "01 02:00:00", "01 03:00:00", "01 04:00:00", "01 05:00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := tickLog{took: 100 * time.Minute}
				r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, runtime.Cron("hourly", "@hourly", log.workflow(), c.opts...))
				until("05:30:00")
				log.want(t, c.want...)
				live, err := r.List(r.ctx, runtime.Filter{Statuses: []runtime.Status{store.Running, store.Waiting, store.Queued}})
				if most := map[bool]int{true: 2, false: 1}[c.name == "allow"]; err != nil || len(live) > most {
					t.Errorf("%d runs are under way, want at most %d", len(live), most)
				}
				if s := scheduleNamed(t, r, "hourly"); c.name == "skip" && s.Skipped != 2 {
					t.Errorf("skipped %d, want 2", s.Skipped)
				} else if c.name == "queue" && s.Behind != "hourly@2000-01-01T04:00:00Z" {
					t.Errorf("the next tick waits for %q", s.Behind)
				}
			})
		})
	}
}

// TestATickThatWaitsSurvivesARestart: who waited for the run before does so in
// the next process too.
func TestATickThatWaitsSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := tickLog{took: 100 * time.Minute}
		s, hourly := openStore(t), runtime.Cron("hourly", "@hourly", log.workflow(), runtime.Overlap(runtime.OverlapQueue))
		r := serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		until("02:10:00")
		r.stop()
		serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		until("02:35:00")
		log.want(t, "01 01:00:00")
		until("02:41:00")
		log.want(t, "01 02:00:00")
	})
}

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tickLog
		s, hourly := openStore(t), runtime.Cron("hourly", "@hourly", log.workflow())
		r := serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		until("01:30:00")
		if i, err := r.PauseSchedule(r.ctx, "hourly"); err != nil || !i.Paused || !i.Next.IsZero() {
			t.Fatalf("paused: %+v, %v", i, err)
		}
		until("02:30:00")
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet}, hourly)
		until("04:30:00")
		log.want(t, "01 01:00:00")
		if i, err := r.ResumeSchedule(r.ctx, "hourly"); err != nil || i.Paused || !i.Next.Equal(bubbleStart.Add(5*time.Hour)) {
			t.Fatalf("resumed: %+v, %v", i, err)
		}
		until("05:30:00")
		log.want(t, "01 05:00:00")
	})
}

func TestTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := tickLog{took: 2 * time.Hour}
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, runtime.Cron("hourly", "@hourly", log.workflow(), runtime.Overlap(runtime.OverlapSkip)))
		until("00:30:00")
		first, err := r.TriggerSchedule(r.ctx, "hourly", runtime.ID("mine"))
		if err != nil || first.ID != "mine" || first.Workflow != "report" {
			t.Fatalf("triggered %+v, %v", first, err)
		}
		if again, err := r.TriggerSchedule(r.ctx, "hourly", runtime.ID("mine")); err != nil || again.Seq != first.Seq {
			t.Errorf("the same id again: run %d, %v; want %d", again.Seq, err, first.Seq)
		}
		until("01:30:00") // the tick at one sees that it is under way
		log.want(t, "01 00:30:00")
		if i := scheduleNamed(t, r, "hourly"); i.LastRun != "mine" || i.Started != 1 || i.Skipped != 1 {
			t.Errorf("schedule is %+v", i)
		}
		other, err := r.TriggerSchedule(r.ctx, "hourly")
		if err != nil || other.ID == "mine" || !strings.HasPrefix(other.ID, "hourly@") {
			t.Errorf("without an id: %q, %v", other.ID, err)
		}
		if _, err := r.TriggerSchedule(r.ctx, "daily"); !errors.Is(err, runtime.ErrNotFound) || !strings.Contains(err.Error(), "known: hourly") {
			t.Errorf("unknown: %v", err)
		}
	})
}

func TestBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tickLog
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, runtime.Cron("hourly", "@hourly", log.workflow()))
		until("01:30:00")
		log.want(t, "01 01:00:00")
		from := bubbleStart.Add(-2 * time.Hour)
		for _, created := range []int{3, 0} {
			b, err := r.BackfillSchedule(r.ctx, "hourly", from, bubbleStart.Add(90*time.Minute))
			want := []string{"hourly@1999-12-31T22:00:00Z", "hourly@1999-12-31T23:00:00Z", "hourly@2000-01-01T00:00:00Z", "hourly@2000-01-01T01:00:00Z"}
			if d := cmp.Diff(runtime.Backfill{Runs: want, Created: created}, b); d != "" || err != nil {
				t.Errorf("%v %s", err, d)
			}
		}
		log.want(t, "01 00:00:00", "31 22:00:00", "31 23:00:00")
		if b, err := r.BackfillSchedule(r.ctx, "hourly", from.Add(-720*time.Hour), from); err != nil || b.Created != 720 {
			t.Errorf("created %d, %v; want 720", b.Created, err)
		}
		for name, c := range map[string]struct{ from, until time.Time }{
			"the first before":  {bubbleStart, bubbleStart},
			"no time":           {time.Time{}, bubbleStart},
			"in the future":     {bubbleStart, time.Now().Add(time.Second)},
			"more than 1000":    {bubbleStart.Add(-1001 * time.Hour), bubbleStart},
			"end before 1999-1": {bubbleStart.Add(-1001 * time.Hour), bubbleStart},
		} {
			if _, err := r.BackfillSchedule(r.ctx, "hourly", c.from, c.until); !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// TestADefinitionThatChanges: another expression counts from the start of the
// program that has it, and a schedule that is gone does nothing.
func TestADefinitionThatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tickLog
		s, w := openStore(t), log.workflow()
		r := serveOn(t, s, runtime.Config{Logger: quiet}, runtime.Cron("a", "@hourly", w))
		synctest.Wait()
		r.stop()
		until("01:30:00")
		r = serveOn(t, s, runtime.Config{Logger: quiet}, runtime.Cron("a", "45 * * * *", w))
		until("01:50:00")
		log.want(t, "01 01:45:00") // not the one missed of before
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		until("03:30:00")
		log.want(t)
		if i := scheduleNamed(t, r, "a"); i.Defined || !i.Next.IsZero() || i.Started != 1 {
			t.Errorf("gone, but %+v", i)
		}
		if _, err := r.TriggerSchedule(r.ctx, "a"); !errors.Is(err, runtime.ErrConflict) {
			t.Errorf("triggered: %v", err)
		}
		r.stop()
		serveOn(t, s, runtime.Config{Logger: quiet}, runtime.Cron("a", "45 * * * *", w))
		until("03:50:00")
		log.want(t, "01 03:45:00") // nor what came while it was gone
	})
}

func TestJitter(t *testing.T) {
	var delays [2][]time.Duration
	for i := range delays {
		synctest.Test(t, func(t *testing.T) {
			var log tickLog
			r := serveOn(t, openStore(t), runtime.Config{}, runtime.Cron("hourly", "@hourly", log.workflow(), runtime.Jitter(10*time.Minute)))
			until("20:30:00")
			log.want(t, func() (all []string) {
				for h := range 20 {
					all = append(all, fmt.Sprintf("01 %02d:00:00", h+1))
				}
				return all
			}()...)
			runs, err := r.List(r.ctx, runtime.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range runs {
				d := run.CreatedAt.Sub(run.CreatedAt.Truncate(time.Hour))
				delays[i] = append(delays[i], d)
				if d < 0 || d > 10*time.Minute+time.Millisecond {
					t.Errorf("%s was started %v late", run.ID, d)
				}
			}
		})
	}
	if slices.Max(delays[0])-slices.Min(delays[0]) < 5*time.Minute {
		t.Errorf("delays are not spread: %v", delays[0])
	}
	if d := cmp.Diff(delays[0], delays[1]); d != "" {
		t.Errorf("another process came to other delays: %s", d)
	}
}

func TestSchedulesThatAreRefused(t *testing.T) {
	w := runtime.Define("w", func(context.Context, string) (string, error) { return "", nil })
	other := runtime.Define("w", func(context.Context, string) (string, error) { return "", nil })
	q := runtime.NewQueue("q", runtime.QueueConfig{})
	for want, defs := range map[string][]runtime.Definition{
		"five cron fields":      {runtime.Cron("s", "often", w)},
		"IANA":                  {runtime.Cron("s", "@daily", w, runtime.InZone("Nowhere"))},
		"takes string":          {runtime.Cron("s", "@daily", w, runtime.Input(7))},
		"leave out ID":          {runtime.Cron("s", "@daily", w, runtime.StartWith(runtime.ID("x")))},
		"defined twice":         {runtime.Cron("s", "@daily", w), runtime.Cron("s", "@daily", w)},
		`workflow "w" is`:       {runtime.Cron("s", "@daily", w), other},
		`schedule "s" uses`:     {runtime.Cron("s", "@daily", w, runtime.StartWith(runtime.OnQueue(q)))},
		"jitter -1ns":           {runtime.Cron("s", "@daily", w, runtime.Jitter(-1))},
		"overlap policy 9":      {runtime.Cron("s", "@daily", w, runtime.Overlap(9))},
		"missed policy 0 withi": {runtime.Cron("s", "@daily", w, runtime.Missed(0, -1))},
	} {
		if _, err := runtime.New(openStore(t), runtime.Config{}, defs...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

// TestSchedulesThatAreDueAtOnceShareCommits, as at midnight.
func TestSchedulesThatAreDueAtOnceShareCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		var log tickLog
		w := log.workflow()
		q := runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1}) // so that runs add few commits
		defs := []runtime.Definition{q}
		for i := range n {
			defs = append(defs, runtime.Cron(fmt.Sprint("s", i), "@hourly", w, runtime.StartWith(runtime.OnQueue(q), runtime.Delay(time.Minute))))
		}
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, defs...)
		until("00:59:00")
		before := r.Health().Store.Commits
		until("01:00:01")
		h := r.Health().Store
		if h.Runs[store.Delayed] != n {
			t.Errorf("%d runs were started, want %d", h.Runs[store.Delayed], n)
		}
		if got := h.Commits - before; got > n/4 {
			t.Errorf("%d commits for %d runs", got, n)
		}
	})
}
