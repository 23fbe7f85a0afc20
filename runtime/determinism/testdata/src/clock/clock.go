// Package clock asks for the time.
package clock

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var Report = runtime.Define("report", report)

func report(ctx context.Context, since time.Time) (time.Time, error) {
	began := time.Now()                // want `time.Now gives another time in each replay; use runtime.Now, which is recorded`
	_ = time.Since(began)              // want `time.Since gives another time`
	if time.Until(since) > time.Hour { // want `time.Until gives another time`
		time.Sleep(time.Minute) // want `time.Sleep waits again in each replay, and keeps the run in memory; use runtime.Sleep`
	}
	<-time.After(time.Second)       // want `time.After begins anew in each replay; use runtime.Sleep, in runtime.Go if others are to go on`
	t := time.NewTimer(time.Second) // want `time.NewTimer begins anew`
	defer t.Stop()
	clock := time.Now // want `time.Now gives another time`
	_ = clock()
	_, err := runtime.Step(ctx, "wait", func(context.Context) (string, error) {
		time.Sleep(time.Second)
		<-time.After(time.Second)
		return time.Now().String(), nil
	}, runtime.Retry{Max: 3, If: func(error) bool { return time.Now().Hour() > 3 }})
	if err != nil {
		return time.Time{}, err
	}
	if err := runtime.Sleep(ctx, time.Until(since)); err != nil { // want `time.Until gives another time`
		return time.Time{}, err
	}
	// The date in it is a value like any other.
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Hour)
	_ = day.Format(time.RFC3339)
	return runtime.Now(ctx)
}

var nightly = runtime.Cron("nightly", "0 3 * * *", runtime.Define("nightly", func(ctx context.Context, at time.Time) (int, error) {
	return time.Now().Hour() - at.Hour(), nil // want `time.Now gives another time`
}))

// Nobody but a person runs this.
func main() {
	println(time.Now().String())
	_ = nightly
}
