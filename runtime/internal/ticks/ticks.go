// Package ticks computes the moments of a schedule. They follow from its text
// and zone alone, so that every process, after any number of restarts, computes
// the same.
package ticks

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Ticks are the moments of one schedule, all of them whole seconds. Safe for
// concurrent use.
type Ticks struct {
	every time.Duration      // multiples of it, or
	spec  *cron.SpecSchedule // what this matches
	zone  *time.Location
	// hourly: every hour matches. Then the hours that daylight saving repeats
	// count twice, as time does; else a time of day comes once a day.
	hourly bool
}

const everyPrefix = "@every "

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads a cron expression of five fields, or six with the seconds first;
// a descriptor such as @daily; or @every with a duration of whole seconds,
// which gives the multiples of it since 1970. zone is an IANA name.
func Parse(spec, zone string) (*Ticks, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, fmt.Errorf("time zone %q: want UTC or an IANA name such as Europe/Berlin", zone)
	}
	if text, ok := strings.CutPrefix(spec, everyPrefix); ok {
		d, err := time.ParseDuration(text)
		if err != nil || d < time.Second || d%time.Second != 0 {
			return nil, fmt.Errorf("%q: want whole seconds after @every, such as @every 90s", spec)
		}
		return &Ticks{every: d}, nil
	}
	if strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ=") {
		return nil, fmt.Errorf("%q: name the time zone beside the expression, not in it", spec)
	}
	parsed, err := parser.Parse(spec)
	if err != nil {
		return nil, fmt.Errorf("%q: %w; want five cron fields, or six with seconds first, or @hourly, @daily, @weekly, @monthly, @yearly, @every DURATION", spec, err)
	}
	s, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%q: not a cron expression", spec)
	}
	const hours = 1<<24 - 1
	t := &Ticks{spec: s, zone: loc, hourly: s.Hour&hours == hours}
	if s.Location = time.UTC; t.hourly {
		s.Location = loc
	}
	if t.After(time.Unix(0, 0)).IsZero() {
		return nil, errors.New(spec + ": there is no such day")
	}
	return t, nil
}

// After returns the first tick after a moment, in UTC; zero when none comes.
func (t *Ticks) After(at time.Time) time.Time {
	switch {
	case t.every > 0:
		n := at.Unix()
		every := int64(t.every / time.Second)
		return time.Unix(n-mod(n, every)+every, 0).UTC()
	case t.hourly:
		return t.spec.Next(at.In(t.zone)).UTC()
	}
	// Computed in the time of the wall, then put into the zone: what the clock
	// leaves out comes when it goes on, what it shows twice the first time.
	for wall := wallClock(at.In(t.zone)); ; {
		if wall = t.spec.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if tick := onWall(wall, t.zone); tick.After(at) {
			return tick.UTC()
		}
	}
}

// Latest returns the last tick that is not after a moment; zero when there was
// none within some years.
func (t *Ticks) Latest(at time.Time) time.Time {
	for back := time.Minute; back < 10*365*24*time.Hour; back *= 2 {
		if !t.by(at.Add(-back), at) {
			continue
		}
		before, after := at.Add(-back), at // the last tick lies in between
		for after.Sub(before) > time.Second {
			if mid := before.Add(after.Sub(before) / 2); t.by(mid, at) {
				before = mid
			} else {
				after = mid
			}
		}
		last := t.After(before)
		for next := t.After(last); !next.IsZero() && !next.After(at); next = t.After(last) {
			last = next // two within the last second looked at
		}
		return last
	}
	return time.Time{}
}

// by reports whether a tick comes after from and not after at.
func (t *Ticks) by(from, at time.Time) bool {
	tick := t.After(from)
	return !tick.IsZero() && !tick.After(at)
}

// wallClock is what a clock on the wall shows, as if it were in UTC.
func wallClock(at time.Time) time.Time {
	_, offset := at.Zone()
	return at.Add(time.Duration(offset) * time.Second).UTC()
}

// onWall is when the clock in the zone first shows wall; when it never does, it
// is when the clock jumps over it.
func onWall(wall time.Time, zone *time.Location) time.Time {
	const day = 24 * time.Hour // no offset is as large, nor do two changes come within two of them
	var first time.Time
	var before time.Time
	for i, near := range []time.Time{wall.Add(-day), wall.Add(day)} {
		_, offset := near.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		if i == 0 {
			before = at
		}
		if wallClock(at.In(zone)).Equal(wall) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		first, _ = before.In(zone).ZoneBounds()
	}
	return first
}

// mod is the remainder that is never below zero.
func mod(a, b int64) int64 { return (a%b + b) % b }
