package term

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Screen is the second screen of a terminal, whose lines are drawn anew where
// they changed. What was on the first comes back when it is closed. It is for
// one goroutine.
type Screen struct {
	o             *Out
	shown         []string
	width, height int
}

// Open turns to the second screen. Close has to be called, whatever happens.
func (o *Out) Open() (*Screen, error) {
	s := &Screen{o: o}
	_, err := o.Write([]byte("\x1b[?1049h\x1b[?25l")) // and hides the cursor
	return s, err
}

// Close turns back to the first screen.
func (s *Screen) Close() error {
	_, err := s.o.Write([]byte("\x1b[?25h\x1b[?1049l"))
	return err
}

// Draw shows lines, cut to the terminal as it is now. It writes only those that
// changed since, all after a change of its size.
func (s *Screen) Draw(lines []string) error {
	var b bytes.Buffer
	width, height := s.o.Size()
	if width != s.width || height != s.height {
		s.width, s.height, s.shown = width, height, nil
		b.WriteString("\x1b[2J")
	}
	lines = slices.Clone(lines)
	if len(lines) > height {
		hidden := len(lines) - height + 1
		lines = append(lines[:height-1], s.o.Paint(Faint, fmt.Sprintf("(%d more lines)", hidden)))
	}
	for i := range lines {
		lines[i] = s.o.cutPainted(lines[i], width)
	}
	for i := range max(len(lines), len(s.shown)) {
		switch {
		case i >= len(lines):
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[K", i+1)
		case i >= len(s.shown) || lines[i] != s.shown[i]:
			// Cleared after it is written, so that nothing flickers.
			fmt.Fprintf(&b, "\x1b[%d;1H%s\x1b[K", i+1, lines[i])
		}
	}
	s.shown = lines
	if b.Len() == 0 {
		return nil
	}
	_, err := s.o.Write(b.Bytes())
	return err
}

// cutPainted is Cut for a text with colours.
func (o *Out) cutPainted(s string, n int) string {
	if !strings.Contains(s, "\x1b") {
		return o.Cut(s, n)
	}
	var b strings.Builder
	room := n
	for s != "" {
		if strings.HasPrefix(s, "\x1b[") {
			end := strings.IndexByte(s, 'm') + 1
			if end == 0 {
				break
			}
			b.WriteString(s[:end])
			s = s[end:]
			continue
		}
		end := strings.IndexByte(s, '\x1b')
		if end < 0 {
			end = len(s)
		}
		text := o.Cut(s[:end], room)
		b.WriteString(text)
		if text != s[:end] {
			b.WriteString("\x1b[0m")
			break
		}
		room -= Columns(text)
		s = s[end:]
	}
	return b.String()
}
