package term

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Clean brings a text onto one line and takes from it what a terminal would
// obey: control characters, and those that turn the direction of writing.
func Clean(s string) string {
	harmless := func(r rune) bool { return r == ' ' || !unicode.IsSpace(r) && !commands(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !harmless(r) }) < 0 && !strings.Contains(s, "  ") {
		return strings.TrimSpace(s)
	}
	return Inert(strings.Join(strings.Fields(s), " "))
}

// Inert takes from a text what a terminal would obey, and leaves the rest.
func Inert(s string) string {
	return strings.Map(func(r rune) rune {
		if commands(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func commands(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0xfeff || r == 0x061c
}

// Columns is how many columns a text takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Cut shortens a text to a number of columns, and marks that it did.
func (o *Out) Cut(s string, n int) string {
	if len(s) <= n || Columns(s) <= n {
		return s
	}
	mark := "…"
	if !o.Unicode {
		mark = "..."
	}
	room := n - Columns(mark)
	if room < 0 {
		mark, room = "", max(n, 0)
	}
	for i, r := range s {
		if room -= columns(r); room < 0 {
			return s[:i] + mark
		}
	}
	return s + mark
}
