package term

import "strings"

// narrowest is what a column is cut down to for the others' sake.
const narrowest = 8

// Table lines up cells in columns.
type Table struct {
	// Head names the columns; empty: it has no head.
	Head []string
	// Shrink lists the columns that are cut where a line is too long for the
	// terminal, the longest first.
	Shrink []int
	// Style gives a cell its colours; nil: none.
	Style func(column int, text string) Style

	rows [][]string
}

// Row adds a row of as many cells as there are columns. An empty cell is shown
// as "-", unless it is the last.
func (t *Table) Row(cells ...string) {
	row := make([]string, len(cells))
	for i, c := range cells {
		if row[i] = Clean(c); row[i] == "" && i < len(cells)-1 {
			row[i] = "-"
		}
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Lines draws the table for o: in a terminal no line is longer than it is wide,
// elsewhere nothing is cut.
func (t *Table) Lines(o *Out) []string {
	widths := t.widths()
	t.fit(widths, o.Width())
	var lines []string
	if len(t.Head) > 0 {
		lines = append(lines, t.line(o, t.Head, widths, func(int, string) Style { return Strong }))
	}
	style := t.Style
	if style == nil {
		style = func(int, string) Style { return Plain }
	}
	for _, row := range t.rows {
		lines = append(lines, t.line(o, row, widths, style))
	}
	return lines
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range append([][]string{t.Head}, t.rows...) {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Columns(c))
		}
	}
	return widths
}

// fit takes columns from the widest that may be cut until a line fits; 0: all
// fits.
func (t *Table) fit(widths []int, room int) {
	if room == 0 {
		return
	}
	over := 2*(len(widths)-1) - room
	for _, w := range widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := -1
		for _, i := range t.Shrink {
			if i < len(widths) && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return // the line is cut at its end
		}
		widths[widest]--
	}
}

func (t *Table) line(o *Out, cells []string, widths []int, style func(int, string) Style) string {
	var b strings.Builder
	room := o.Width()
	for i, c := range cells {
		text := o.Cut(c, widths[i])
		if room > 0 {
			left := room - used(widths[:i])
			if left <= 0 {
				break
			}
			text = o.Cut(text, left)
		}
		b.WriteString(o.Paint(style(i, c), text))
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-min(widths[i], Columns(text))+2))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func used(widths []int) int {
	n := 0
	for _, w := range widths {
		n += w + 2
	}
	return n
}
