package ui

import (
	"math"
	"strconv"
	"time"
)

// nice are the distances at which an axis has its ticks, and the lengths it may
// have while it grows.
var nice = func() []time.Duration {
	var all []time.Duration
	for unit := time.Microsecond; unit < time.Second; unit *= 10 {
		all = append(all, unit, 2*unit, 5*unit)
	}
	for _, s := range []int{1, 2, 5, 10, 15, 30} {
		all = append(all, time.Duration(s)*time.Second)
	}
	for _, m := range []int{1, 2, 5, 10, 15, 30} {
		all = append(all, time.Duration(m)*time.Minute)
	}
	for _, h := range []int{1, 2, 3, 6, 12} {
		all = append(all, time.Duration(h)*time.Hour)
	}
	for _, d := range []int{1, 2, 7, 14, 30, 60, 180, 365, 730, 3650} {
		all = append(all, time.Duration(d)*day)
	}
	return all
}()

const day = 24 * time.Hour

// maxTicks bounds the ticks of an axis: more would not fit beside one another.
const maxTicks = 6

// tickDistance is the smallest nice one that needs no more ticks than fit.
func tickDistance(length time.Duration) time.Duration {
	for _, d := range nice {
		if length/d < maxTicks {
			return d
		}
	}
	return max(length/maxTicks, nice[len(nice)-1])
}

// roomy is the length of an axis that has to grow: up to the next tick.
func roomy(length time.Duration) time.Duration {
	d := tickDistance(max(length, time.Second))
	return (max(length, 0)/d + 1) * d
}

// axisTick is a mark on the axis.
type axisTick struct {
	At    percent
	Label string
}

// percent is a place on the axis, written as SVG and CSS have it.
type percent float64

func (p percent) String() string {
	return strconv.FormatFloat(math.Round(float64(p)*1000)/1000, 'f', -1, 64) + "%"
}

// place is where a moment is on the axis, from 0 to 100.
func (t *timeline) place(at time.Time) percent {
	length := t.End.Sub(t.Begin)
	if length <= 0 || at.Before(t.Begin) {
		return 0
	}
	return percent(min(100, 100*float64(at.Sub(t.Begin))/float64(length)))
}

// Ticks of the axis, the beginning included. The end has one only when it falls
// on it.
func (t *timeline) Ticks() []axisTick {
	length := t.End.Sub(t.Begin)
	d := tickDistance(length)
	var ticks []axisTick
	for at := time.Duration(0); at <= length; at += d {
		ticks = append(ticks, axisTick{t.place(t.Begin.Add(at)), axisLabel(at)})
	}
	return ticks
}

// axisLabel writes a time since the beginning in the unit that suits it.
func axisLabel(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return briefly(d)
}

// briefly writes a duration for people, with at most two units.
func briefly(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + briefly(-d)
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < 10*time.Millisecond:
		return decimal(d.Seconds()*1000, 1) + " ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return decimal(d.Seconds(), 2) + " s"
	case d < time.Hour:
		return two(d, time.Minute, " min", time.Second, " s")
	case d < day:
		return two(d, time.Hour, " h", time.Minute, " min")
	}
	return two(d, day, " d", time.Hour, " h")
}

func two(d, big time.Duration, bigUnit string, small time.Duration, smallUnit string) string {
	s := strconv.FormatInt(int64(d/big), 10) + bigUnit
	if rest := d % big / small; rest > 0 {
		s += " " + strconv.FormatInt(int64(rest), 10) + smallUnit
	}
	return s
}

// decimal writes at most so many digits after the point, cut off, not rounded:
// 59.999 s are not 60 s.
func decimal(v float64, digits int) string {
	p := math.Pow(10, float64(digits))
	return strconv.FormatFloat(math.Floor(v*p+1e-6)/p, 'f', -1, 64)
}
