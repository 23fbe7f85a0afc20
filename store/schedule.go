package store

import (
	"context"
	"time"
)

// Schedules keeps what is known of schedules: how far each has come. What a
// schedule means is the program's: the store computes no moments.
type Schedules interface {
	// Schedules returns all, by name.
	Schedules(ctx context.Context) ([]Schedule, error)

	// Advance stores s and creates runs, in one write: neither is there without
	// the other. s.Rev must be that of the stored schedule, zero when there is
	// none of its name; else it is ErrConflict, and nothing is written. So of
	// those who saw the same tick one gets it, and a repeated call is refused.
	// A run whose id exists stays as it is, and gets none of its messages. When
	// another run holds the key of s.LastRun, that is the last run.
	Advance(ctx context.Context, s Schedule, runs []NewRun) (Advance, error)
}

// Advance is what became of a schedule.
type Advance struct {
	Schedule Schedule
	// Runs are those handed in, as they are stored; Created says which of them
	// were created now.
	Runs    []Run
	Created []bool
}

// Schedule is a schedule as stored. A zero time means none.
type Schedule struct {
	Name     string
	Workflow string
	// Spec and Zone are what Next was computed from.
	Spec, Zone string
	Paused     bool
	// Next is the next tick that was not dealt with; none: it has no ticks.
	Next time.Time
	// LastTick and LastRun are the newest tick that was run, and its run.
	LastTick time.Time
	LastRun  string
	// Started counts the runs created by [Schedules.Advance], which adds them.
	Started int64
	// Skipped counts the ticks left out because a run was still under way.
	Skipped int64
	// Rev counts the changes; set by the store.
	Rev int64
}
