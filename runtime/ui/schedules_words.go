package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// specWords says in words when a schedule has its ticks; empty for what would
// take more words than the expression is worth.
func specWords(spec string) string {
	if text, ok := strings.CutPrefix(spec, "@every "); ok {
		if d, err := time.ParseDuration(text); err == nil {
			return "every " + briefly(d)
		}
		return ""
	}
	if words, ok := descriptors[spec]; ok {
		return words
	}
	f := strings.Fields(spec)
	seconds := "0"
	if len(f) == 6 {
		seconds, f = f[0], f[1:]
	}
	if len(f) != 5 {
		return ""
	}
	minute, hour, dom, month, dow := f[0], f[1], f[2], f[3], f[4]
	if month != "*" && month != "?" {
		return ""
	}
	days := dayWords(dom, dow)
	if n, ok := step(seconds); ok && minute == "*" && hour == "*" && days == "every day" {
		return every(n, "second")
	}
	if seconds != "0" || days == "" {
		return ""
	}
	on := ""
	if days != "every day" {
		on = ", " + days
	}
	if n, ok := step(minute); ok && hour == "*" {
		return every(n, "minute") + on
	}
	m, err := strconv.Atoi(minute)
	if err != nil || m < 0 || m > 59 {
		return ""
	}
	if n, ok := step(hour); ok {
		if m == 0 {
			return every(n, "hour") + on
		}
		return fmt.Sprintf("%s, %d min past%s", every(n, "hour"), m, on)
	}
	var times []string
	for part := range strings.SplitSeq(hour, ",") {
		h, err := strconv.Atoi(part)
		if err != nil || h < 0 || h > 23 || len(times) == 4 {
			return ""
		}
		times = append(times, fmt.Sprintf("%02d:%02d", h, m))
	}
	return days + " at " + strings.Join(times, ", ")
}

var descriptors = map[string]string{
	"@hourly": "every hour", "@daily": "every day at 00:00", "@midnight": "every day at 00:00", "@weekly": "on Sunday at 00:00",
	"@monthly": "on day 1 of the month at 00:00", "@yearly": "on 1 January at 00:00", "@annually": "on 1 January at 00:00",
}

// step reads * and */N.
func step(field string) (int, bool) {
	if field == "*" {
		return 1, true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(field, "*/"))
	return n, err == nil && n > 0 && strings.HasPrefix(field, "*/")
}

func every(n int, unit string) string {
	if n == 1 {
		return "every " + unit
	}
	return fmt.Sprintf("every %d %ss", n, unit)
}

var weekdays = map[string]string{
	"0": "Sunday", "1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday", "6": "Saturday",
	"sun": "Sunday", "mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday",
}

// dayWords says on which days; empty: it is not simple.
func dayWords(dom, dow string) string {
	anyDom, anyDow := dom == "*" || dom == "?", dow == "*" || dow == "?"
	switch {
	case anyDom && anyDow:
		return "every day"
	case anyDom:
		if from, to, ok := strings.Cut(strings.ToLower(dow), "-"); ok && weekdays[from] != "" && weekdays[to] != "" {
			return "from " + weekdays[from] + " to " + weekdays[to]
		}
		var names []string
		for part := range strings.SplitSeq(strings.ToLower(dow), ",") {
			if weekdays[part] == "" {
				return ""
			}
			names = append(names, weekdays[part])
		}
		return "on " + strings.Join(names, ", ")
	case anyDow:
		if n, err := strconv.Atoi(dom); err == nil && n > 0 {
			return fmt.Sprintf("on day %d of the month", n)
		}
	}
	return ""
}
