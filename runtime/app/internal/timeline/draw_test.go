package timeline

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

var update = flag.Bool("update", false, "write the golden files anew")

var t0 = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

// tried is a step with attempts from and to these seconds, two by two; all but
// the last failed.
func tried(path, name, status string, times ...float64) Step {
	s := Step{Path: path, Name: name, Kind: "step", Status: status, Number: len(times) / 2, Start: at(times[0]), End: at(times[len(times)-1])}
	for i := 0; i < len(times); i += 2 {
		s.Attempts = append(s.Attempts, Attempt{at(times[i]), at(times[i+1]), i < len(times)-2 || status == "failed" || status == "retrying"})
	}
	return s
}

func TestDraw(t *testing.T) {
	long := []Step{}
	for i := range 5000 {
		long = append(long, tried(fmt.Sprint(i), "load", "succeeded", float64(i), float64(i)+0.9))
	}
	long[2500] = tried("2500", "load", "succeeded", 2500, 2500.2, 2510, 2510.4)
	long[4000] = tried("4000", "load", "failed", 4000, 4000.5)
	for _, c := range []struct {
		name  string
		run   Run
		steps []Step
		now   float64
		most  int
	}{
		{"ended", Run{"succeeded", at(0), at(10)}, []Step{
			tried("0", "reserve", "succeeded", 0, 0.002),
			tried("1", "charge", "succeeded", 0.1, 1, 2, 2.5, 4.5, 6),
			{Path: "2", Kind: "sleep", Status: "succeeded", Start: at(6), End: at(8)},
			{Path: "3", Kind: "child", Name: "ship", Status: "succeeded", Child: "parcel-1", Start: at(8), End: at(8.001), Attempts: []Attempt{{at(8), at(8.001), false}}, Number: 1},
			tried("4.0.0", "left", "succeeded", 8.1, 9),
			tried("4.1.0", "右", "succeeded", 8.1, 9.9),
		}, 60, 0},
		{"retrying", Run{"waiting", at(0), time.Time{}}, []Step{
			func() Step {
				s := tried("0", "charge", "retrying", 0, 1, 3, 4)
				s.Wake = at(12)
				return s
			}(),
		}, 10, 0},
		{"underway", Run{"running", at(0), time.Time{}}, []Step{
			tried("0", "first", "succeeded", 0, 4),
			func() Step { s := tried("1", "again", "retrying", 4, 5); s.Wake = at(6); return s }(),
		}, 10, 0},
		{"unrecorded", Run{"running", at(0), time.Time{}}, []Step{tried("0", "first", "succeeded", 0, 4)}, 10, 0},
		{"waiting", Run{"waiting", at(0), time.Time{}}, []Step{
			tried("0", "ask", "succeeded", 0, 1),
			{Path: "1", Kind: "receive", Name: "answer", Status: "waiting", Start: at(1), Wake: time.Time{}},
		}, 90000, 0},
		{"failed", Run{"failed", at(0), at(3)}, []Step{
			tried("0", "charge", "failed", 0, 1, 2, 3),
			{Path: "c0", Kind: "compensate", Name: "refund", Status: "succeeded", Number: 1, Start: at(2), End: at(3), Attempts: []Attempt{{at(2), at(3), false}}},
		}, 60, 0},
		{"forked", Run{"succeeded", at(100), at(104)}, []Step{
			{Path: "0", Name: "old", Kind: "step", Status: "succeeded", Copied: true, Number: 1, Start: at(0), End: at(1), Attempts: []Attempt{{at(0), at(1), false}}},
			tried("1", "new", "succeeded", 100, 104),
		}, 200, 0},
		{"long", Run{"failed", at(0), at(5000)}, long, 6000, 12},
		{"instant", Run{"succeeded", at(0), at(0)}, []Step{tried("0", "one", "succeeded", 0, 0)}, 1, 0},
	} {
		for look, o := range map[string]*term.Out{"": {Unicode: true}, "-ascii": {}, "-terminal": {Unicode: true, Terminal: true, Color: true}} {
			name := c.name + look
			t.Run(name, func(t *testing.T) {
				lines := Draw(o, c.run, c.steps, at(c.now), c.most)
				got := strings.ReplaceAll(strings.Join(lines, "\n")+"\n", "\x1b", "^[")
				file := filepath.Join("testdata", name+".txt")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				for _, l := range lines {
					if look == "-terminal" && term.Columns(plain(l)) > 80 {
						t.Errorf("%d columns in a terminal of 80: %s", term.Columns(plain(l)), l)
					}
					if look == "-ascii" && strings.Trim(strings.NewReplacer("右", "").Replace(l), asciiOnly) != "" {
						t.Errorf("not ASCII: %s", l)
					}
				}
			})
		}
	}
	if lines := Draw(&term.Out{}, Run{Status: "queued"}, nil, t0, 0); lines != nil {
		t.Errorf("a run that has not begun is drawn: %q", lines)
	}
}

var asciiOnly = func() string {
	var b strings.Builder
	for r := ' '; r <= '~'; r++ {
		b.WriteRune(r)
	}
	return b.String()
}()

func plain(s string) string {
	for {
		a := strings.Index(s, "\x1b[")
		if a < 0 {
			return s
		}
		s = s[:a] + s[a+strings.IndexByte(s[a:], 'm')+1:]
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0s", 0: "0s", 15 * time.Microsecond: "<1ms", 34 * time.Millisecond: "34ms", 1990 * time.Millisecond: "1.9s",
		59 * time.Second: "59s", 3*time.Minute + 7*time.Second: "3m07s", 26*time.Hour + 5*time.Minute: "26h05m", 100 * time.Hour: "4d04h",
	} {
		if got := Short(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
