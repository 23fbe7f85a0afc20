package plot

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// tick is a marked place on an axis.
type tick struct {
	at    float64 // in units of the drawing
	label string
}

// scale maps a value to a place in the drawing.
type scale func(v float64) float64

func linear(lo, hi, from, to float64) scale {
	return func(v float64) float64 {
		return from + (min(max(v, lo), hi)-lo)/(hi-lo)*(to-from)
	}
}

func logarithmic(lo, hi, from, to float64) scale {
	lin := linear(math.Log10(lo), math.Log10(hi), from, to)
	return func(v float64) float64 { return lin(math.Log10(max(v, lo))) }
}

// timeSteps are distances between ticks that people count in.
var timeSteps = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// timeTicks marks 0 to span with at most n+1 ticks.
func timeTicks(span time.Duration, n int, x scale) []tick {
	step := 24 * time.Hour
	for step < span/time.Duration(n) {
		step *= 2
	}
	for _, s := range timeSteps {
		if span/s <= time.Duration(n) {
			step = s
			break
		}
	}
	var ticks []tick
	for at := time.Duration(0); at <= span; at += step {
		ticks = append(ticks, tick{x(at.Seconds()), clock(at, step, span)})
	}
	return ticks
}

// clock writes a moment in one unit for the whole axis.
func clock(at, step, span time.Duration) string {
	switch {
	case step < time.Second:
		return strconv.FormatFloat(at.Seconds(), 'f', 1, 64) + " s"
	case span <= 2*time.Minute:
		return fmt.Sprintf("%d s", int(at.Seconds()))
	case step < time.Minute:
		return fmt.Sprintf("%d:%02d", int(at.Minutes()), int(at.Seconds())%60)
	case step < time.Hour:
		return fmt.Sprintf("%d min", int(at.Minutes()))
	default:
		return fmt.Sprintf("%d h", int(at.Hours()))
	}
}

// decades marks the powers of ten from lo to hi, in milliseconds.
func decades(lo, hi float64, y scale) []tick {
	var ticks []tick
	for e := math.Round(math.Log10(lo)); e <= math.Log10(hi)+1e-9; e++ {
		v := math.Pow(10, e)
		ticks = append(ticks, tick{y(v), strconv.FormatFloat(v, 'f', -1, 64)})
	}
	return ticks
}

// nice rounds up to a number that halves well.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 4, 5, 6, 8, 10} {
		if v <= m*p*(1+1e-9) {
			return m * p
		}
	}
	return 10 * p
}

// duration writes a latency for people: two digits that count.
func duration(d time.Duration) string {
	ms := float64(d) / 1e6
	switch {
	case ms < 1:
		return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	default:
		return strconv.FormatFloat(ms/1000, 'g', 2, 64) + " s"
	}
}
