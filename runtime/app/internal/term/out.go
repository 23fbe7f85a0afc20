package term

import (
	"fmt"
	"io"
	goruntime "runtime"
	"strings"

	"golang.org/x/term"
)

// Out is where a command writes, and what can be shown there.
type Out struct {
	io.Writer
	// Terminal: a person looks at it, and lines can be written over.
	Terminal bool
	// Color: it may be coloured.
	Color bool
	// Unicode: it shows more than ASCII.
	Unicode bool

	size func() (width, height int, err error)
}

// To finds out what w is. Colours follow NO_COLOR and TERM, Unicode follows the
// locale, as getenv tells them.
func To(w io.Writer, getenv func(string) string) *Out {
	o := &Out{Writer: w, Unicode: utf8Locale(getenv)}
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" {
		return o
	}
	o.Terminal = true
	o.Color = getenv("NO_COLOR") == ""
	o.size = func() (int, int, error) { return term.GetSize(int(f.Fd())) }
	return o
}

// utf8Locale reads the locale as setlocale does. Systems that do not use these
// variables show UTF-8.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return goruntime.GOOS == "windows" || goruntime.GOOS == "darwin"
}

// Size is that of the terminal, now; 80 by 24 when it does not tell.
func (o *Out) Size() (width, height int) {
	if o.size != nil {
		if w, h, err := o.size(); err == nil && w >= 10 && h >= 3 {
			return w, h
		}
	}
	return 80, 24
}

// Width is how many columns a line may take: 0, any number, when this is no
// terminal.
func (o *Out) Width() int {
	if !o.Terminal {
		return 0
	}
	w, _ := o.Size()
	return w
}

// Lines writes lines.
func (o *Out) Lines(lines []string) error {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l)
		b.WriteByte('\n')
	}
	_, err := io.WriteString(o, b.String())
	return err
}

// Style is a way to show text.
type Style string

// The styles, as what they are for.
const (
	Plain   Style = ""
	Good    Style = "32"
	Bad     Style = "31"
	Working Style = "36"
	Held    Style = "33"
	Faint   Style = "2"
	Strong  Style = "1"
)

// Paint shows text in a style, where there are colours.
func (o *Out) Paint(s Style, text string) string {
	if !o.Color || s == Plain || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%sm%s\x1b[0m", string(s), text)
}

// StyleOf is the style of a run's or a step's status.
func StyleOf(status string) Style {
	status, _, _ = strings.Cut(status, " ")
	switch status {
	case "succeeded":
		return Good
	case "failed", "stuck":
		return Bad
	case "running":
		return Working
	case "waiting", "delayed", "retrying", "queued", "paused":
		return Held
	case "cancelled":
		return Faint
	}
	return Plain
}
