package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// scheduleJSON is a schedule as clients see it. What is not there is left out;
// the policies of one that the program has no more are unknown.
type scheduleJSON struct {
	Name     string                `json:"name"`
	Workflow string                `json:"workflow"`
	Spec     string                `json:"spec"`
	Zone     string                `json:"zone"`
	Defined  bool                  `json:"defined"`
	Paused   bool                  `json:"paused"`
	NextAt   stamp                 `json:"next_at,omitzero"`
	Behind   string                `json:"behind,omitzero"`
	LastTick stamp                 `json:"last_tick,omitzero"`
	LastRun  string                `json:"last_run,omitzero"`
	Started  int64                 `json:"started"`
	Skipped  int64                 `json:"skipped"`
	Missed   *runtime.MissedPolicy `json:"missed,omitempty"`
	// Within and Jitter are durations such as 1h0m0s.
	Within  string                 `json:"within,omitzero"`
	Overlap *runtime.OverlapPolicy `json:"overlap,omitempty"`
	Jitter  string                 `json:"jitter,omitzero"`
}

func scheduleOf(s *runtime.ScheduleInfo) scheduleJSON {
	v := scheduleJSON{
		Name: s.Name, Workflow: s.Workflow, Spec: s.Spec, Zone: s.Zone, Defined: s.Defined, Paused: s.Paused,
		NextAt: stamp{s.Next}, Behind: s.Behind, LastTick: stamp{s.LastTick}, LastRun: s.LastRun,
		Started: s.Started, Skipped: s.Skipped,
	}
	if s.Defined {
		v.Missed, v.Overlap = &s.Missed, &s.Overlap
	}
	if s.Within > 0 {
		v.Within = s.Within.String()
	}
	if s.Jitter > 0 {
		v.Jitter = s.Jitter.String()
	}
	return v
}

func (a *api) schedules(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	all, err := a.rt.Schedules(ctx)
	if err != nil {
		return err
	}
	list := []scheduleJSON{}
	for i := range all {
		list = append(list, scheduleOf(&all[i]))
	}
	return answer(w, http.StatusOK, map[string]any{"schedules": list})
}

func scheduleName(r *http.Request) string { return mux.Vars(r)["name"] }

func (a *api) pauseSchedule(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	s, err := a.rt.PauseSchedule(ctx, scheduleName(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, scheduleOf(&s))
}

func (a *api) resumeSchedule(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	s, err := a.rt.ResumeSchedule(ctx, scheduleName(r))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, scheduleOf(&s))
}

// triggerSchedule starts a run of the schedule now; an Idempotency-Key, or
// ?id=, makes it repeatable.
func (a *api) triggerSchedule(w http.ResponseWriter, r *http.Request) error {
	if a.closing() {
		return runtime.ErrDraining
	}
	id, err := idOf(r, r.URL.Query())
	if err != nil {
		return err
	}
	var opts []runtime.StartOption
	if id != "" {
		opts = append(opts, runtime.ID(id))
	}
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := a.rt.TriggerSchedule(ctx, scheduleName(r), opts...)
	if err != nil {
		return err
	}
	a.locate(w, run.ID)
	return answer(w, http.StatusAccepted, a.runOf(&run))
}

// backfillSchedule starts the runs of the ticks in a range.
func (a *api) backfillSchedule(w http.ResponseWriter, r *http.Request) error {
	if a.closing() {
		return runtime.ErrDraining
	}
	data, release, err := a.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	var v struct {
		From  string `json:"from"`
		Until string `json:"until"`
	}
	if len(data) == 0 {
		return invalid(`the body is empty: want a range such as {"from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}`)
	}
	if err := decodeStrictly(data, &v); err != nil {
		return err
	}
	q, now := url.Values{"from": {v.From}, "until": {v.Until}}, time.Now()
	if v.Until == "" {
		q.Set("until", "0s")
	}
	from, err := timeParam(q, "from", now, -1)
	if err != nil {
		return err
	}
	until, err := timeParam(q, "until", now, -1)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	b, err := a.rt.BackfillSchedule(ctx, scheduleName(r), from, until)
	if err != nil {
		return err
	}
	return answer(w, http.StatusAccepted, map[string]any{"runs": b.Runs, "created": b.Created})
}
