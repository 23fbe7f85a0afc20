package api

import (
	"net/http"
	"net/url"
	"reflect"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// scheduleJSON is a schedule as clients see it. What is not there is left out;
// the policies of one that the program has no more are unknown.
type scheduleJSON struct {
	Name     string                `json:"name" jsonschema:"its name"`
	Workflow string                `json:"workflow" jsonschema:"the workflow it starts"`
	Spec     string                `json:"spec" jsonschema:"when: a cron specification"`
	Zone     string                `json:"zone" jsonschema:"the time zone of the specification"`
	Defined  bool                  `json:"defined" jsonschema:"the program has it; one that it has not does nothing"`
	Paused   bool                  `json:"paused" jsonschema:"it starts nothing"`
	NextAt   stamp                 `json:"next_at,omitzero" jsonschema:"its next tick"`
	Behind   string                `json:"behind,omitzero" jsonschema:"why a tick that is due has to wait"`
	LastTick stamp                 `json:"last_tick,omitzero" jsonschema:"the newest tick that was run"`
	LastRun  string                `json:"last_run,omitzero" jsonschema:"its run"`
	Started  int64                 `json:"started" jsonschema:"how many runs it has started"`
	Skipped  int64                 `json:"skipped" jsonschema:"how many ticks were left out because a run was still under way"`
	Missed   *runtime.MissedPolicy `json:"missed,omitempty" jsonschema:"what is done about missed ticks"`
	// Within and Jitter are durations such as 1h0m0s.
	Within  string                 `json:"within,omitzero" jsonschema:"how far back missed ticks are run, a duration"`
	Overlap *runtime.OverlapPolicy `json:"overlap,omitempty" jsonschema:"what is done about a tick while the last run is under way"`
	Jitter  string                 `json:"jitter,omitzero" jsonschema:"by how much at most a run is delayed at random, a duration"`
}

type schedulesJSON struct {
	Schedules []scheduleJSON `json:"schedules" jsonschema:"the schedules, by name"`
}

// backfillRange is the body of a backfill.
type backfillRange struct {
	From  moment `json:"from" jsonschema:"the time of the first tick; a duration counts back from now"`
	Until moment `json:"until,omitempty" jsonschema:"before this time; a duration counts back from now. Without it: now"`
}

type backfillJSON struct {
	Runs    []string `json:"runs" jsonschema:"the ids of the runs of these ticks"`
	Created int      `json:"created" jsonschema:"how many of them were created now"`
}

var exampleSchedule = scheduleJSON{
	Name: "nightly", Workflow: "report", Spec: "0 3 * * *", Zone: "Europe/Berlin", Defined: true, NextAt: exampleTime(3600),
	LastTick: exampleTime(0), LastRun: "nightly@2026-01-31T02:00:00Z", Started: 31, Missed: new(runtime.MissedOne), Overlap: new(runtime.OverlapSkip),
}

func scheduleOp(id, summary string) operation {
	return operation{
		id: id, tag: "schedules", summary: summary,
		replies: []reply{{status: http.StatusOK, text: "the schedule", of: reflect.TypeFor[scheduleJSON](), example: exampleSchedule}},
		codes:   []string{"not_found", "conflict"}, depth: writing,
	}
}

var (
	schedulesOp = tagged(operation{
		id: "listSchedules", tag: "schedules", summary: "All schedules",
		replies: []reply{{status: http.StatusOK, text: "the schedules", of: reflect.TypeFor[schedulesJSON](), example: schedulesJSON{[]scheduleJSON{exampleSchedule}}}},
		depth:   reading,
	})
	pauseScheduleOp   = scheduleOp("pauseSchedule", "Let a schedule start nothing")
	resumeScheduleOp  = scheduleOp("resumeSchedule", "Let a schedule go on")
	triggerScheduleOp = operation{
		id: "triggerSchedule", tag: "schedules", summary: "Start a run of a schedule now",
		query:   startParams("id"),
		headers: []param{idempotencyParam},
		replies: []reply{{status: http.StatusAccepted, text: "the run", of: reflect.TypeFor[runJSON](), example: exampleRun, headers: location}},
		codes:   []string{"not_found", "conflict", "exists"}, depth: writing,
	}
	backfillScheduleOp = operation{
		id: "backfillSchedule", tag: "schedules", summary: "Start the runs of the ticks in a range",
		text: "A tick that has its run already gets no second one.",
		body: &body{text: "the range", schema: bodySchema[backfillRange](), required: true, example: backfillRange{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"}},
		replies: []reply{{status: http.StatusAccepted, text: "the runs", of: reflect.TypeFor[backfillJSON](),
			example: backfillJSON{[]string{"nightly@2026-01-01T02:00:00Z"}, 1}}},
		codes: []string{"not_found", "conflict"}, depth: writing,
	}
)

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
	return answerRead(w, r, schedulesJSON{list})
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
	var v backfillRange
	if len(data) == 0 {
		return invalid(`the body is empty: want a range such as {"from":"2026-01-01T00:00:00Z","until":"2026-02-01T00:00:00Z"}`)
	}
	if err := decodeStrictly(data, &v); err != nil {
		return err
	}
	q := url.Values{"from": {string(v.From)}, "until": {string(v.Until)}}
	now := time.Now().Truncate(time.Microsecond) // as the engine's is, or now were in its future
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
	return answer(w, http.StatusAccepted, backfillJSON{b.Runs, b.Created})
}
