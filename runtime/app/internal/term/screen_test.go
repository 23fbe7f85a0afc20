package term

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestScreen: only what changed is written.
func TestScreen(t *testing.T) {
	var b strings.Builder
	w, h := 20, 4
	o := &Out{Writer: &b, Terminal: true, Color: true, Unicode: true, size: func() (int, int, error) { return w, h, nil }}
	s, err := o.Open()
	if err != nil {
		t.Fatal(err)
	}
	step := func(what, want string, lines ...string) {
		t.Helper()
		b.Reset()
		if err := s.Draw(lines); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%s: got\n%q, want\n%q", what, b.String(), want)
		}
	}
	if b.String() != "\x1b[?1049h\x1b[?25l" {
		t.Errorf("open: %q", b.String())
	}
	step("first", "\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K", "one", "two")
	step("the same", "", "one", "two")
	step("one line changed", "\x1b[2;1HTWO\x1b[K", "one", "TWO")
	step("one line less", "\x1b[2;1H\x1b[K", "one")
	step("too long, with colours", "\x1b[1;1H\x1b[31mabcdefghij\x1b[0m klmnopqr…\x1b[0m\x1b[K", "\x1b[31mabcdefghij\x1b[0m klmnopqrstuvw")
	step("too many", "\x1b[1;1H1\x1b[K\x1b[2;1H2\x1b[K\x1b[3;1H3\x1b[K\x1b[4;1H\x1b[2m(2 more lines)\x1b[0m\x1b[K", "1", "2", "3", "4", "5")
	w = 30
	step("another size", "\x1b[2J\x1b[1;1H1\x1b[K", "1")
	b.Reset()
	s.Close()
	if b.String() != "\x1b[?25h\x1b[?1049l" {
		t.Errorf("close: %q", b.String())
	}
}

func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		o := &Out{Writer: &b, Terminal: true, Unicode: true, size: func() (int, int, error) { return 70, 24, nil }}
		p := o.Progress("cancel", 200)
		p.Set(50, "50 cancelled")
		time.Sleep(150 * time.Millisecond)
		synctest.Wait()
		want := "\rcancel  ██████░░░░░░░░░░░░░░░░░░  50/200  50 cancelled  0s\x1b[K"
		if b.String() != want {
			t.Errorf("got\n%q, want\n%q", b.String(), want)
		}
		b.Reset()
		p.Set(100, "")
		p.Above(func() error { b.WriteString("a result\n"); return nil })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := b.String(); !strings.HasPrefix(got, "\r\x1b[Ka result\n") || !strings.HasSuffix(got, "100/200  2s  about 2s left\x1b[K") {
			t.Errorf("got %q", got)
		}
		p.End()
		if got := b.String(); !strings.HasSuffix(got, "left\x1b[K\r\x1b[K") {
			t.Errorf("at the end the line stays: %q", got)
		}
	})
}

func TestProgressInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		p := (&Out{Writer: &b}).Progress("delete", 0)
		p.Set(3, "3 deleted")
		time.Sleep(11 * time.Second)
		p.End()
		if want := "delete  3 deleted  5s\ndelete  3 deleted  10s\n"; b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	})
}
