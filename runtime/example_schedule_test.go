package runtime_test

import (
	"context"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func ExampleCron() {
	report := runtime.Define("report", func(ctx context.Context, t runtime.Tick) (string, error) {
		return runtime.Step(ctx, "write", func(context.Context) (string, error) {
			return "report of " + t.Time.Format(time.DateOnly), nil
		})
	})
	nightly := runtime.Cron("nightly", "0 3 * * *", report, runtime.InZone("Europe/Berlin"),
		runtime.Overlap(runtime.OverlapQueue), runtime.Missed(runtime.MissedAll, 7*24*time.Hour), runtime.Jitter(10*time.Minute))

	withRuntime(func(ctx context.Context) {
		day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
		b, err := runtime.BackfillSchedule(ctx, "nightly", day(1), day(3))
		fmt.Println(b.Runs, err)
		for _, id := range b.Runs {
			h, _ := report.Handle(ctx, id)
			fmt.Println(h.Result(ctx))
		}
	}, nightly)
	// Output:
	// [nightly@2026-01-01T02:00:00Z nightly@2026-01-02T02:00:00Z] <nil>
	// report of 2026-01-01 <nil>
	// report of 2026-01-02 <nil>
}

func ExampleTriggerSchedule() {
	tidy := runtime.Define("tidy", func(context.Context, string) (string, error) { return "tidied", nil })
	weekly := runtime.Cron("weekly", "@weekly", tidy)

	withRuntime(func(ctx context.Context) {
		s, err := runtime.PauseSchedule(ctx, "weekly")
		fmt.Println(s.Paused, s.Next.IsZero(), err)
		run, err := runtime.TriggerSchedule(ctx, "weekly", runtime.ID("by-hand")) // even so
		fmt.Println(run.ID, err)
		h, _ := tidy.Handle(ctx, run.ID)
		fmt.Println(h.Result(ctx))
		s, err = runtime.ResumeSchedule(ctx, "weekly")
		fmt.Println(s.Paused, s.Next.Weekday(), s.LastRun, err)
	}, weekly)
	// Output:
	// true true <nil>
	// by-hand <nil>
	// tidied <nil>
	// false Sunday by-hand <nil>
}
