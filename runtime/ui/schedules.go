package ui

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/ticks"
)

func (u *UI) scheduleRoutes() []route {
	list := []route{
		{http.MethodGet, "/schedules", u.schedules},
		{http.MethodGet, "/schedules/{name}/backfill", u.askBackfill},
		{http.MethodPost, "/schedules/{name}/backfill", u.backfill},
	}
	for _, c := range scheduleChanges {
		list = append(list,
			route{http.MethodGet, "/schedules/{name}/" + c.name, u.askSchedule(c)},
			route{http.MethodPost, "/schedules/{name}/" + c.name, u.doSchedule(c)})
	}
	return list
}

// scheduleChange is something that can be done to a schedule.
type scheduleChange struct {
	name, text, title, effect, button, note string
	danger                                  bool
	able                                    func(*runtime.ScheduleInfo) bool
	// do returns the path of the page to go on to; empty: that of all schedules.
	do func(ctx context.Context, u *UI, name, key string) (string, error)
}

var scheduleChanges = []*scheduleChange{
	{
		name: "trigger", text: "Trigger", title: "Start a run of schedule", button: "Start a run now", note: "started",
		effect: "A run begins now, whatever the policies of the schedule, and counts as its last one. Its ticks stay as they are.",
		able:   func(s *runtime.ScheduleInfo) bool { return s.Defined },
		do: func(ctx context.Context, u *UI, name, key string) (string, error) {
			run, err := u.rt.TriggerSchedule(ctx, name, runtime.ID(key))
			return u.path("runs", run.ID), err
		},
	},
	{
		name: "pause", text: "Pause", title: "Pause schedule", button: "Pause the schedule", note: "paused", danger: true,
		effect: "No further run of it begins, after a restart neither, until it is resumed. Runs under way go on.",
		able:   func(s *runtime.ScheduleInfo) bool { return !s.Paused },
		do: func(ctx context.Context, u *UI, name, _ string) (string, error) {
			_, err := u.rt.PauseSchedule(ctx, name)
			return "", err
		},
	},
	{
		name: "resume", text: "Resume", title: "Resume schedule", button: "Resume the schedule", note: "resumed-schedule",
		effect: "It goes on with its next tick from now on. Those that came meanwhile are left out; backfill runs them.",
		able:   func(s *runtime.ScheduleInfo) bool { return s.Paused },
		do: func(ctx context.Context, u *UI, name, _ string) (string, error) {
			_, err := u.rt.ResumeSchedule(ctx, name)
			return "", err
		},
	},
}

// nextTicks is how many ticks of a schedule are shown.
const nextTicks = 5

// scheduleRow is a schedule as it is shown.
type scheduleRow struct {
	runtime.ScheduleInfo
	Words   string // of the spec; empty: it says it better itself
	Ticks   []tickTime
	Policy  string
	Actions []runAction
}

// tickTime is a tick in the zone of its schedule.
type tickTime struct {
	At    time.Time
	Local string
}

func (u *UI) rowOfSchedule(s runtime.ScheduleInfo, now time.Time, admin bool) scheduleRow {
	row := scheduleRow{ScheduleInfo: s, Words: specWords(s.Spec), Policy: policyWords(&s)}
	if t, err := ticks.Parse(s.Spec, s.Zone); err == nil && s.Defined {
		zone, err := time.LoadLocation(s.Zone)
		if err != nil {
			zone = time.UTC
		}
		at := now
		if !s.Next.IsZero() && s.Next.Before(now) {
			at = s.Next.Add(-time.Second) // it is late
		}
		for range nextTicks {
			if at = t.After(at); at.IsZero() {
				break
			}
			row.Ticks = append(row.Ticks, tickTime{at, at.In(zone).Format("Mon 2006-01-02 15:04:05 MST")})
		}
	}
	for _, c := range scheduleChanges {
		if admin && c.able(&s) {
			row.Actions = append(row.Actions, runAction{c.name, c.text, c.danger})
		}
	}
	if admin && s.Defined {
		row.Actions = append(row.Actions, runAction{"backfill", "Backfill", false})
	}
	return row
}

// Stamp is the tick for machines.
func (t tickTime) Stamp() string { return t.At.UTC().Format(stampForm) }

// policyWords says what is done about ticks that come at a bad time.
func policyWords(s *runtime.ScheduleInfo) string {
	if !s.Defined {
		return ""
	}
	var parts []string
	switch s.Overlap {
	case runtime.OverlapSkip:
		parts = append(parts, "a tick while a run is under way is left out")
	case runtime.OverlapQueue:
		parts = append(parts, "a tick while a run is under way waits for its end")
	case runtime.OverlapCancel:
		parts = append(parts, "a tick cancels the run that is under way")
	default:
		parts = append(parts, "runs may be under way beside one another")
	}
	within := ""
	if s.Within > 0 {
		within = " of the last " + briefly(s.Within)
	}
	switch s.Missed {
	case runtime.MissedSkip:
		parts = append(parts, "missed ticks are left out")
	case runtime.MissedAll:
		parts = append(parts, "all missed ticks"+within+" are run")
	default:
		parts = append(parts, "of missed ticks"+within+" the newest is run")
	}
	if s.Jitter > 0 {
		parts = append(parts, "each starts up to "+briefly(s.Jitter)+" late")
	}
	text := strings.Join(parts, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

type schedulesData struct{ Schedules []scheduleRow }

func (u *UI) schedules(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	infos, err := u.rt.Schedules(ctx)
	if err != nil {
		return err
	}
	d := schedulesData{}
	for _, s := range infos {
		d.Schedules = append(d.Schedules, u.rowOfSchedule(s, time.Now(), u.admin(r)))
	}
	return u.render(w, r, page{Name: "schedules", Title: "Schedules", Nav: "/schedules"}, d)
}

func (u *UI) scheduleInfo(ctx context.Context, r *http.Request) (runtime.ScheduleInfo, error) {
	name := mux.Vars(r)["name"]
	infos, err := u.rt.Schedules(ctx)
	if err != nil {
		return runtime.ScheduleInfo{}, err
	}
	i := slices.IndexFunc(infos, func(s runtime.ScheduleInfo) bool { return s.Name == name })
	if i < 0 {
		return runtime.ScheduleInfo{}, &pageError{http.StatusNotFound, "There is no schedule of this name."}
	}
	return infos[i], nil
}

func (u *UI) askSchedule(c *scheduleChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !u.admin(r) {
			return errViewer
		}
		ctx, cancel := bounded(r)
		defer cancel()
		s, err := u.scheduleInfo(ctx, r)
		if err != nil {
			return err
		}
		return u.confirm(w, r, "/schedules", confirmation{
			Title: c.title + " " + s.Name + "?", Text: c.effect, Action: u.path("schedules", s.Name, c.name),
			Button: c.button, Danger: c.danger, Back: u.cfg.Prefix + "/schedules",
			// With an id of its own a form that is sent twice starts one run.
			Fields: []field{{"key", s.Name + "@" + uuid.Must(uuid.NewV7()).String()}},
		})
	}
}

func (u *UI) doSchedule(c *scheduleChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return formError(err)
		}
		ctx, cancel := bounded(r)
		defer cancel()
		s, err := u.scheduleInfo(ctx, r)
		if err != nil {
			return err
		}
		key := r.PostForm.Get("key")
		if key == "" {
			key = s.Name + "@" + uuid.Must(uuid.NewV7()).String()
		}
		to, err := c.do(ctx, u, s.Name, key)
		if err != nil {
			return err
		}
		if to == "" {
			to = u.cfg.Prefix + "/schedules"
		}
		return u.redirect(w, r, to, c.note)
	}
}
