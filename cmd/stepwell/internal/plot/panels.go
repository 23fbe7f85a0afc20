package plot

import (
	"slices"
	"time"
)

// latency draws the probes.
func (p *picture) latency() {
	p.line("timeout", left, p.lat(p.high), right, p.lat(p.high))
	if p.summed {
		p.columns()
	} else {
		var dots pen
		for _, pr := range p.Probes {
			if !pr.Missed {
				dots.dot(p.x(pr.At.Seconds()), p.lat(ms(pr.Latency)))
			}
		}
		p.path("dots", dots.d)
	}
	if len(p.Probes) > 0 {
		p.line("percentile", left, p.lat(ms(p.P50)), right, p.lat(ms(p.P50)))
		p.line("percentile", left, p.lat(ms(p.P99)), right, p.lat(ms(p.P99)))
	}
	p.misses()
}

// columns sums up the probes of each unit of width: a bar from the fastest to
// the slowest, a line through the medians, and the slowest one in a hundred as
// points, since they are what one looks for.
func (p *picture) columns() {
	cols := make([][]time.Duration, right-left+1)
	for _, pr := range p.Probes {
		if !pr.Missed {
			i := int(p.x(pr.At.Seconds())) - left
			cols[i] = append(cols[i], pr.Latency)
		}
	}
	var bars, medians, slow pen
	cmd := byte('M')
	for i, c := range cols {
		if len(c) == 0 {
			cmd = 'M' // the line has a gap where no probe was answered
			continue
		}
		slices.Sort(c)
		x := float64(left+i) + 0.5
		top, bottom := p.lat(ms(c[len(c)-1])), p.lat(ms(c[0]))
		bars.op('M', x, bottom+0.5)
		bars.op('V', top-0.5)
		medians.op(cmd, x, p.lat(ms(c[(len(c)-1)/2])))
		cmd = 'L'
		// Each place is drawn once, however many probes fall on it.
		for drawn := -1.0; len(c) > 0 && c[len(c)-1] > p.P99; c = c[:len(c)-1] {
			if y := round(p.lat(ms(c[len(c)-1]))); y != drawn {
				slow.dot(x, y)
				drawn = y
			}
		}
	}
	p.path("bars", bars.d)
	p.path("medians", medians.d)
	p.path("dots", slow.d)
}

// misses marks the missed probes in the lane above the timeout, at most one
// mark to a unit of width.
func (p *picture) misses() {
	var marks pen
	drawn := -1
	for _, pr := range p.Probes {
		x := p.x(pr.At.Seconds())
		if pr.Missed && int(x) != drawn {
			drawn = int(x)
			marks.cross(x, latencyTop+lane/2-1, 5)
		}
	}
	p.path("misses", marks.d)
}

// thin keeps one point to a unit of width, the one that wins over the others
// there, and the last.
func thin[T any](points []T, x func(T) float64, wins func(a, b T) bool) []T {
	var kept []T
	for i, pt := range points {
		n := len(kept)
		switch {
		case n == 0 || i == len(points)-1 || int(x(pt)) != int(x(kept[n-1])):
			kept = append(kept, pt)
		case wins(pt, kept[n-1]):
			kept[n-1] = pt
		}
	}
	return kept
}

func (p *picture) memory() {
	p.line("axis", left, memoryBottom, right, memoryBottom)
	points := thin(p.Memory, func(m Memory) float64 { return p.x(m.At.Seconds()) },
		func(a, b Memory) bool { return a.MB > b.MB })
	if len(points) == 0 {
		return
	}
	var line, area pen
	area.op('M', p.x(points[0].At.Seconds()), memoryBottom)
	cmd := byte('M')
	for _, m := range points {
		x, y := p.x(m.At.Seconds()), p.mem(m.MB)
		line.op(cmd, x, y)
		area.op('L', x, y)
		cmd = 'L'
	}
	area.op('L', p.x(points[len(points)-1].At.Seconds()), memoryBottom)
	area.d = append(area.d, 'Z')
	p.path("memarea", area.d)
	p.path("memline", line.d)
}

func (p *picture) runs() {
	p.line("axis", left, runsBottom, right, runsBottom)
	points := thin(p.Done, func(d Done) float64 { return p.x(d.At.Seconds()) },
		func(a, b Done) bool { return true })
	p.path("okarea", p.steps(points, func(d Done) int { return d.Ended }))
	if p.last().Failed > 0 {
		p.path("failarea", p.steps(points, func(d Done) int { return d.Failed }))
	}
}

// steps outlines a count that holds until the next point.
func (p *picture) steps(points []Done, of func(Done) int) []byte {
	if len(points) == 0 {
		return nil
	}
	var area pen
	area.op('M', p.x(points[0].At.Seconds()), runsBottom)
	for _, d := range points {
		area.op('H', p.x(d.At.Seconds()))
		area.op('V', p.done(float64(of(d))))
	}
	area.op('H', p.x(max(p.Wall, points[len(points)-1].At).Seconds()))
	area.op('V', runsBottom)
	area.d = append(area.d, 'Z')
	return area.d
}
