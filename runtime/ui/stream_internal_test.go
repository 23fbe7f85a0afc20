package ui

import (
	"testing"
	"time"
)

func TestAgeless(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	fragment := func(begun, now time.Time) string {
		return "<p>a" + string(agoHTML(begun, now)) + "b" + string(sinceHTML(begun, now)) + "c</p>"
	}
	a, b := ageless([]byte(fragment(at, at.Add(time.Second)))), ageless([]byte(fragment(at, at.Add(time.Hour))))
	if string(a) != string(b) {
		t.Errorf("the same at two times:\n%s\n%s", a, b)
	}
	if c := ageless([]byte(fragment(at.Add(time.Second), at.Add(time.Hour)))); string(a) == string(c) {
		t.Errorf("another time is taken for the same: %s", c)
	}
	for _, s := range []string{"", "<time ", "<time x>", "</time><time >", "a<b"} {
		if got := string(ageless([]byte(s))); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}
