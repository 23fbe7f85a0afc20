package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// bar draws times to scale.
type bar struct {
	o       *term.Out
	from    time.Time
	total   time.Duration
	columns int
	seen    [failed + 1]bool // what the legend has to explain
}

// glyphs of each look, in Unicode and in ASCII, and what they mean.
var glyphs = [failed + 1]struct {
	rich, plain rune
	style       term.Style
	word        string
}{
	none:   {' ', ' ', term.Plain, ""},
	pause:  {'·', '.', term.Faint, "before the next attempt"},
	wait:   {'─', '-', term.Held, "waits"},
	done:   {'█', '=', term.Good, "works"},
	under:  {'▓', '>', term.Working, "under way"},
	failed: {'▒', 'x', term.Bad, "failed attempt"},
}

// eighths fill a column from the left.
var eighths = []rune(" ▏▎▍▌▋▊▉█")

// at is where a moment lies, in columns.
func (b *bar) at(t time.Time) float64 {
	x := float64(t.Sub(b.from)) / float64(b.total) * float64(b.columns)
	return min(max(x, 0), float64(b.columns))
}

// draw returns exactly as many columns as the bar has.
func (b *bar) draw(parts []part) string {
	looks := make([]look, b.columns)
	fill := make([]rune, b.columns) // what stands for a column that is not full
	covered := make([]float64, b.columns)
	for _, p := range parts {
		from, to := b.at(p.from), b.at(p.to)
		// What took next to no time is to be seen all the same.
		to = min(max(to, from+1.0/8), float64(b.columns))
		from = min(from, to-1.0/8)
		for c := int(from); c < b.columns && float64(c) < to; c++ {
			lo, hi := max(from-float64(c), 0), min(to-float64(c), 1)
			switch {
			case p.look < looks[c]:
				continue
			case p.look > looks[c]:
				looks[c], fill[c], covered[c] = p.look, 0, 0
			}
			covered[c] += hi - lo
			switch {
			case p.look != done:
			case covered[c] > 15.0/16:
				fill[c] = 0
			case covered[c] == hi-lo && lo > 0.25 && hi == 1:
				fill[c] = '▐'
			default:
				fill[c] = eighths[max(int(covered[c]*8+0.5), 1)]
			}
		}
	}
	return b.text(looks, fill)
}

// text joins the columns, with one change of colour for each stretch.
func (b *bar) text(looks []look, fill []rune) string {
	var out, stretch strings.Builder
	for c, l := range looks {
		g := glyphs[l]
		b.seen[l] = true
		switch {
		case !b.o.Unicode:
			stretch.WriteRune(g.plain)
		case fill[c] != 0:
			stretch.WriteRune(fill[c])
		default:
			stretch.WriteRune(g.rich)
		}
		if c == len(looks)-1 || looks[c+1] != l {
			out.WriteString(b.o.Paint(g.style, stretch.String()))
			stretch.Reset()
		}
	}
	return out.String()
}

// scale says at both ends of the bar how much time it stands for.
func (b *bar) scale() string {
	end := Short(b.total)
	return fmt.Sprintf("0s%*s", b.columns-2, end)
}

// legend explains what was drawn, when it is more than work.
func (b *bar) legend() string {
	var words []string
	for l := failed; l > none; l-- {
		if b.seen[l] {
			g := glyphs[l]
			mark := string(g.rich)
			if !b.o.Unicode {
				mark = string(g.plain)
			}
			words = append(words, b.o.Paint(g.style, mark)+" "+g.word)
		}
	}
	if len(words) == 1 && (b.seen[done] || b.seen[under]) {
		return "" // a step that works is what one expects
	}
	return strings.Join(words, "  ")
}
