package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var dir = flag.String("plots", "", "directory to write the drawings of the tests to, for looking at them")

// measured makes the data of an experiment of n probes at the given rate.
// Every missEvery-th is missed.
func measured(n int, rate float64, runs, failed, missEvery int) Data {
	rnd := rand.New(rand.NewPCG(1, 2))
	d := Data{Workload: "fibonacci", Runs: runs, Timeout: time.Second, PeakMB: 31.4, Rate: rate}
	length := time.Duration(float64(n) / rate * 1e9)
	for i := range n {
		l := time.Duration(math.Exp(rnd.NormFloat64()*0.5) * 1.2e6)
		if rnd.IntN(300) == 0 {
			l *= 15
		}
		p := Probe{At: time.Duration(float64(i) / rate * 1e9), Latency: l}
		if missEvery > 0 && i%missEvery == missEvery-1 {
			p.Missed, p.Latency = true, time.Second
		}
		d.Probes = append(d.Probes, p)
		d.Max = max(d.Max, p.Latency)
	}
	d.P50, d.P99 = 1200*time.Microsecond, 4600*time.Microsecond
	for i := range 4 * int(length.Seconds()) {
		at := time.Duration(i) * 250 * time.Millisecond
		d.Memory = append(d.Memory, Memory{At: at, MB: 24 + 6*math.Min(1, at.Seconds()/3) + rnd.Float64()})
	}
	for i := range runs {
		f := 0
		if i >= runs/2 {
			f = failed
		}
		d.Done = append(d.Done, Done{At: length * time.Duration(i+1) / time.Duration(runs), Ended: i + 1, Failed: f})
	}
	d.Wall = length
	return d
}

func scenes() map[string]Data {
	none := Data{Workload: "delays", Runs: 5, Timeout: time.Second}
	one := measured(1, 10, 1, 0, 0)
	allMissed := measured(40, 10, 10, 10, 1)
	allMissed.P50, allMissed.P99 = time.Second, time.Second
	level := measured(300, 10, 100, 0, 0)
	level.P50, level.P99 = 1200*time.Microsecond, 1210*time.Microsecond
	fast := measured(100, 10, 100, 0, 0)
	for i := range fast.Probes {
		fast.Probes[i].Latency /= 100
	}
	fast.P50, fast.P99, fast.Max = 12*time.Microsecond, 46*time.Microsecond, 90*time.Microsecond
	odd := measured(50, 10, 3, 0, 0)
	odd.Workload = `<script>&"'`
	long := measured(100_000, 100, 123_456, 1234, 7)
	long.Workload = "a-rather-long-workload-name"
	return map[string]Data{
		"long":      long,
		"usual":     measured(812, 10, 100, 0, 0),
		"none":      none,
		"one":       one,
		"missed":    measured(300, 10, 50, 7, 30),
		"allmissed": allMissed,
		"level":     level,
		"fast":      fast,
		"odd":       odd,
		"thousands": measured(3600, 10, 1000, 0, 0),
		"many":      measured(100_000, 100, 10_000, 120, 999),
		"hours":     measured(100_000, 10, 10_000, 0, 0),
	}
}

func draw(t *testing.T, d Data) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// word is a text element, with the box it covers at a cautious estimate.
type word struct {
	text                     string
	left, right, top, bottom float64
}

// parse reads the drawing: its words by look, and the number of points in the
// paths of each class.
func parse(t *testing.T, svg []byte) (words map[string][]word, paths map[string]string) {
	t.Helper()
	words, paths = map[string][]word{}, map[string]string{}
	dec := xml.NewDecoder(bytes.NewReader(svg))
	var group string
	var cur *word
	var attrs map[string]string
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return words, paths
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if e.Name.Local == "tspan" {
				continue
			}
			attrs = map[string]string{}
			for _, a := range e.Attr {
				attrs[a.Name.Local] = a.Value
				if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
					t.Errorf("%s: %s=%q", e.Name.Local, a.Name.Local, a.Value)
				}
			}
			switch e.Name.Local {
			case "g":
				group = attrs["class"]
			case "text":
				cur = &word{}
			case "path":
				paths[attrs["class"]] = attrs["d"]
			case "script", "image", "use", "foreignObject":
				t.Errorf("element %s does not belong in a plain picture", e.Name.Local)
			}
		case xml.CharData:
			if cur != nil {
				cur.text += string(e)
			}
		case xml.EndElement:
			if e.Name.Local != "text" {
				continue
			}
			num := func(name string) float64 {
				v, err := strconv.ParseFloat(attrs[name], 64)
				if err != nil {
					t.Fatalf("%q: %s: %v", cur.text, name, err)
				}
				return v
			}
			x, y, size := num("x"), num("y"), num("font-size")
			em := 0.54
			if attrs["class"] == "title" {
				em = 0.69
			}
			w := em * size * float64(len([]rune(cur.text)))
			switch attrs["text-anchor"] {
			case "middle":
				x -= w / 2
			case "end":
				x -= w
			}
			cur.left, cur.right, cur.top, cur.bottom = x, x+w, y-0.72*size, y+0.1*size
			words[group] = append(words[group], *cur)
			cur = nil
		}
	}
}

func TestWordsFit(t *testing.T) {
	for name, d := range scenes() {
		t.Run(name, func(t *testing.T) {
			svg := draw(t, d)
			if *dir != "" {
				if err := os.WriteFile(filepath.Join(*dir, name+".svg"), svg, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			words, _ := parse(t, svg)
			for _, l := range []look{wide, narrow} {
				ws := words[l.class]
				if len(ws) < 8 {
					t.Fatalf("%s: only %d words", l.class, len(ws))
				}
				for i, a := range ws {
					if a.left < 0 || a.top < 0 || a.right > width || a.bottom > height {
						t.Errorf("%s: %q leaves the picture: %+v", l.class, a.text, a)
					}
					for _, b := range ws[:i] {
						if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
							t.Errorf("%s: %q and %q overlap", l.class, a.text, b.text)
						}
					}
				}
			}
		})
	}
}

func TestEveryProbeIsDrawn(t *testing.T) {
	d := measured(300, 10, 50, 7, 30)
	_, paths := parse(t, draw(t, d))
	if got, want := strings.Count(paths["dots"], "M"), 290; got != want {
		t.Errorf("%d dots, want %d", got, want)
	}
	if got, want := strings.Count(paths["misses"], "M"), 2*10; got != want { // two strokes to a cross
		t.Errorf("%d strokes for missed probes, want %d", got, want)
	}
	if paths["failarea"] == "" {
		t.Error("failed runs are not drawn")
	}
}

func TestLatencyPosition(t *testing.T) {
	// Five decades up to the timeout; 10 ms is in the middle of the scale.
	d := Data{Runs: 1, Timeout: time.Second, Wall: 10 * time.Second, Probes: []Probe{{At: 5 * time.Second, Latency: 10 * time.Millisecond}}}
	_, paths := parse(t, draw(t, d))
	x, y := float64(left+right)/2, float64(latencyTop+lane+latencyBottom)/2
	if got, want := paths["dots"], fmt.Sprintf("M%s %sh0", num(x), num(y)); got != want {
		t.Errorf("dot %q, want %q", got, want)
	}
}

func TestManyProbesStaySmall(t *testing.T) {
	// The most that are drawn one by one.
	if svg := draw(t, measured(10*(right-left), 10, 100, 0, 0)); len(svg) > 150_000 || bytes.Contains(svg, []byte(`class="bars"`)) {
		t.Errorf("%d bytes, or columns, for probes that are drawn one by one", len(svg))
	}
	d := measured(100_000, 100, 10_000, 0, 999)
	svg := draw(t, d)
	if len(svg) > 150_000 {
		t.Errorf("%d bytes for 100,000 probes", len(svg))
	}
	_, paths := parse(t, svg)
	if n := strings.Count(paths["bars"], "V"); n < right-left-2 || n > right-left+1 {
		t.Errorf("%d bars for %d columns", n, right-left)
	}
	// The slowest probe must be seen, whatever is summed up: the top of a bar is there.
	top := math.Inf(1)
	for bar := range strings.SplitSeq(paths["bars"], "M") {
		if _, v, ok := strings.Cut(bar, "V"); ok {
			y, err := strconv.ParseFloat(v, 64)
			if err != nil {
				t.Fatal(err)
			}
			top = min(top, y)
		}
	}
	slowest := time.Duration(0)
	for _, p := range d.Probes {
		if !p.Missed {
			slowest = max(slowest, p.Latency)
		}
	}
	if want := logarithmic(0.1, 1000, latencyBottom, latencyTop+lane)(ms(slowest)); math.Abs(top-want) > 1 {
		t.Errorf("highest bar at %.1f, the slowest probe is at %.1f", top, want)
	}
}

func TestAccessible(t *testing.T) {
	svg := string(draw(t, measured(812, 10, 100, 0, 0)))
	for _, want := range []string{
		`role="img"`, `aria-labelledby="title desc"`, `<title id="title">fibonacci, 100 runs: all 812 probes answered</title>`,
		`<desc id="desc">`, "prefers-color-scheme:dark",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(strings.TrimPrefix(svg, `<svg xmlns="http://www.w3.org/2000/svg"`), "http") {
		t.Error("refers to something outside")
	}
}

func TestTimeTicks(t *testing.T) {
	id := func(v float64) float64 { return v }
	for _, tc := range []struct {
		span time.Duration
		want string
	}{
		{time.Second, "0.0 s 0.1 s 0.2 s 0.3 s 0.4 s 0.5 s 0.6 s 0.7 s 0.8 s 0.9 s 1.0 s"},
		{81 * time.Second, "0 s 10 s 20 s 30 s 40 s 50 s 60 s 70 s 80 s"},
		{3 * time.Minute, "0:00 0:20 0:40 1:00 1:20 1:40 2:00 2:20 2:40 3:00"},
		{17 * time.Minute, "0 min 2 min 4 min 6 min 8 min 10 min 12 min 14 min 16 min"},
		{5 * time.Hour, "0 min 30 min 60 min 90 min 120 min 150 min 180 min 210 min 240 min 270 min 300 min"},
		{30 * 24 * time.Hour, "0 h 96 h 192 h 288 h 384 h 480 h 576 h 672 h"},
	} {
		var got []string
		for _, tick := range timeTicks(tc.span, 10, id) {
			got = append(got, tick.label)
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%v: %s, want %s", tc.span, s, tc.want)
		}
	}
}

func TestNice(t *testing.T) {
	for _, tc := range [][2]float64{{0, 1}, {0.3, 0.4}, {1, 1}, {31.4, 40}, {39, 40}, {41, 50}, {97, 100}, {100, 100}, {1001, 2000}} {
		if got := nice(tc[0]); math.Abs(got-tc[1]) > 1e-9 {
			t.Errorf("nice(%v) = %v, want %v", tc[0], got, tc[1])
		}
	}
}
