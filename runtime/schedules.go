package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/stepwell/stepwell/store"
)

// ScheduleInfo describes a schedule. A zero time means none.
type ScheduleInfo struct {
	Name, Workflow, Spec, Zone string
	// Defined: the program has it. One that it has no more does nothing, and
	// its policies are unknown.
	Defined bool
	Paused  bool
	// Next is the next tick; none while it is paused or not defined.
	Next time.Time
	// Behind is the run whose end the next tick waits for.
	Behind string
	// LastTick and LastRun are the newest tick that was run, and its run.
	LastTick time.Time
	LastRun  string
	// Started counts the runs it created, Skipped the ticks left out because
	// a run was under way.
	Started, Skipped int64
	Missed           MissedPolicy
	Within           time.Duration
	Overlap          OverlapPolicy
	Jitter           time.Duration
}

func (sc *scheduled) info() ScheduleInfo {
	i := ScheduleInfo{
		Name: sc.Name, Workflow: sc.Workflow, Spec: sc.Spec, Zone: sc.Zone, Defined: sc.def != nil, Paused: sc.Paused,
		Behind: sc.behind, LastTick: sc.LastTick, LastRun: sc.LastRun, Started: sc.Started, Skipped: sc.Skipped,
	}
	if d := sc.def; d != nil {
		i.Missed, i.Within, i.Overlap, i.Jitter = d.missed, d.within, d.overlap, d.jitter
		if !sc.Paused {
			i.Next = sc.Next
		}
	}
	return i
}

// Schedules describes all schedules by name: those the program defines, and
// those it once did.
func (rt *Runtime) Schedules(ctx context.Context) ([]ScheduleInfo, error) {
	s := rt.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx, now()); err != nil {
		return nil, err
	}
	infos := []ScheduleInfo{}
	for _, sc := range s.sorted() {
		infos = append(infos, sc.info())
	}
	return infos, nil
}

// PauseSchedule stops a schedule until it is resumed, by this or any later
// process. Runs under way go on. Pausing twice is harmless.
// Errors: [ErrNotFound].
func (rt *Runtime) PauseSchedule(ctx context.Context, name string) (ScheduleInfo, error) {
	return rt.changeSchedule(ctx, name, func(sc *scheduled, s *store.Schedule) { s.Paused = true })
}

// ResumeSchedule has a paused schedule go on with its next tick from now on.
// Those that came meanwhile are left out; see [Runtime.BackfillSchedule].
// Errors: [ErrNotFound].
func (rt *Runtime) ResumeSchedule(ctx context.Context, name string) (ScheduleInfo, error) {
	return rt.changeSchedule(ctx, name, func(sc *scheduled, s *store.Schedule) {
		if s.Paused && sc.def != nil {
			s.Next = sc.def.ticks.After(now())
		}
		s.Paused = false
	})
}

func (rt *Runtime) changeSchedule(ctx context.Context, name string, change func(*scheduled, *store.Schedule)) (ScheduleInfo, error) {
	s := rt.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.find(ctx, name, false)
	if err != nil {
		return ScheduleInfo{}, err
	}
	want := sc.Schedule
	if change(sc, &want); want != sc.Schedule {
		if err := s.store(ctx, sc, want); err != nil {
			s.refused(err)
			return ScheduleInfo{}, err
		}
		if sc.behind != "" {
			s.forget(sc.behind)
			sc.behind = ""
		}
	}
	if due := s.due(sc); !due.IsZero() {
		rt.timer.due(due)
	}
	return sc.info(), nil
}

// TriggerSchedule starts a run of a schedule now, whatever its policies and
// whether or not it is paused. It is the last run of the schedule from then on.
// Of the options [ID] makes the call repeatable; without it each call is a run
// of its own.
// Errors: [ErrNotFound]; [ErrConflict] when the program does not define it any
// more; [ErrInvalid], [ErrExists], [ErrDraining], [ErrOverloaded].
func (rt *Runtime) TriggerSchedule(ctx context.Context, name string, opts ...StartOption) (Run, error) {
	if rt.phase() >= phaseDraining {
		return Run{}, ErrDraining
	}
	s := rt.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.find(ctx, name, true)
	if err != nil {
		return Run{}, err
	}
	tick := now()
	n, err := sc.def.newRun(rt, name+"@"+uuid.Must(uuid.NewV7()).String(), tick, opts...)
	if err != nil {
		return Run{}, err
	}
	if len(opts) > 0 { // with an id, it may be a call repeated
		run, err := rt.store.Get(ctx, n.ID)
		if !errors.Is(err, ErrNotFound) {
			return sc.own(run, err)
		}
	}
	want := sc.Schedule
	want.LastTick, want.LastRun = tick, n.ID
	a, err := rt.store.Advance(context.WithoutCancel(ctx), want, []store.NewRun{n})
	if err != nil {
		s.refused(err)
		return Run{}, err
	}
	sc.Schedule = a.Schedule
	return sc.own(a.Runs[0], nil)
}

// own passes on a run of the schedule's workflow.
func (sc *scheduled) own(run Run, err error) (Run, error) {
	switch {
	case err != nil:
		return Run{}, err
	case run.Workflow != sc.Workflow:
		return Run{}, fmt.Errorf("%w: %s is a run of %s, not of %s", ErrExists, run.ID, run.Workflow, sc.Workflow)
	}
	return run, nil
}

// MaxBackfill bounds the ticks of one [Runtime.BackfillSchedule].
const MaxBackfill = 1000

// Backfill is what [Runtime.BackfillSchedule] did.
type Backfill struct {
	// Runs are the ids of the runs of the ticks, in order, whether they were
	// created now or had been before.
	Runs []string
	// Created is how many of them were created now.
	Created int
}

// BackfillSchedule starts the runs of the ticks from a moment, itself included,
// until another, which is not and may not be in the future. A tick that has its
// run keeps it, so the call can be repeated, after a crash in its midst too; one
// whose run was deleted gets another.
// The runs begin at once, beside one another, whatever the policies; give them
// a queue with a bound if that is too much. At most [MaxBackfill] ticks.
// Errors: [ErrNotFound]; [ErrConflict] when the program does not define it any
// more; [ErrInvalid], [ErrDraining], [ErrOverloaded].
func (rt *Runtime) BackfillSchedule(ctx context.Context, name string, from, until time.Time) (Backfill, error) {
	if rt.phase() >= phaseDraining {
		return Backfill{}, ErrDraining
	}
	s := rt.schedules
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.find(ctx, name, true)
	if err != nil {
		return Backfill{}, err
	}
	ticks, err := sc.def.between(from, until)
	if err != nil {
		return Backfill{}, err
	}
	b := Backfill{Runs: []string{}}
	for len(ticks) > 0 && ctx.Err() == nil {
		var runs []store.NewRun
		for _, tick := range ticks[:min(planBatch, len(ticks))] {
			n, err := sc.def.newRun(rt, sc.def.runID(tick), tick)
			if err != nil {
				return b, err
			}
			runs = append(runs, n)
		}
		a, err := rt.store.Advance(context.WithoutCancel(ctx), sc.Schedule, runs)
		if err != nil {
			s.refused(err)
			return b, err
		}
		sc.Schedule, ticks = a.Schedule, ticks[len(runs):]
		for i, run := range a.Runs {
			b.Runs = append(b.Runs, run.ID)
			if a.Created[i] {
				b.Created++
			}
		}
		s.warnOfOthers(sc, a)
	}
	return b, context.Cause(ctx)
}

// between returns the ticks of a backfill.
func (s *Schedule) between(from, until time.Time) (all []time.Time, err error) {
	switch {
	case from.IsZero() || until.IsZero() || !from.Before(until):
		return nil, fmt.Errorf("%w: backfill from %s until %s: want two times, the first before the second", ErrInvalid, stamp(from), stamp(until))
	case until.After(now()):
		return nil, fmt.Errorf("%w: backfill until %s: that is in the future", ErrInvalid, stamp(until))
	}
	for t := s.from(time.Time{}, from); !t.IsZero() && t.Before(until); t = s.ticks.After(t) {
		if len(all) == MaxBackfill {
			return nil, fmt.Errorf("%w: backfill from %s until %s: more than %d ticks; the first %d end before %s",
				ErrInvalid, stamp(from), stamp(until), MaxBackfill, MaxBackfill, stamp(t))
		}
		all = append(all, t)
	}
	return all, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "no time"
	}
	return t.UTC().Format(time.RFC3339)
}
