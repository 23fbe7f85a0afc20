package store

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate bounds how often something may begin: a bucket of Burst tokens, into
// which one falls every Per/Limit. With a Burst of one no more than Limit begin
// in any time of length Per; each further one of Burst allows one more. The
// zero Rate is no bound.
type Rate struct {
	Limit int
	Per   time.Duration
	// Burst is how many may begin at once after a pause; zero means 1.
	Burst int
}

const (
	maxRate = 1_000_000
	maxPer  = 365 * 24 * time.Hour
)

// Validate returns why a rate is not allowed; nil when it is.
func (r Rate) Validate() error {
	switch {
	case r == Rate{}:
		return nil
	case r.Limit < 1 || r.Limit > maxRate:
		return fmt.Errorf("rate with a limit of %d: want 1 to %d", r.Limit, maxRate)
	case r.Per < time.Millisecond || r.Per > maxPer:
		return fmt.Errorf("rate per %v: want 1ms to %v", r.Per, maxPer)
	case r.Burst < 0 || r.Burst > maxRate || int64(r.burst()) > int64(maxPer)/r.interval():
		return fmt.Errorf("rate with a burst of %d: want 0 to %d, and to gather in at most %v", r.Burst, maxRate, maxPer)
	}
	return nil
}

// The bucket is kept as one moment, by the generic cell rate algorithm (ITU-T
// I.371, annex A, virtual scheduling): the theoretical arrival time of the next
// token's taker, in nanoseconds since 1970. Zero is a bucket that was never
// touched, so full.

// interval is rounded up, so that no rounding passes the bound.
func (r Rate) interval() int64 { return (int64(r.Per) + int64(r.Limit) - 1) / int64(r.Limit) }

func (r Rate) burst() int { return max(r.Burst, 1) }

// Settle returns the bucket as it counts at now: never further ahead than an
// empty one, as it may be after a clock was set back or the rate was changed. A
// store that sees it differ has to keep it, or it would stay ahead for ever.
func (r Rate) Settle(bucket int64, now time.Time) int64 {
	return min(bucket, now.UnixNano()+int64(r.burst())*r.interval())
}

// Tokens returns how many tokens a settled bucket holds at now. Not for the
// zero Rate, as all that follow.
func (r Rate) Tokens(bucket int64, now time.Time) int {
	at := now.UnixNano()
	return int((at + int64(r.burst())*r.interval() - max(bucket, at)) / r.interval())
}

// Take returns the bucket after n of its tokens were taken at now.
func (r Rate) Take(bucket int64, now time.Time, n int) int64 {
	return max(bucket, now.UnixNano()) + int64(n)*r.interval()
}

// Next returns when a bucket that is empty has a token again, rounded up to the
// microsecond.
func (r Rate) Next(bucket int64) time.Time {
	due := bucket - int64(r.burst()-1)*r.interval()
	return time.UnixMicro((due + 999) / 1000).UTC()
}

// Longest returns the latest moment for which [Rate.Next] can name the token of
// a bucket that is settled at now.
func (r Rate) Longest(now time.Time) time.Time {
	return time.UnixMicro((now.UnixNano() + r.interval() + 999) / 1000).UTC()
}

// String writes the rate as LIMIT/PER or LIMIT/PER+BURST, as in 100/1m+20;
// empty for no bound.
func (r Rate) String() string {
	if r == (Rate{}) {
		return ""
	}
	per := r.Per.String()
	if strings.HasSuffix(per, "m0s") {
		per = strings.TrimSuffix(per, "0s")
	}
	if strings.HasSuffix(per, "h0m") {
		per = strings.TrimSuffix(per, "0m")
	}
	s := strconv.Itoa(r.Limit) + "/" + per
	if r.Burst > 0 {
		s += "+" + strconv.Itoa(r.Burst)
	}
	return s
}

// ParseRate reads what [Rate.String] writes.
func ParseRate(s string) (Rate, error) {
	if s == "" {
		return Rate{}, nil
	}
	bad := fmt.Errorf("rate %.60q: want LIMIT/PER or LIMIT/PER+BURST, such as 100/1m or 100/1m+20", s)
	limit, per, ok := strings.Cut(s, "/")
	if !ok {
		return Rate{}, bad
	}
	per, burst, ok := strings.Cut(per, "+")
	var r Rate
	var err error
	if r.Limit, err = strconv.Atoi(limit); err != nil {
		return Rate{}, bad
	}
	if r.Per, err = time.ParseDuration(per); err != nil {
		return Rate{}, bad
	}
	if ok {
		if r.Burst, err = strconv.Atoi(burst); err != nil || r.Burst < 1 {
			return Rate{}, bad
		}
	}
	if r == (Rate{}) {
		return Rate{}, bad // no bound is written as nothing
	}
	return r, r.Validate()
}

// MarshalText writes the rate as [Rate.String] does.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads it.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err == nil {
		*r = v
	}
	return err
}
