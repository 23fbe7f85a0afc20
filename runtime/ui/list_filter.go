package ui

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

const (
	defaultRows = 100
	// mostRows is how many runs one page lists when it is asked to.
	mostRows = 10_000
	// mostLabels bounds the labels of one filter.
	mostLabels = 20
	// mostTrail is how many pages back the link to newer runs knows.
	mostTrail = 50
)

// listFilter is the filter of the list as its URL has it. The parameters are
// those of GET /v1/runs, but for label=NAME=VALUE, which a form can send, and
// before, which is readable.
type listFilter struct {
	Statuses []string
	Labels   []string // NAME=VALUE
	ID       string   // the beginning of it
	Workflow string
	Queue    string // "-" are the runs without one
	Version  string
	Parent   string
	Since    string
	Until    string
	Limit    int
	Before   int64
	Trail    []int64 // Before of the pages that lead here
}

// readFilter reads a filter from a query or a form. It returns what it can even
// with an error, so that the form shows what was typed.
func readFilter(q url.Values) (listFilter, error) {
	var errs []error
	f := listFilter{
		ID: strings.TrimSpace(q.Get("id")), Workflow: strings.TrimSpace(q.Get("workflow")), Queue: strings.TrimSpace(q.Get("queue")),
		Version: strings.TrimSpace(q.Get("version")), Parent: strings.TrimSpace(q.Get("parent")),
		Since: strings.TrimSpace(q.Get("since")), Until: strings.TrimSpace(q.Get("until")), Limit: defaultRows,
	}
	for _, s := range q["status"] {
		if s == "" || slices.Contains(f.Statuses, s) {
			continue
		}
		if _, err := store.ParseStatus(s); err != nil {
			errs = append(errs, err)
			continue
		}
		f.Statuses = append(f.Statuses, s)
	}
	for _, l := range q["label"] {
		name, _, found := strings.Cut(l, "=")
		switch {
		case strings.TrimSpace(l) == "" || slices.Contains(f.Labels, l):
			continue
		case !found || name == "":
			errs = append(errs, fmt.Errorf("label is %.100q: want NAME=VALUE", l))
			continue
		}
		f.Labels = append(f.Labels, l)
	}
	if len(f.Labels) > mostLabels {
		errs = append(errs, fmt.Errorf("%d labels: want at most %d", len(f.Labels), mostLabels))
		f.Labels = f.Labels[:mostLabels]
	}
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > mostRows {
			errs = append(errs, fmt.Errorf("limit is %.40q: want a whole number from 1 to %d", v, mostRows))
		} else {
			f.Limit = n
		}
	}
	if v := q.Get("before"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 1 {
			errs = append(errs, fmt.Errorf("before is %.40q: want the number of a run", v))
		} else {
			f.Before = n
		}
	}
	for part := range strings.SplitSeq(q.Get("trail"), ".") {
		if n, err := strconv.ParseInt(part, 10, 64); err == nil && n >= 0 && len(f.Trail) < mostTrail {
			f.Trail = append(f.Trail, n)
		}
	}
	_, err := f.filter(time.Now())
	return f, errors.Join(append(errs, err)...)
}

// filter is the engine's form of it. Inputs and outputs are not read.
func (f *listFilter) filter(now time.Time) (out runtime.Filter, err error) {
	out = runtime.Filter{IDPrefix: f.ID, Workflow: f.Workflow, Version: f.Version, ParentID: f.Parent, Before: f.Before, Bare: true}
	for _, s := range f.Statuses {
		st, err := store.ParseStatus(s)
		if err != nil {
			return out, err
		}
		out.Statuses = append(out.Statuses, st)
	}
	for _, l := range f.Labels {
		name, value, _ := strings.Cut(l, "=")
		if out.Labels == nil {
			out.Labels = map[string]string{}
		}
		out.Labels[name] = value
	}
	switch f.Queue {
	case "":
	case "-":
		out.Queue = new(string)
	default:
		out.Queue = &f.Queue
	}
	if f.Since != "" {
		if out.Since, err = readTime("since", f.Since, now); err != nil {
			return out, err
		}
	}
	if f.Until != "" {
		if out.Until, err = readTime("until", f.Until, now); err != nil {
			return out, err
		}
	}
	return out, nil
}

// readTime reads a moment, or how long ago it was.
func readTime(name, v string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(v); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(form, v); err == nil && t.Year() >= 1970 && t.Year() <= 9999 {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is %.100q: want a time such as 2026-01-31 12:00 (UTC), or how long ago, such as 1h", name, v)
}

// fix turns times that are told as how long ago into those they are now, so
// that the filter means the same later. The filter was read without an error.
func (f *listFilter) fix(now time.Time) {
	for name, v := range map[string]*string{"since": &f.Since, "until": &f.Until} {
		if t, err := readTime(name, *v, now); err == nil {
			*v = t.UTC().Format(time.RFC3339Nano)
		}
	}
}

// query is the filter as parameters of a URL, without the place in the list.
func (f *listFilter) query() url.Values {
	q := url.Values{}
	for _, s := range f.Statuses {
		q.Add("status", s)
	}
	for _, l := range f.Labels {
		q.Add("label", l)
	}
	for name, v := range map[string]string{
		"id": f.ID, "workflow": f.Workflow, "queue": f.Queue, "version": f.Version, "parent": f.Parent, "since": f.Since, "until": f.Until,
	} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if f.Limit != defaultRows {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

// url is the address of the list with the filter, from its beginning.
func (u *UI) listURL(q url.Values) string {
	if len(q) == 0 {
		return u.path("runs")
	}
	return u.path("runs") + "?" + q.Encode()
}

// older is the filter of the page after the run with the number.
func (f *listFilter) older(seq int64) url.Values {
	q := f.query()
	q.Set("before", strconv.FormatInt(seq, 10))
	q.Set("trail", joinTrail(append(slices.Clone(f.Trail), f.Before)))
	return q
}

// newer is the filter of the page before this one.
func (f *listFilter) newer() url.Values {
	q := f.query()
	if n := len(f.Trail); n > 0 && f.Trail[n-1] > 0 {
		q.Set("before", strconv.FormatInt(f.Trail[n-1], 10))
		q.Set("trail", joinTrail(f.Trail[:n-1]))
	}
	return q
}

func joinTrail(trail []int64) string {
	if len(trail) > mostTrail {
		trail = trail[len(trail)-mostTrail:]
	}
	parts := make([]string, len(trail))
	for i, n := range trail {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(parts, ".")
}

// chip is one condition of the filter, with the address of the list without it.
type chip struct{ Name, Value, URL string }

// chips are the conditions but for the status, which has links of its own.
func (u *UI) chips(f *listFilter) (chips []chip) {
	add := func(name, param, value string) {
		q := f.query()
		q[param] = slices.DeleteFunc(q[param], func(v string) bool { return v == value })
		if len(q[param]) == 0 {
			delete(q, param)
		}
		chips = append(chips, chip{name, value, u.listURL(q)})
	}
	for _, c := range []struct{ name, param, value string }{
		{"id begins with", "id", f.ID}, {"workflow", "workflow", f.Workflow}, {"queue", "queue", f.Queue}, {"version", "version", f.Version},
		{"child of", "parent", f.Parent}, {"since", "since", f.Since}, {"until", "until", f.Until},
	} {
		if c.value != "" {
			add(c.name, c.param, c.value)
		}
	}
	for _, l := range f.Labels {
		add("label", "label", l)
	}
	return chips
}

// toggle is the address of the list with the status put in or taken out.
func (u *UI) toggle(f *listFilter, status string) string {
	g := *f
	if slices.Contains(f.Statuses, status) {
		g.Statuses = slices.DeleteFunc(slices.Clone(f.Statuses), func(s string) bool { return s == status })
	} else {
		g.Statuses = append(slices.Clone(f.Statuses), status)
	}
	return u.listURL(g.query())
}
