package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
)

// canvas writes SVG elements.
type canvas struct{ b bytes.Buffer }

func (c *canvas) raw(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

// num writes a coordinate: a tenth of a unit is finer than any screen.
func num(v float64) string { return strconv.FormatFloat(v, 'f', -1, 32) }

func round(v float64) float64 { return math.Round(v*10) / 10 }

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a buffer takes every write
	return b.String()
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	c.raw("<line class=%q x1=%q y1=%q x2=%q y2=%q/>\n", class, num(round(x1)), num(round(y1)), num(round(x2)), num(round(y2)))
}

func (c *canvas) path(class string, d []byte) {
	if len(d) > 0 {
		c.raw("<path class=%q d=\"%s\"/>\n", class, d)
	}
}

// span is a piece of a text with a class of its own.
type span struct{ class, text string }

// text writes words at a baseline. anchor is start, middle or end.
func (c *canvas) text(class, anchor string, x, y, size float64, spans ...span) {
	c.raw("<text class=%q text-anchor=%q x=%q y=%q font-size=%q>", class, anchor, num(round(x)), num(round(y)), num(size))
	for _, s := range spans {
		if s.class == "" {
			c.raw("%s", escape(s.text))
		} else {
			c.raw("<tspan class=%q>%s</tspan>", s.class, escape(s.text))
		}
	}
	c.raw("</text>\n")
}

// pen collects the commands of a path.
type pen struct{ d []byte }

func (p *pen) op(cmd byte, xs ...float64) {
	p.d = append(p.d, cmd)
	for i, x := range xs {
		if i > 0 {
			p.d = append(p.d, ' ')
		}
		p.d = strconv.AppendFloat(p.d, round(x), 'f', -1, 32)
	}
}

// dot adds a stroke of no length: with round caps, a point.
func (p *pen) dot(x, y float64) { p.op('M', x, y); p.d = append(p.d, "h0"...) }

// cross adds an x of the given half size.
func (p *pen) cross(x, y, r float64) {
	p.op('M', x-r, y-r)
	p.op('L', x+r, y+r)
	p.op('M', x-r, y+r)
	p.op('L', x+r, y-r)
}
