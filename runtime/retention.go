package runtime

import (
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Retention says how long runs are kept after their end, by the way they
// ended; zero is for ever. A run whose time is over is deleted within a tenth
// of the shortest retention, a minute at most, as by [Runtime.Delete], while
// [Runtime.Run] runs. A child stays until its parent has ended, and then goes
// within the hour.
type Retention struct {
	Succeeded, Failed, Cancelled time.Duration
}

// byStatus holds those that are not for ever.
func (r Retention) byStatus() map[Status]time.Duration {
	m := map[Status]time.Duration{}
	for status, keep := range map[Status]time.Duration{store.Succeeded: r.Succeeded, store.Failed: r.Failed, store.Cancelled: r.Cancelled} {
		if keep > 0 {
			m[status] = keep
		}
	}
	return m
}

func (r Retention) check() error {
	var errs []error
	for name, keep := range map[string]time.Duration{"Retention.Succeeded": r.Succeeded, "Retention.Failed": r.Failed, "Retention.Cancelled": r.Cancelled} {
		if keep < 0 {
			errs = append(errs, fmt.Errorf("%s is %v: want more than 0, or 0 for ever", name, keep))
		}
	}
	return errors.Join(errs...)
}
