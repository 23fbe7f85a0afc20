package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// Schedules implements [store.Schedules].
func (s *Store) Schedules(ctx context.Context) (all []store.Schedule, err error) {
	err = s.r.query(ctx, selectSchedules, func(r row) error {
		all = append(all, store.Schedule{
			Name: r.text(0), Rev: r.int(1), Workflow: r.text(2), Spec: r.text(3), Zone: r.text(4), Paused: r.int(5) == 1,
			Next: r.time(6), LastTick: r.time(7), LastRun: r.text(8), Started: r.int(9), Skipped: r.int(10),
		})
		return nil
	})
	return all, err
}

// Advance implements [store.Schedules].
func (s *Store) Advance(ctx context.Context, sched store.Schedule, runs []store.NewRun) (store.Advance, error) {
	if sched.Name == "" {
		return store.Advance{}, fmt.Errorf("advance schedule: the name is required")
	}
	for _, n := range runs {
		if err := validateNew(n); err != nil {
			return store.Advance{}, fmt.Errorf("advance schedule %s: %w", sched.Name, err)
		}
	}
	return valued(ctx, s.w, func(tx *tx) (store.Advance, error) { return tx.advance(sched, runs) })
}

func (t *tx) advance(s store.Schedule, runs []store.NewRun) (store.Advance, error) {
	rev, err := t.count(selectScheduleRev, s.Name)
	if err != nil {
		return store.Advance{}, err
	}
	if rev != s.Rev {
		return store.Advance{}, fmt.Errorf("advance schedule %s: %w: it was changed by another", s.Name, store.ErrConflict)
	}
	var a store.Advance
	for _, n := range runs {
		created := false
		run, err := t.get(n.ID) // one that exists gets no messages either
		if errors.Is(err, store.ErrNotFound) {
			run, created, err = t.create(n)
		}
		if err != nil {
			return store.Advance{}, err
		}
		if created {
			s.Started++
		}
		if s.LastRun == n.ID {
			s.LastRun = run.ID // another, when that held the run's key
		}
		a.Runs, a.Created = append(a.Runs, run), append(a.Created, created)
	}
	s.Rev++
	_, err = t.exec(upsertSchedule, s.Name, s.Rev, s.Workflow, s.Spec, s.Zone, bit(s.Paused), micros(s.Next),
		micros(s.LastTick), text(s.LastRun), s.Started, s.Skipped)
	a.Schedule = s
	return a, err
}
