package ui

import (
	"encoding/xml"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

func TestChart(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int, v float64) point { return point{now.Add(-time.Duration(s) * time.Second), v} }
	for _, c := range []struct {
		name string
		c    chart
		want string // of the path
	}{
		{"a line", chart{points: []point{at(60, 0), at(58, 5), at(56, 10)}}, "M120 43L124 22L128 1"},
		{"a gap", chart{points: []point{at(60, 10), at(30, 10), at(29, 10)}}, "M120 1M180 1L182 1"},
		{"unknown", chart{points: []point{at(60, 10), at(59, math.NaN()), at(58, 10)}}, "M120 1L124 1"},
		{"too old", chart{points: []point{at(500, 10), at(0, 0)}}, "M240 43"},
		{"small", chart{points: []point{at(0, 1)}, most: 10}, "M240 38.8"},
		{"bars", chart{Bars: true, points: []point{at(60, 2), at(59, 0), at(58, 1)}}, "M120 44V1M124 44V22"},
		{"nothing", chart{}, ""},
	} {
		c.c.Title, c.c.text = "<b>&", shortNum
		svg := string(c.c.SVG(now))
		class := "line"
		if c.c.Bars {
			class = "bars"
		}
		_, after, _ := strings.Cut(svg, `class="`+class+`"`)
		_, after, _ = strings.Cut(after, ` d="`)
		if got, _, _ := strings.Cut(after, `"`); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Errorf("%s: %v\n%s", c.name, err, svg)
				break
			}
		}
	}
}

// TestGrowth: rates from counts, over a pause and a deletion.
func TestGrowth(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var all []sample
	for _, s := range []struct {
		at     int
		writes uint64
	}{{0, 100}, {1, 110}, {3, 150}, {4, 140}, {60, 900}, {61, 903}} {
		all = append(all, sample{at: now.Add(time.Duration(s.at) * time.Second), writes: s.writes})
	}
	points := growth(all, true, func(s *sample) float64 { return float64(s.writes) })
	for i, want := range []float64{10, 20, 0, math.NaN(), 3} {
		if got := points[i].v; got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("point %d is %v, want %v", i, got, want)
		}
	}
	if v := latest(points); v != 3 {
		t.Errorf("the latest is %v, want 3", v)
	}
	if v := latest(points[:4]); v != 0 {
		t.Errorf("the latest that is known is %v, want 0", v)
	}
}
