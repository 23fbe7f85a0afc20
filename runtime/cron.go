package runtime

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/stepwell/stepwell/runtime/internal/ticks"
)

// Schedule is a definition: a workflow that is started again and again. Safe
// for concurrent use.
type Schedule struct {
	name, spec, zone string
	workflow         *definition
	ticks            *ticks.Ticks
	input            func(Codec, Tick) ([]byte, error)
	inputType        reflect.Type // of [Input]; nil: none was given
	missed           MissedPolicy
	within           time.Duration
	overlap          OverlapPolicy
	jitter           time.Duration
	opts             []StartOption
	errs             []error
}

// Tick is the input of a scheduled run whose workflow takes one.
type Tick struct {
	// Schedule is the name of the schedule.
	Schedule string `json:"schedule"`
	// Time is the moment the run is for: that of the schedule, however late
	// the run begins; the moment of the call when it was triggered.
	Time time.Time `json:"time"`
}

// CronOption changes a schedule.
type CronOption interface{ applyCron(*Schedule) }

type cronFunc func(*Schedule)

func (f cronFunc) applyCron(s *Schedule) { f(s) }

// Cron defines a schedule: it starts the workflow at the times of spec, a cron
// expression of five fields, or six with seconds first; or one of @hourly,
// @daily, @weekly, @monthly, @yearly; or @every with a duration of whole
// seconds, which means its multiples since 1970. Hand the result to [New]; the
// workflow comes with it.
//
// The zone is UTC unless [InZone] names another. A time of day that the clock
// leaves out in spring comes at the moment the clock goes on; one that it
// shows twice in autumn comes the first time only. An expression that matches
// every hour runs through both.
//
// The schedule is stored under its name: what fell due while no process ran is
// dealt with by the next, see [Missed]. A run and the step of the schedule past
// its tick are one write, and the run's id follows from name and tick, so that
// no crash starts a tick twice or leaves it out. A changed spec or zone counts
// from when the program with it begins to run. A schedule that is no longer
// defined stays, does nothing, and counts anew when it comes back.
//
// A workflow that takes a [Tick] gets that; any other gets what [Input] says,
// else the zero value of its input.
//
// Cron panics on a name that is not allowed; all else is reported by [New].
func Cron[In, Out any](name, spec string, w *Workflow[In, Out], opts ...CronOption) *Schedule {
	mustName("schedule", name)
	if w == nil {
		return &Schedule{name: name, errs: []error{errors.New("its workflow is nil")}}
	}
	s := &Schedule{name: name, spec: spec, zone: "UTC", workflow: w.def, missed: MissedOne, overlap: OverlapAllow}
	var zero In
	s.input = func(c Codec, _ Tick) ([]byte, error) { return c.Encode(zero) }
	takes := reflect.TypeFor[In]()
	if takes == reflect.TypeFor[Tick]() {
		s.input = func(c Codec, t Tick) ([]byte, error) { return c.Encode(t) }
	}
	for _, o := range opts {
		o.applyCron(s)
	}
	if s.inputType != nil && s.inputType != takes {
		s.errs = append(s.errs, fmt.Errorf("input is %v, but workflow %s takes %v", s.inputType, w.def.name, takes))
	}
	t, err := ticks.Parse(spec, s.zone)
	if err != nil {
		s.errs = append(s.errs, err)
	}
	s.ticks = t
	return s
}

// Name returns the schedule's name.
func (s *Schedule) Name() string { return s.name }

// InZone has the schedule follow the clocks of a time zone, by its IANA name;
// default UTC.
func InZone(name string) CronOption { return cronFunc(func(s *Schedule) { s.zone = name }) }

// Input is what each run of the schedule gets.
func Input[In any](in In) CronOption {
	return cronFunc(func(s *Schedule) {
		s.inputType = reflect.TypeFor[In]()
		s.input = func(c Codec, _ Tick) ([]byte, error) { return c.Encode(in) }
	})
}

// StartWith has the runs started with these options. An [ID] is not allowed:
// it follows from the tick.
func StartWith(opts ...StartOption) CronOption {
	return cronFunc(func(s *Schedule) { s.opts = append(s.opts, opts...) })
}

// MissedPolicy says what is done about ticks that were missed.
type MissedPolicy uint8

// What is done about missed ticks: those that could not be dealt with within a
// minute, because no process ran, or because they waited for the run before.
const (
	// MissedOne runs the newest of them, unless a newer tick is on time. This
	// is the default.
	MissedOne MissedPolicy = iota
	// MissedSkip runs none.
	MissedSkip
	// MissedAll runs all.
	MissedAll
)

// Missed says what is done about missed ticks. Those that are older than
// within are left out whatever the policy; zero: none is too old.
func Missed(p MissedPolicy, within time.Duration) CronOption {
	return cronFunc(func(s *Schedule) {
		if p > MissedAll || within < 0 {
			s.errs = append(s.errs, fmt.Errorf("missed policy %d within %v: want MissedOne, MissedSkip or MissedAll, and 0 or more", p, within))
		}
		s.missed, s.within = p, within
	})
}

// OverlapPolicy says what is done about a tick while the run of the one before
// is still under way.
type OverlapPolicy uint8

// What is done about a tick while the schedule's last run has neither ended nor
// got stuck.
const (
	// OverlapAllow starts it beside the other. This is the default.
	OverlapAllow OverlapPolicy = iota
	// OverlapSkip leaves it out.
	OverlapSkip
	// OverlapQueue has it wait for the end of the other. Ticks that wait longer
	// than a minute are missed ones, so [Missed] says which of them are run.
	OverlapQueue
	// OverlapCancel cancels the other, then is like OverlapQueue.
	OverlapCancel
)

// Overlap says what is done about a tick while the schedule's last run is
// still under way. It does not hold for runs that are triggered or backfilled.
func Overlap(p OverlapPolicy) CronOption {
	return cronFunc(func(s *Schedule) {
		if p > OverlapCancel {
			s.errs = append(s.errs, fmt.Errorf("overlap policy %d: want OverlapAllow, OverlapSkip, OverlapQueue or OverlapCancel", p))
		}
		s.overlap = p
	})
}

// Jitter starts each run up to d after its tick, so that not all schedules of
// the world start at midnight. By how much follows from name and tick, the
// same in every process. Ticks keep their order: d should be shorter than the
// time between them.
func Jitter(d time.Duration) CronOption {
	return cronFunc(func(s *Schedule) {
		if d < 0 {
			s.errs = append(s.errs, fmt.Errorf("jitter %v: want 0 or more", d))
		}
		s.jitter = d
	})
}

var overlapNames = [...]string{OverlapAllow: "allow", OverlapSkip: "skip", OverlapQueue: "queue", OverlapCancel: "cancel"}

func (p OverlapPolicy) String() string { return overlapNames[p] }

// MarshalText writes the name.
func (p OverlapPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

var missedNames = [...]string{MissedOne: "one", MissedSkip: "skip", MissedAll: "all"}

func (p MissedPolicy) String() string { return missedNames[p] }

// MarshalText writes the name.
func (p MissedPolicy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
