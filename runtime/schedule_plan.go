package runtime

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// missedAfter is how late a tick may be and still be on time.
	missedAfter = time.Minute
	// planBatch bounds the runs created in one write.
	planBatch = 100
	// scheduleLabel holds the name of the schedule of a run.
	scheduleLabel = systemLabel + "schedule"
)

func (s *Schedule) register(r *registry) error {
	if old, ok := r.schedules[s.name]; ok && old != s {
		return fmt.Errorf("schedule %q is defined twice", s.name)
	}
	if s.workflow == nil {
		return fmt.Errorf("%w: schedule %q: %w", ErrInvalid, s.name, errors.Join(s.errs...))
	}
	c := startConfig{queue: s.workflow.queue}
	for _, o := range s.opts {
		o.applyStart(&c)
	}
	errs := append([]error(nil), s.errs...)
	if c.id != "" {
		errs = append(errs, errors.New("runs of a schedule have ids of their own: leave out ID"))
	}
	if len(c.labels) >= maxLabels {
		errs = append(errs, fmt.Errorf("%d labels: at most %d are allowed beside that of the schedule", len(c.labels), maxLabels-1))
	}
	if err := errors.Join(append(errs, c.validate())...); err != nil {
		return fmt.Errorf("schedule %q: %w", s.name, err)
	}
	if old, ok := r.workflows[s.workflow.name]; ok && old != s.workflow {
		return fmt.Errorf("schedule %q: workflow %q is defined twice", s.name, s.workflow.name)
	}
	r.workflows[s.workflow.name] = s.workflow
	r.schedules[s.name] = s
	if c.queue != "" {
		r.scheduled[s.name] = c.queue
	}
	return nil
}

// plan is what is to be done about the ticks of a schedule.
type plan struct {
	run  []time.Time // ticks to run, in order
	next time.Time   // the first tick that is neither run nor left out
}

// plan looks at the ticks from next on that are due at now.
func (s *Schedule) plan(next, now time.Time) plan {
	late := now.Add(-missedAfter)
	// All ticks before this are missed, whatever their jitter.
	old := late.Add(-s.jitter)
	if s.within > 0 {
		next = s.from(next, now.Add(-max(s.within, missedAfter)-s.jitter))
	}
	switch s.missed {
	case MissedSkip:
		next = s.from(next, old)
	case MissedOne:
		if last := s.ticks.Latest(old); last.After(next) {
			next = last
		}
	}
	var run, last []time.Time
	for !next.IsZero() && !s.due(next).After(now) && len(run) < planBatch {
		switch {
		case s.missed == MissedAll || !s.due(next).Before(late):
			run = append(run, next)
		case s.missed == MissedOne:
			last = append(last[:0], next)
		}
		next = s.ticks.After(next)
	}
	if len(run) == 0 {
		run = last
	}
	return plan{run, next}
}

// from is the first tick that comes neither before next nor before at.
func (s *Schedule) from(next, at time.Time) time.Time {
	if !next.Before(at) {
		return next
	}
	return s.ticks.After(at.Add(-1))
}

// due is when the run of a tick is to start.
func (s *Schedule) due(tick time.Time) time.Time {
	if s.jitter <= 0 {
		return tick
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", s.name, tick.Unix()))
	part := binary.BigEndian.Uint64(sum[:]) % uint64(s.jitter)
	return tick.Add(time.Duration(part)).Truncate(time.Microsecond)
}

// runID follows from the schedule and the tick.
func (s *Schedule) runID(tick time.Time) string {
	return s.name + "@" + tick.UTC().Format("2006-01-02T15:04:05Z")
}

// newRun is the run for a tick.
func (s *Schedule) newRun(rt *Runtime, id string, tick time.Time, opts ...StartOption) (store.NewRun, error) {
	input, err := s.input(rt.cfg.Codec, Tick{s.name, tick})
	if err != nil {
		return store.NewRun{}, fmt.Errorf("encode input: %w", err)
	}
	last := startFunc(func(c *startConfig) {
		labels := maps.Clone(c.labels)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[scheduleLabel] = s.name
		c.id, c.labels, c.trusted = id, labels, true
	})
	n, err := rt.newRun(rt.base, s.workflow, input, slices.Concat(s.opts, []StartOption{last}, opts))
	if err == nil && n.Labels[scheduleLabel] == "" {
		err = fmt.Errorf("%w: labels of a scheduled run are those of the schedule", ErrInvalid)
	}
	return n, err
}
