package runtime

import (
	"context"
	"time"
)

// Schedules is [Runtime.Schedules] with the runtime that ctx carries.
func Schedules(ctx context.Context) ([]ScheduleInfo, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return nil, err
	}
	return rt.Schedules(ctx)
}

// PauseSchedule is [Runtime.PauseSchedule] with the runtime that ctx carries.
func PauseSchedule(ctx context.Context, name string) (ScheduleInfo, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return ScheduleInfo{}, err
	}
	return rt.PauseSchedule(ctx, name)
}

// ResumeSchedule is [Runtime.ResumeSchedule] with the runtime that ctx carries.
func ResumeSchedule(ctx context.Context, name string) (ScheduleInfo, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return ScheduleInfo{}, err
	}
	return rt.ResumeSchedule(ctx, name)
}

// TriggerSchedule is [Runtime.TriggerSchedule] with the runtime that ctx
// carries.
func TriggerSchedule(ctx context.Context, name string, opts ...StartOption) (Run, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return Run{}, err
	}
	return rt.TriggerSchedule(ctx, name, opts...)
}

// BackfillSchedule is [Runtime.BackfillSchedule] with the runtime that ctx
// carries.
func BackfillSchedule(ctx context.Context, name string, from, until time.Time) (Backfill, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return Backfill{}, err
	}
	return rt.BackfillSchedule(ctx, name, from, until)
}
