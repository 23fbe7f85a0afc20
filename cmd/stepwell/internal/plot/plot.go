package plot

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// The drawing, in units of the view box.
const (
	width, height = 960, 800
	left, right   = 80, 892 // of every panel

	latencyTop, latencyBottom = 182, 470
	memoryTop, memoryBottom   = 530, 606
	runsTop, runsBottom       = 666, 742

	// lane is the room above the timeout for missed probes.
	lane = 22
)

// look is one of the two sets of words over the same drawing. Displayed narrow
// (a phone, a column of a page) the picture shrinks to less than half, so its
// words must be larger and fewer.
type look struct {
	class      string
	size, head float64 // font sizes of ticks and text, and of headings
	xTicks     int
}

var (
	wide   = look{class: "wide", size: 15, head: 17, xTicks: 10}
	narrow = look{class: "narrow", size: 26, head: 28, xTicks: 4}
)

// Write draws d as SVG.
func Write(w io.Writer, d Data) error {
	p := &picture{Data: &d, missedCount: d.missed()}
	p.scales()
	p.open()
	p.each(func(l look) { p.grid(l) })
	p.runs()
	p.memory()
	p.latency()
	p.each(func(l look) { p.header(l); p.headings(l); p.labels(l) })
	p.raw("</svg>\n")
	_, err := w.Write(p.b.Bytes())
	return err
}

type picture struct {
	canvas
	*Data
	missedCount int
	length      time.Duration
	low, high   float64 // of the latency axis, in ms; high is the timeout
	memMax      float64
	x, lat      scale
	mem, done   scale
	summed      bool // probes are drawn per column, not one by one
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func (p *picture) scales() {
	p.length = p.span()
	p.x = linear(0, p.length.Seconds(), left, right)

	p.high = max(ms(p.Timeout), 1)
	if p.Timeout <= 0 {
		p.high = 1000
	}
	lowest := math.Inf(1)
	for _, pr := range p.Probes {
		if !pr.Missed {
			lowest = min(lowest, ms(pr.Latency))
		}
	}
	p.low = p.high / 1e4
	for p.low > lowest && p.low > 0.02 {
		p.low /= 10
	}
	p.lat = logarithmic(p.low, p.high, latencyBottom, latencyTop+lane)

	top := p.PeakMB
	for _, m := range p.Memory {
		top = max(top, m.MB)
	}
	p.memMax = nice(top)
	p.mem = linear(0, p.memMax, memoryBottom, memoryTop)
	p.done = linear(0, float64(max(p.Runs, p.last().Ended, 1)), runsBottom, runsTop)
	p.summed = len(p.Probes) > 10*(right-left) // fewer give no distribution
}

func (p *picture) open() {
	p.raw(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc">`+"\n", width, height)
	p.raw("<title id=\"title\">%s</title>\n", escape(p.title()))
	p.raw("<desc id=\"desc\">%s</desc>\n", escape(p.description()))
	p.raw("<style>%s</style>\n", style)
	p.raw(`<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
}

func (p *picture) each(draw func(look)) {
	for _, l := range []look{wide, narrow} {
		p.raw("<g class=%q>\n", l.class)
		draw(l)
		p.raw("</g>\n")
	}
}

// grid draws the lines behind the data.
func (p *picture) grid(l look) {
	for _, t := range timeTicks(p.length, l.xTicks, p.x) {
		p.line("grid", t.at, latencyTop, t.at, latencyBottom)
		p.line("grid", t.at, memoryTop, t.at, memoryBottom)
		p.line("grid", t.at, runsTop, t.at, runsBottom)
	}
	for _, t := range decades(p.low, p.high, p.lat) {
		p.line("grid", left, t.at, right, t.at)
	}
	p.line("grid", left, memoryTop, right, memoryTop)
	p.line("grid", left, runsTop, right, runsTop)
}

// labels writes the ticks of all axes.
func (p *picture) labels(l look) {
	mid := l.size * 0.36 // from the middle of a digit to its baseline
	y := func(at float64, label string) { p.text("tick", "end", left-10, at+mid, l.size, span{text: label}) }
	for _, t := range decades(p.low, p.high, p.lat) {
		y(t.at, t.label)
	}
	y(memoryTop, number(p.memMax))
	y(memoryBottom, "0")
	y(runsTop, short(max(p.Runs, p.last().Ended, 1)))
	y(runsBottom, "0")
	for _, t := range timeTicks(p.length, l.xTicks, p.x) {
		p.text("tick", "middle", t.at, runsBottom+8+l.size, l.size, span{text: t.label})
	}
	p.text("limit", "end", right-4, p.lat(p.high)+l.size+1, l.size, span{text: "timeout"})
	p.levels(l, mid)
	if len(p.Probes) == 0 {
		p.text("tick", "middle", (left+right)/2, (latencyTop+latencyBottom)/2, l.size, span{text: "no probe was sent"})
	}
}

// levels names the lines of p50 and p99 at the right edge, pushed apart where
// they would touch.
func (p *picture) levels(l look, mid float64) {
	if len(p.Probes) == 0 {
		return
	}
	y50, y99 := p.lat(ms(p.P50)), p.lat(ms(p.P99))
	if gap := l.size - (y50 - y99); gap > 0 {
		y50, y99 = y50+gap/2, y99-gap/2
	}
	if over := y50 - latencyBottom; over > 0 {
		y50, y99 = y50-over, y99-over
	}
	p.text("level", "start", right+6, y50+mid, l.size, span{text: "p50"})
	p.text("level", "start", right+6, y99+mid, l.size, span{text: "p99"})
}

// header writes the title and the result.
func (p *picture) header(l look) {
	if l.class == wide.class {
		p.text("title", "start", left, 56, fit(28, width-24-left, p.title()), span{text: p.title()})
		p.text("sub", "start", left, 90, 17, span{text: strings.Join(p.facts(), "  ·  ")})
		p.text("sub", "start", left, 117, 15, span{text: p.method()})
		return
	}
	p.text("title", "start", 24, 48, fit(36, width-48, p.what()), span{text: p.what()})
	p.text("sub", "start", 24, 88, 27, span{text: p.verdict()})
	p.text("sub", "start", 24, 124, 27, span{text: strings.Join(p.facts()[1:4], " · ")})
}

// headings names each panel, with its unit and its legend.
func (p *picture) headings(l look) {
	above := 13.0
	head := func(top float64, s string) { p.text("head", "start", left, top-above, l.head, span{text: s}) }
	legend := func(top float64, s ...span) { p.text("legend", "end", right, top-above, l.size, s...) }
	isWide := l.class == wide.class

	if isWide {
		head(latencyTop, "Latency of /health, milliseconds")
	} else {
		head(latencyTop, "/health, ms")
	}
	var marks []span
	switch {
	case p.summed && isWide:
		marks = []span{{"range", "▮"}, {"", " fastest to slowest   "}, {"mid", "▬"}, {"", " median   "}, {"dot", "●"}, {"", " slowest 1 %"}}
	case p.summed:
		marks = []span{{"mid", "▬"}, {"", " median "}, {"dot", "●"}, {"", " slowest 1 %"}}
	case len(p.Probes) > p.missedCount:
		marks = []span{{"dot", "●"}, {"", " a probe"}}
	}
	if p.missedCount > 0 && (isWide || !p.summed) {
		marks = append(marks, span{"", "   "}, span{"miss", "×"}, span{"", " missed"})
	}
	if len(marks) > 0 {
		legend(latencyTop, marks...)
	}

	if isWide {
		head(memoryTop, "Memory of the server, MB")
	} else {
		head(memoryTop, "Memory, MB")
	}
	if p.PeakMB > 0 {
		legend(memoryTop, span{"mem", "●"}, span{"", fmt.Sprintf(" peak %.1f MB", p.PeakMB)})
	}
	head(runsTop, "Runs ended")
	if last := p.last(); last.Failed > 0 {
		legend(runsTop, span{"ok", "▮"}, span{"", fmt.Sprintf(" %s succeeded   ", number(float64(last.Ended-last.Failed)))},
			span{"miss", "▮"}, span{"", fmt.Sprintf(" %s failed", number(float64(last.Failed)))})
	} else {
		legend(runsTop, span{"ok", "▮"}, span{"", fmt.Sprintf(" %s of %s", number(float64(last.Ended)), number(float64(p.Runs)))})
	}
}
