package term

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sample() *Table {
	t := &Table{Head: []string{"ID", "NAME", "STATUS", "ERROR"}, Shrink: []int{1, 3}, Style: func(i int, s string) Style {
		if i == 2 {
			return StyleOf(s)
		}
		return Plain
	}}
	t.Row("a-rather-long-id-that-stays", "名前は長いです", "failed", "something went wrong and says so at length")
	t.Row("b", "", "succeeded", "")
	t.Row("c", "evil \x1b[2J", "running", "two\nlines")
	return t
}

func TestTableInAPipe(t *testing.T) {
	want := []string{
		"ID                           NAME            STATUS     ERROR",
		"a-rather-long-id-that-stays  名前は長いです  failed     something went wrong and says so at length",
		"b                            -               succeeded",
		"c                            evil \uFFFD[2J       running    two lines",
	}
	if diff := cmp.Diff(want, sample().Lines(&Out{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTableInATerminal(t *testing.T) {
	for width := 12; width < 130; width++ {
		o := &Out{Terminal: true, Unicode: true, size: func() (int, int, error) { return width, 24, nil }}
		lines := sample().Lines(o)
		if len(lines) != 4 {
			t.Fatalf("%d lines at width %d", len(lines), width)
		}
		for _, l := range lines {
			if Columns(l) > width {
				t.Errorf("%d columns at width %d: %s", Columns(l), width, l)
			}
		}
		if width >= 64 && !strings.HasPrefix(lines[1], "a-rather-long-id-that-stays  名") {
			t.Errorf("at width %d the id was cut: %s", width, lines[1])
		}
	}
	o := &Out{Terminal: true, Unicode: true, Color: true, size: func() (int, int, error) { return 70, 24, nil }}
	want := "a-rather-long-id-that-stays  名前は長いです  \x1b[31mfailed\x1b[0m     something wen…"
	if got := sample().Lines(o)[1]; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
