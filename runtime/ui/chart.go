package ui

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"time"
)

// chart is a small picture of one number over the window.
type chart struct {
	Title string
	Now   string // the value, as it is read
	Note  string // what the number is, in a few words
	Bars  bool   // rather than a line
	Bad   bool   // it is drawn as something that should not be
	// most is how large a value is drawn at least as the whole height.
	most   float64
	points []point
	text   func(float64) string
}

// point is a value at a moment; NaN where it is not known.
type point struct {
	at time.Time
	v  float64
}

const (
	chartWidth  = 240.0
	chartHeight = 44.0
	// chartGap is the time without a sample after which a line is broken.
	chartGap = 4 * sampleEvery
)

// Most is the largest value, as it is read.
func (c chart) Most() string { return c.text(c.peak()) }

func (c chart) peak() float64 {
	peak := 0.0
	for _, p := range c.points {
		if p.v > peak { // not NaN
			peak = p.v
		}
	}
	return peak
}

// SVG draws the chart: the window is the width, zero the lower edge. All that
// is in it are numbers, and the title, which is ours.
func (c chart) SVG(now time.Time) template.HTML {
	top := max(c.peak(), c.most)
	if top == 0 {
		top = 1
	}
	x := func(t time.Time) string { return coord(chartWidth * (1 - float64(now.Sub(t))/float64(sampleWindow))) }
	y := func(v float64) string { return coord(1 + (chartHeight-2)*(1-v/top)) }
	var line, area, bars []byte
	var last time.Time
	begun := ""
	end := func() {
		if begun != "" {
			area = fmt.Appendf(area, "L%s %sL%s %sZ", x(last), coord(chartHeight), begun, coord(chartHeight))
		}
		begun = ""
	}
	for _, p := range c.points {
		if math.IsNaN(p.v) || now.Sub(p.at) > sampleWindow {
			continue
		}
		switch {
		case c.Bars && p.v > 0:
			bars = fmt.Appendf(bars, "M%s %sV%s", x(p.at), coord(chartHeight), y(p.v))
		case c.Bars:
		case begun == "" || p.at.Sub(last) > chartGap:
			end()
			begun = x(p.at)
			line = fmt.Appendf(line, "M%s %s", begun, y(p.v))
			area = fmt.Appendf(area, "M%s %s", begun, y(p.v))
		default:
			line = fmt.Appendf(line, "L%s %s", x(p.at), y(p.v))
			area = fmt.Appendf(area, "L%s %s", x(p.at), y(p.v))
		}
		last = p.at
	}
	end()
	label := html.EscapeString(fmt.Sprintf("%s: %s now, at most %s in the last 2 minutes", c.Title, c.Now, c.Most()))
	s := fmt.Sprintf(`<svg viewBox="0 0 %g %g" preserveAspectRatio="none" role="img" aria-label="%s">`, chartWidth, chartHeight, label)
	for _, p := range []struct {
		class string
		d     []byte
	}{{"area", area}, {"line", line}, {"bars", bars}} {
		if len(p.d) > 0 && (p.class == "bars") == c.Bars {
			s += `<path class="` + p.class + `" vector-effect="non-scaling-stroke" d="` + string(p.d) + `"/>`
		}
	}
	return template.HTML(s + `</svg>`)
}

// coord is a coordinate to a tenth.
func coord(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// shortNum is a number in at most four characters or so.
func shortNum(v float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 0, 64) + " k"
	case v >= 1e3:
		return numText(int(v))
	case v >= 10 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// series reads one number of each sample.
func series(all []sample, value func(*sample) float64) (points []point) {
	for i := range all {
		points = append(points, point{all[i].at, value(&all[i])})
	}
	return points
}

// growth is by how much a number that only grows did, per second or as it is,
// between a sample and the one before.
func growth(all []sample, perSecond bool, value func(*sample) float64) (points []point) {
	for i := 1; i < len(all); i++ {
		d := all[i].at.Sub(all[i-1].at)
		v := max(0, value(&all[i])-value(&all[i-1])) // deleted runs are no failures undone
		switch {
		case d > chartGap:
			v = math.NaN() // nobody knows when
		case perSecond:
			v /= d.Seconds()
		}
		points = append(points, point{all[i].at, v})
	}
	return points
}

// latest is the last value that is known.
func latest(points []point) float64 {
	for i := len(points) - 1; i >= 0; i-- {
		if !math.IsNaN(points[i].v) {
			return points[i].v
		}
	}
	return 0
}
