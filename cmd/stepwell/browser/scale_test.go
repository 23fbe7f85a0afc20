package browser

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// opened is what it took the browser to open a page.
type opened struct {
	// Paint is when there was something to see, Load when all was there: ms since the page was asked for.
	Paint, Load float64
	Bytes       int64 // of HTML, before any compression
	Nodes       int   // elements on the page
}

// openings opens the page five times and returns the medians.
func (p *tab) openings(path string) opened {
	p.t.Helper()
	var all [5]opened
	for i := range all {
		p.open("about:blank")
		p.open(path)
		eventually(p.t, func() string { return "nothing is painted" }, func() bool {
			got, ok := try[opened](p, `(() => {
				const nav = performance.getEntriesByType("navigation")[0], paint = performance.getEntriesByName("first-contentful-paint")[0];
				return {Paint: paint ? paint.startTime : 0, Load: nav.loadEventEnd, Bytes: nav.decodedBodySize, Nodes: document.getElementsByTagName("*").length};
			})()`)
			all[i] = got
			return ok && got.Paint > 0 && got.Load > 0
		})
	}
	median := func(of func(opened) float64) float64 {
		var v []float64
		for _, o := range all {
			v = append(v, of(o))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	o := all[0]
	o.Paint, o.Load = median(func(o opened) float64 { return o.Paint }), median(func(o opened) float64 { return o.Load })
	p.t.Logf("%s: to be seen after %.0f ms, complete after %.0f ms (medians of %d); %d bytes, %d elements", path, o.Paint, o.Load, len(all), o.Bytes, o.Nodes)
	return o
}

// TestTenThousand opens a list of 10,000 runs and a run of 10,000 steps. The times are for the reader of -v: they say as
// much of the machine as of the pages. What does not depend on it is asked for.
func TestTenThousand(t *testing.T) {
	const n = 10_000
	s := serveShop(t, "")
	began := time.Now()
	long := s.start("steps", "?id=long", fmt.Sprint(n))
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := w; i < n-1; i += 16 {
				s.start("parcel", fmt.Sprintf("?id=parcel-%d&label.customer=c%d", i, i%100), "null")
			}
		})
	}
	wg.Wait()
	s.reaches(long, "succeeded")
	t.Logf("%d runs, one of them of %d steps, took %v", n, n, time.Since(began).Round(time.Millisecond))

	p := open(t, s)
	for _, c := range []struct {
		path         string
		bytes        int64
		nodes, shown int
		what         string // counts what is shown
	}{
		{"/ui/", 100 << 10, 1000, 8, ".counts li"},
		{"/ui/runs", 200 << 10, 4000, 100, "table.runs tbody tr"},
		{"/ui/runs?limit=10000", 400 << 10, 8000, 200, "table.runs tbody tr"},
		{"/ui/runs/long", 1 << 20, 6000, 1, ".tl"},
	} {
		o := p.openings(c.path)
		if o.Bytes > c.bytes || o.Nodes > c.nodes {
			t.Errorf("%s has %d bytes and %d elements: want at most %d and %d", c.path, o.Bytes, o.Nodes, c.bytes, c.nodes)
		}
		if got := value[int](p, `document.querySelectorAll("`+c.what+`").length`); got != c.shown {
			t.Errorf("%s shows %d of %s, want %d", c.path, got, c.what, c.shown)
		}
	}
	// All steps can be come by.
	p.sees("of 10 000")
	p.press("link", "Last")
	p.sees("9999 add")

	// The rest of a long list comes as one scrolls.
	p.open("/ui/runs?limit=10000")
	began = time.Now()
	for shown := 0; shown < n; {
		more := shown
		eventually(t, func() string { return fmt.Sprintf("nothing comes after run %d of %d", shown, n) }, func() bool {
			more = value[int](p, `(window.scrollTo(0, document.documentElement.scrollHeight), document.querySelectorAll("table.runs tbody tr").length)`)
			return more > shown
		})
		shown = more
	}
	t.Logf("scrolled to the end of %d runs in %v", n, time.Since(began).Round(time.Millisecond))
}
