package runtime

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// StepOption changes how a step runs.
type StepOption interface{ applyStep(*stepConfig) }

type stepConfig struct {
	retry     Retry
	timeout   time.Duration
	heartbeat time.Duration // the longest silence; 0: no bound
	compute   bool
	err       error
}

// Retry lets a step that failed be tried again. Without it a step has one
// attempt. Failed attempts are recorded, so a restart continues to count where
// it was, and waits what was left to wait.
type Retry struct {
	// Max is the highest number of attempts; 0: no bound.
	Max int
	// Initial is the wait after the first attempt; 0 means 1 s.
	Initial time.Duration
	// Factor by which each wait is longer than the one before; 0 means 2.
	Factor float64
	// MaxDelay bounds the wait; 0 means 1 min, or Initial where that is longer.
	MaxDelay time.Duration
	// Jitter shortens each wait by a random part of up to this fraction, 0 to 1.
	Jitter float64
	// If decides which errors are worth another attempt; nil: all but
	// [Permanent] ones.
	If func(error) bool
}

func (r Retry) applyStep(c *stepConfig) {
	if r.Max < 0 || r.Initial < 0 || r.MaxDelay < 0 || r.Factor < 0 || r.Jitter < 0 || r.Jitter > 1 {
		c.err = fmt.Errorf("%w: Retry%+v: want nothing below zero and Jitter at most 1", ErrInvalid, r)
	}
	if r.Initial == 0 {
		r.Initial = time.Second
	}
	if r.Factor == 0 {
		r.Factor = 2
	}
	if r.MaxDelay == 0 {
		r.MaxDelay = max(time.Minute, r.Initial)
	}
	if r.Max == 0 {
		r.Max = math.MaxInt
	}
	c.retry = r
}

// again reports whether an error after so many failures is worth an attempt.
func (r Retry) again(err error, failures int) bool {
	return failures+1 < r.Max && !isPermanent(err) && (r.If == nil || r.If(err))
}

// delay is the wait after a number of failures, counted from 1.
func (r Retry) delay(failures int) time.Duration {
	d := float64(r.Initial) * math.Pow(r.Factor, float64(failures-1))
	d = min(d, float64(r.MaxDelay))
	return time.Duration(d * (1 - r.Jitter*rand.Float64()))
}

type timeoutOption time.Duration

// Timeout bounds one attempt: its context ends after d with [ErrTimeout] as
// its cause. The attempt is over when the function returns, so that a second
// one never overlaps it; a function that ignores its context is waited for.
func Timeout(d time.Duration) StepOption { return timeoutOption(d) }

func (t timeoutOption) applyStep(c *stepConfig) {
	if t <= 0 {
		c.err = fmt.Errorf("%w: Timeout(%v): want more than 0", ErrInvalid, time.Duration(t))
	}
	c.timeout = time.Duration(t)
}

type computeOption struct{}

// Compute marks a step as bound by the CPU. Such steps run on threads of their
// own, as many as there are cores, at the lowest priority, so that however many
// there are the rest of the process answers in time.
func Compute() StepOption { return computeOption{} }

func (computeOption) applyStep(c *stepConfig) { c.compute = true }
