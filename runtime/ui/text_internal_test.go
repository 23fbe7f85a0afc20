package ui

import (
	"strings"
	"testing"
	"time"
)

func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		spanText(0): "0 s", spanText(-1): "–", spanText(42 * time.Microsecond): "42 µs", spanText(1234 * time.Microsecond): "1.2 ms",
		spanText(250 * time.Millisecond): "250 ms", spanText(1500 * time.Millisecond): "1.5 s", spanText(65 * time.Second): "1 min 5 s",
		spanText(90 * time.Minute): "1 h 30 min", spanText(50 * time.Hour): "2 d 2 h",
		numText(0): "0", numText(999): "999", numText(1000): "1\u202f000", numText(-1234567): "-1\u202f234\u202f567",
		bytesText(-1): "unknown", bytesText(1023): "1023 B", bytesText(1536): "1.5 KiB", bytesText(3 << 30): "3.0 GiB",
		plural(1, "run"): "1 run", plural(int64(2000), "run"): "2\u202f000 runs", plural(0, "run"): "0 runs",
		shortNum(0.25): "0.2", shortNum(7): "7", shortNum(12.6): "13", shortNum(1234): "1\u202f234", shortNum(45678): "46 k", shortNum(2.5e6): "2.5 M",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if long := strings.Repeat("é", 400); clip(long) != long[:600]+"…" || clip(long[:600]) != long[:600] {
		t.Errorf("clipped to %q", clip(long))
	}
	now := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{-3 * time.Second: "3 s ago", -25 * time.Hour: "25 h ago", 90 * time.Second: "in 1 min", -72 * time.Hour: "3 d ago"} {
		if got := agoText(now.Add(d), now); got != want {
			t.Errorf("%v from now: %q, want %q", d, got, want)
		}
	}
	if got := string(sinceHTML(now.Add(-time.Hour), now)); !strings.Contains(got, "data-since>1 h<") {
		t.Error(got)
	}
	if got := string(agoHTML(now, now)); got != `<time datetime="2026-01-02T00:00:00.000000Z" title="2026-01-02 00:00:00 UTC" data-ago>0 s ago</time>` {
		t.Error(got)
	}
}
