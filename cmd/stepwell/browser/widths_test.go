package browser

import (
	"strings"
	"testing"
)

// TestRunsAtAnyWidth: whatever the width, no row of the list is a tower, none
// is wider than the page, and what a run is about can be read.
func TestRunsAtAnyWidth(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("report", "?id="+strings.Repeat("parent-", 8)+"end&label.customer=ada", `{"title":"Sales"}`), "failed")
	s.reaches(s.start("newsletter", "?label.customer=grace&label.region=north", "null"), "waiting")
	p := open(t, s)
	for _, width := range []int64{390, 600, 768, 1000, 1001, 1100, 1280} {
		l := look{"light", width}
		p.look(l)
		p.open("/ui/runs")
		p.settle()
		p.keep("runs", l)
		if tallest := value[int](p, `Math.max(...[...document.querySelectorAll("table.runs tbody tr")].map(tr => tr.offsetHeight))`); tallest > 220 {
			t.Errorf("at %d px a row is %d px high", width, tallest)
		}
		if about := value[int](p, `Math.min(...[...document.querySelectorAll("table.runs td.about")].map(td => td.clientWidth))`); about < 100 {
			t.Errorf("at %d px About is %d px wide", width, about)
		}
		if wide := value[int](p, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
			t.Errorf("at %d px the page is %d px too wide", width, wide)
		}
	}
}

// TestAxisBehindTheBars: on a narrow screen the line of the present does not
// run through the words of a step.
func TestAxisBehindTheBars(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("approval", "?id=one", "null"), "waiting")
	p := open(t, s)
	l := look{"light", 390}
	p.look(l)
	p.open("/ui/runs/one")
	p.settle()
	p.keep("steps", l)
	covered := value[bool](p, `[...document.querySelectorAll(".tl-line")].every(line => {
		const cover = getComputedStyle(line, "::before"), words = line.querySelector(".tl-took"), bars = line.querySelector(".tl-bars");
		return cover.content !== "none" && parseFloat(cover.width) >= bars.offsetWidth && parseFloat(cover.height) >= words.offsetHeight && cover.backgroundColor === getComputedStyle(document.querySelector(".card")).backgroundColor;
	})`)
	if !covered {
		t.Error("the lines of the axis are not covered where the words are")
	}
}
