package term

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                        "plain",
		" two\n lines\t here ":         "two lines here",
		"a  b":                         "a b",
		"\x1b[2J\x1b]0;title\x07gone":  "\uFFFD[2J\uFFFD]0;title\uFFFDgone",
		"c1 \u009b31m":                 "c1 \uFFFD31m",
		"bidi \u202egnp.exe":           "bidi \uFFFDgnp.exe",
		"日本 语":                         "日本 语",
		"back\bspace and\rcarriage":    "back\uFFFDspace and carriage",
		"nul\x00":                      "nul\uFFFD",
		"":                             "",
		"family 👩\u200d👩\u200d👧 stays": "family 👩\u200d👩\u200d👧 stays",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) is %q, want %q", in, got, want)
		}
	}
}

// FuzzClean: whatever comes in, nothing comes out that a terminal obeys.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[31m red \u202e")
	f.Add("a\n\n b\xff\xfe")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		for _, r := range got {
			if commands(r) {
				t.Fatalf("Clean(%q) leaves %q", s, r)
			}
		}
		if again := Clean(got); again != got {
			t.Fatalf("Clean(%q) is %q, and cleaned again %q", s, got, again)
		}
	})
}

func TestColumnsAndCut(t *testing.T) {
	rich, plain := &Out{Unicode: true}, &Out{}
	for _, c := range []struct {
		text    string
		columns int
		n       int
		rich    string
		plain   string
	}{
		{"hello", 5, 5, "hello", "hello"},
		{"hello", 5, 4, "hel…", "h..."},
		{"日本語", 6, 5, "日本…", "日..."},
		{"日本語", 6, 4, "日…", "..."},
		{"e\u0301a", 2, 2, "e\u0301a", "e\u0301a"},
		{"hello", 5, 1, "…", "h"},
		{"hello", 5, 0, "", ""},
	} {
		if got := Columns(c.text); got != c.columns {
			t.Errorf("%q takes %d columns, want %d", c.text, got, c.columns)
		}
		if got := rich.Cut(c.text, c.n); got != c.rich {
			t.Errorf("%q cut to %d is %q, want %q", c.text, c.n, got, c.rich)
		}
		if got := plain.Cut(c.text, c.n); got != c.plain {
			t.Errorf("%q cut to %d in ASCII is %q, want %q", c.text, c.n, got, c.plain)
		}
	}
}

func TestLocale(t *testing.T) {
	for env, want := range map[string]bool{
		"LANG=de_DE.UTF-8": true, "LANG=C.utf8": true, "LANG=C": false, "LANG=de_DE.ISO-8859-1": false,
		"LC_ALL=C LANG=de_DE.UTF-8": false, "LC_CTYPE=C.UTF-8 LANG=C": true,
	} {
		getenv := func(name string) string {
			for kv := range strings.FieldsSeq(env) {
				if v, ok := strings.CutPrefix(kv, name+"="); ok {
					return v
				}
			}
			return ""
		}
		if got := To(&strings.Builder{}, getenv); got.Unicode != want || got.Terminal || got.Color {
			t.Errorf("with %s: %+v, want Unicode %v, and no terminal", env, got, want)
		}
	}
}
