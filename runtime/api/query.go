package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stepwell/stepwell/store"
)

// checkQuery refuses parameters that the call does not know: a misspelt filter
// must not list everything.
func checkQuery(r *http.Request, allowed []param) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("malformed query: " + err.Error())
	}
	for key, values := range q {
		// It could not be shown again as it was given.
		if !utf8.ValidString(key + strings.Join(values, "")) {
			return invalid(fmt.Sprintf("parameter %.100q is not UTF-8", key))
		}
		i := slices.IndexFunc(allowed, func(p param) bool {
			return p.name == key || strings.HasSuffix(p.name, ".") && strings.HasPrefix(key, p.name)
		})
		switch {
		case i < 0 && len(allowed) == 0:
			return invalid(fmt.Sprintf("unknown parameter %.100q: this call takes none", key))
		case i < 0:
			return invalid(fmt.Sprintf("unknown parameter %.100q: want %s", key, listed(names(allowed))))
		case len(values) > 1 && !allowed[i].repeatable:
			return invalid(fmt.Sprintf("parameter %s is given %d times: want one", key, len(values)))
		}
	}
	return nil
}

func listed(params []string) string {
	names := make([]string, len(params))
	for i, p := range params {
		if strings.HasSuffix(p, ".") {
			p += "NAME"
		}
		names[i] = p
	}
	if len(names) == 1 {
		return names[0]
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func bad(name, value, want string) error {
	return invalid(fmt.Sprintf("%s is %.100q: want %s", name, value, want))
}

// waitParam reads ?wait=; zero when it is absent.
func waitParam(q url.Values) (time.Duration, error) {
	if !q.Has("wait") {
		return 0, nil
	}
	d, err := time.ParseDuration(q.Get("wait"))
	if err != nil || d < 0 || d > maxWait {
		return 0, bad("wait", q.Get("wait"), "a duration from 0s to 60s, such as 10s")
	}
	return d, nil
}

func durationParam(q url.Values, name string) (time.Duration, error) {
	if !q.Has(name) {
		return 0, nil
	}
	d, err := time.ParseDuration(q.Get(name))
	if err != nil || d < 0 {
		return 0, bad(name, q.Get(name), "a duration of 0s or more, such as 90s or 24h")
	}
	return d, nil
}

func intParam(q url.Values, name string, def, low, high int) (int, error) {
	if !q.Has(name) {
		return def, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < low || n > high {
		return 0, bad(name, q.Get(name), fmt.Sprintf("a whole number from %d to %d", low, high))
	}
	return n, nil
}

// timeParam reads a time, or a duration counted from now: sign says whether
// forward or back.
func timeParam(q url.Values, name string, now time.Time, sign time.Duration) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	v := q.Get(name)
	if d, err := time.ParseDuration(v); err == nil && d >= 0 {
		return now.Add(sign * d), nil
	}
	// A + in a query means a space, and clients forget.
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(v, " ", "+"))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		from := "after"
		if sign < 0 {
			from = "before"
		}
		return time.Time{}, bad(name, v, "a time such as 2026-01-31T12:00:00Z, or a duration "+from+" now such as 1h")
	}
	return t, nil
}

func labelParams(q url.Values) map[string]string {
	var labels map[string]string
	for key := range q {
		if name, ok := strings.CutPrefix(key, "label."); ok {
			if labels == nil {
				labels = map[string]string{}
			}
			labels[name] = q.Get(key)
		}
	}
	return labels
}

func statusParams(q url.Values) ([]store.Status, error) {
	var statuses []store.Status
	for _, v := range q["status"] {
		for name := range strings.SplitSeq(v, ",") {
			st, err := store.ParseStatus(name)
			if err != nil {
				return nil, invalid(err.Error())
			}
			statuses = append(statuses, st)
		}
	}
	return statuses, nil
}
