package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

// scheduler starts the runs of schedules. It has no goroutine: the timer calls
// it when a tick is due, and when a run ended that a tick waits for.
type scheduler struct {
	rt *Runtime

	// mu is held over writes: one change at a time.
	mu    sync.Mutex
	known map[string]*scheduled // nil: not read yet

	// waits is told of ends by the store, whose writes must not wait for mu.
	waits struct {
		sync.Mutex
		over map[string]bool // by run whose end a tick waits for
	}
}

// scheduled is a schedule as stored, with what the program says of it.
type scheduled struct {
	store.Schedule
	def     *Schedule // nil: it is not defined any more
	behind  string    // the run whose end the next tick waits for
	refused bool      // by the store, when it was last asked
}

func newScheduler(rt *Runtime) *scheduler {
	s := &scheduler{rt: rt}
	s.waits.over = map[string]bool{}
	return s
}

// ended is told of the end of any run. It must not block.
func (s *scheduler) ended(run string) {
	s.waits.Lock()
	defer s.waits.Unlock()
	if over, ok := s.waits.over[run]; ok && !over {
		s.waits.over[run] = true
		s.rt.timer.due(now())
	}
}

// watch has ended note the end of a run from now on.
func (s *scheduler) watch(run string) {
	s.waits.Lock()
	defer s.waits.Unlock()
	s.waits.over[run] = false
}

func (s *scheduler) forget(run string) {
	s.waits.Lock()
	defer s.waits.Unlock()
	delete(s.waits.over, run)
}

func (s *scheduler) isOver(run string) bool {
	s.waits.Lock()
	defer s.waits.Unlock()
	return s.waits.over[run]
}

const (
	// scheduleRetry is when what the store refused is tried again.
	scheduleRetry = time.Second
	// scheduleWriters is how many schedules are dealt with at once: at midnight
	// many are due, and their writes can share commits.
	scheduleWriters = 64
)

// move deals with ticks that are due, one write for each schedule, and returns
// when the next is: now, when there are more. Timers get their turn in between.
func (s *scheduler) move(ctx context.Context, now time.Time) (next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx, now); err != nil {
		s.complain("read schedules", err)
		return now.Add(scheduleRetry)
	}
	known := s.known // complain may forget it
	due := map[string]*scheduled{}
	for name, sc := range known {
		if s.isDue(sc, now) {
			due[name] = sc
		}
	}
	for _, err := range atOnce(due, func(sc *scheduled) error {
		err := s.tick(ctx, sc, now)
		sc.refused = err != nil
		return err
	}) {
		s.complain("start runs of a schedule", err)
	}
	for _, sc := range known {
		due := s.due(sc)
		if sc.refused && s.isDue(sc, now) {
			due = now.Add(scheduleRetry)
		}
		next = sooner(next, due)
	}
	return next
}

// atOnce calls fn for all schedules, for several at once, and returns the errors.
func atOnce(all map[string]*scheduled, fn func(*scheduled) error) (errs []error) {
	got := make(chan error, len(all))
	places := make(chan struct{}, scheduleWriters)
	var wg sync.WaitGroup
	for _, sc := range all {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if err := fn(sc); err != nil {
				got <- fmt.Errorf("schedule %s: %w", sc.Name, err)
			}
		})
	}
	wg.Wait()
	close(got)
	for err := range got {
		errs = append(errs, err)
	}
	return errs
}

func (s *scheduler) isDue(sc *scheduled, now time.Time) bool {
	due := s.due(sc)
	return !due.IsZero() && !due.After(now)
}

func (s *scheduler) complain(what string, err error) {
	s.refused(err)
	if !errors.Is(err, store.ErrClosed) {
		s.rt.cfg.Logger.Error(what, "error", err)
	}
}

// refused is told of an error of the store.
func (s *scheduler) refused(err error) {
	s.rt.noteFatal(err)
	if errors.Is(err, store.ErrConflict) {
		s.known = nil // another process was faster: read them anew
	}
}

// sooner is the earlier of two times, where zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// due is when the next tick is to be looked at; zero: not before something
// else happens.
func (s *scheduler) due(sc *scheduled) time.Time {
	switch {
	case sc.def == nil || sc.Paused || sc.Next.IsZero():
		return time.Time{}
	case sc.behind != "" && !s.isOver(sc.behind):
		return time.Time{}
	}
	return sc.def.due(sc.Next)
}

// load reads the schedules once, and stores what the program has changed.
func (s *scheduler) load(ctx context.Context, now time.Time) error {
	if s.known != nil {
		return nil
	}
	rows, err := s.rt.store.Schedules(ctx)
	if err != nil {
		return err
	}
	known := map[string]*scheduled{}
	for _, row := range rows {
		known[row.Name] = &scheduled{Schedule: row}
	}
	for name, def := range s.rt.reg.schedules {
		if known[name] == nil {
			known[name] = &scheduled{Schedule: store.Schedule{Name: name}}
		}
		known[name].def = def
	}
	errs := atOnce(known, func(sc *scheduled) error {
		want := sc.Schedule
		if def := sc.def; def == nil {
			want.Next = time.Time{}
		} else {
			if want.Spec != def.spec || want.Zone != def.zone || want.Next.IsZero() {
				want.Next = def.ticks.After(now)
			}
			want.Workflow, want.Spec, want.Zone = def.workflow.name, def.spec, def.zone
		}
		if want == sc.Schedule {
			return nil
		}
		return s.store(ctx, sc, want)
	})
	if len(errs) > 0 {
		return errs[0] // the others fare alike
	}
	s.known = known
	return nil
}

func (s *scheduler) store(ctx context.Context, sc *scheduled, want store.Schedule) error {
	a, err := s.rt.store.Advance(context.WithoutCancel(ctx), want, nil)
	if err == nil {
		sc.Schedule = a.Schedule
	}
	return err
}

// tick deals with the ticks of a schedule that are due, or some of them.
func (s *scheduler) tick(ctx context.Context, sc *scheduled, now time.Time) error {
	p := sc.def.plan(sc.Next, now)
	want := sc.Schedule
	want.Next = p.next
	if sc.def.overlap != OverlapAllow && len(p.run) > 0 {
		live, err := s.live(ctx, sc)
		switch {
		case err != nil:
			return err
		case live && sc.def.overlap == OverlapSkip:
			s.forget(sc.LastRun)
			want.Skipped += int64(len(p.run))
			p.run = nil
		case live:
			return s.waitFor(ctx, sc)
		case len(p.run) > 1: // the others have to see how this one goes
			want.Next, p.run = p.run[1], p.run[:1]
		}
	}
	var runs []store.NewRun
	for _, tick := range p.run {
		id := sc.def.runID(tick)
		n, err := sc.def.newRun(s.rt, id, tick)
		if err != nil { // nor would it be better the next time
			s.rt.cfg.Logger.Error("a tick of a schedule is left out", "schedule", sc.Name, "tick", tick, "error", err)
			want.Skipped++
			continue
		}
		runs = append(runs, n)
		want.LastTick, want.LastRun = tick, id
	}
	a, err := s.rt.store.Advance(context.WithoutCancel(ctx), want, runs)
	if err != nil {
		return err
	}
	// From here on a crash starts none of them again.
	if sc.behind != "" {
		s.forget(sc.behind)
		sc.behind = ""
	}
	sc.Schedule = a.Schedule
	s.warnOfOthers(sc, a)
	return nil
}

// live reports whether the last run of the schedule is under way; then its end
// will be noted.
func (s *scheduler) live(ctx context.Context, sc *scheduled) (bool, error) {
	if sc.LastRun == "" {
		return false, nil
	}
	s.watch(sc.LastRun) // before the look, so that no end falls in between
	run, err := s.rt.store.Get(ctx, sc.LastRun)
	if err == nil && !run.Status.Ended() && run.Status != store.Stuck {
		return true, nil
	}
	s.forget(sc.LastRun)
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return false, err
}

// waitFor lets the ticks wait for the end of the last run. Nothing is stored: a
// new process comes to the same.
func (s *scheduler) waitFor(ctx context.Context, sc *scheduled) error {
	if sc.def.overlap == OverlapCancel {
		_, err := s.rt.store.Stop(context.WithoutCancel(ctx), sc.LastRun, store.StopCancel, now())
		if err != nil && !errors.Is(err, store.ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err != nil { // it has ended meanwhile
			s.forget(sc.LastRun)
			return nil
		}
	}
	if sc.behind != "" && sc.behind != sc.LastRun {
		s.forget(sc.behind) // another was triggered since
	}
	sc.behind = sc.LastRun
	return nil
}

// warnOfOthers names runs that stand where those of the schedule should.
func (s *scheduler) warnOfOthers(sc *scheduled, a store.Advance) {
	for i, run := range a.Runs {
		if !a.Created[i] && run.Workflow != sc.Workflow {
			s.rt.cfg.Logger.Error("a tick of a schedule has no run: another workflow's has its id", "schedule", sc.Name, "run_id", run.ID, "workflow", run.Workflow)
		}
	}
}

// find returns a schedule; usable says that it has to be defined.
func (s *scheduler) find(ctx context.Context, name string, usable bool) (*scheduled, error) {
	if err := s.load(ctx, now()); err != nil {
		return nil, err
	}
	sc := s.known[name]
	switch {
	case sc == nil:
		return nil, fmt.Errorf("schedule %q: %w; known: %s", name, ErrNotFound, listed(s.known))
	case usable && sc.def == nil:
		return nil, fmt.Errorf("schedule %q: %w: the program does not define it any more", name, ErrConflict)
	}
	return sc, nil
}

func (s *scheduler) sorted() []*scheduled {
	all := make([]*scheduled, 0, len(s.known))
	for _, sc := range s.known {
		all = append(all, sc)
	}
	slices.SortFunc(all, func(a, b *scheduled) int { return strings.Compare(a.Name, b.Name) })
	return all
}
