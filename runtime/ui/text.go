package ui

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

const stampForm = "2006-01-02T15:04:05.000000Z"

// timeText is a time as people read it: UTC, to the second.
func timeText(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// agoHTML is a time as the distance from now, with the time itself beside it
// for machines and the curious; app.js keeps it up to date.
func agoHTML(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "–"
	}
	// Nothing in it is from outside.
	return template.HTML(`<time datetime="` + t.UTC().Format(stampForm) + `" title="` + timeText(t) + ` UTC" data-ago>` + agoText(t, now) + `</time>`)
}

// sinceHTML is how long ago a time was, which app.js keeps up to date.
func sinceHTML(t, now time.Time) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(stampForm) + `" title="since ` + timeText(t) + ` UTC" data-since>` + roughly(max(0, now.Sub(t))) + `</time>`)
}

func agoText(t, now time.Time) string {
	if d := t.Sub(now); d > 0 {
		return "in " + roughly(d)
	}
	return roughly(now.Sub(t)) + " ago"
}

// roughly is a duration in its largest unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + " h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " d"
}

// spanText is a duration with about three digits.
func spanText(d time.Duration) string {
	switch {
	case d < 0:
		return "–"
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// numText is a whole number with thin spaces between its thousands.
func numText(n any) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return sign + s
}

// bytesText is a size; below zero it is not known.
func bytesText(n int64) string {
	switch {
	case n < 0:
		return "unknown"
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// clip is the beginning of a text of which a list shows one or two lines.
func clip(s string) string {
	const most = 300
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// plural is the number with the word, which gets an s unless it is one.
func plural(n any, word string) string {
	if fmt.Sprint(n) == "1" {
		return "1 " + word
	}
	return numText(n) + " " + word + "s"
}
