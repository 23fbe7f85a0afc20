package ui

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/ticks"
)

// backfillTime bounds the creation of the runs of one backfill.
const backfillTime = time.Minute

type backfillData struct {
	Info        runtime.ScheduleInfo
	Action      string
	From, Until textField
	Problem     string
	// Counted: the range was looked at, and has Count ticks, of which First and
	// Last are shown.
	Counted     bool
	Count       int
	First, Last time.Time
	Done        *runtime.Backfill
}

func (u *UI) askBackfill(w http.ResponseWriter, r *http.Request) error {
	if !u.admin(r) {
		return errViewer
	}
	ctx, cancel := bounded(r)
	defer cancel()
	s, err := u.scheduleInfo(ctx, r)
	if err != nil {
		return err
	}
	return u.backfillPage(w, r, 0, &backfillData{Info: s})
}

func (u *UI) backfillPage(w http.ResponseWriter, r *http.Request, status int, d *backfillData) error {
	d.Action = u.path("schedules", d.Info.Name, "backfill")
	return u.render(w, r, page{Name: "backfill", Title: "Backfill schedule " + d.Info.Name, Nav: "/schedules", Status: status}, d)
}

// backfill counts the ticks of a range first, and runs them when that is
// confirmed.
func (u *UI) backfill(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), backfillTime)
	defer cancel()
	s, err := u.scheduleInfo(ctx, r)
	if err != nil {
		return err
	}
	f := r.PostForm
	d := &backfillData{Info: s, From: textField{Value: f.Get("from")}, Until: textField{Value: f.Get("until")}}
	from, errFrom := parseTime(d.From.Value)
	until, errUntil := parseTime(d.Until.Value)
	for _, c := range []struct {
		f   *textField
		err error
	}{{&d.From, errFrom}, {&d.Until, errUntil}} {
		if c.err != nil {
			c.f.Error = c.err.Error()
		}
	}
	if errFrom == nil && errUntil == nil {
		d.count(from, until, time.Now())
	}
	if d.From.Error+d.Until.Error+d.Problem != "" {
		return u.backfillPage(w, r, http.StatusBadRequest, d)
	}
	if f.Get("do") != "start" || d.Count == 0 {
		return u.backfillPage(w, r, 0, d)
	}
	done, err := u.rt.BackfillSchedule(ctx, s.Name, from, until)
	status := 0
	if err != nil {
		if status, d.Problem = explain(err); status >= 500 && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	if len(done.Runs) > 0 {
		d.Done = &done
	}
	return u.backfillPage(w, r, status, d)
}

// count looks at the ticks from a moment, itself included, until another, which
// is not.
func (d *backfillData) count(from, until, now time.Time) {
	switch {
	case !from.Before(until):
		d.Until.Error = "Want a time after the first."
		return
	case until.After(now):
		d.Until.Error = "Want a time that has passed: those to come are run when they come."
		return
	case !d.Info.Defined:
		d.Problem = "The program does not define this schedule any more."
		return
	}
	t, err := ticks.Parse(d.Info.Spec, d.Info.Zone)
	if err != nil {
		d.Problem = err.Error()
		return
	}
	d.Counted = true
	for at := t.After(from.Add(-1)); !at.IsZero() && at.Before(until); at = t.After(at) {
		if d.Count == runtime.MaxBackfill {
			d.Until.Error = "More than " + numText(runtime.MaxBackfill) + " ticks: the first of them end before " + timeText(at) + "."
			d.Counted = false
			return
		}
		if d.Count == 0 {
			d.First = at
		}
		d.Count++
		d.Last = at
	}
}
