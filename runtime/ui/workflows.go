package ui

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/schema"
	"github.com/stepwell/stepwell/store"
)

func (u *UI) workflowRoutes() []route {
	return []route{
		{http.MethodGet, "/workflows", u.workflows},
		{http.MethodGet, "/workflows/{name}", u.workflow},
		{http.MethodPost, "/workflows/{name}", u.startRun},
	}
}

// recentRuns is how many of the newest runs are counted by workflow. There is
// no count of all: it would read them all.
const recentRuns = 1000

type workflowRow struct {
	runtime.WorkflowInfo
	Counts []statusCount // among the recent runs
}

type workflowsData struct {
	Workflows []workflowRow
	Counted   int
}

// workflows lists what is registered.
func (u *UI) workflows(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	runs, err := u.rt.List(ctx, runtime.Filter{Limit: recentRuns, Bare: true})
	if err != nil {
		return err
	}
	counts := map[string]*[9]int64{}
	for i := range runs {
		c := counts[runs[i].Workflow]
		if c == nil {
			c = &[9]int64{}
			counts[runs[i].Workflow] = c
		}
		c[runs[i].Status]++
	}
	d := workflowsData{Counted: len(runs)}
	for _, info := range u.rt.Workflows() {
		row := workflowRow{WorkflowInfo: info}
		if c := counts[info.Name]; c != nil {
			for _, s := range store.Statuses() {
				if c[s] > 0 {
					row.Counts = append(row.Counts, statusCount{s, c[s]})
				}
			}
		}
		d.Workflows = append(d.Workflows, row)
	}
	return u.render(w, r, page{Name: "workflows", Title: "Workflows", Nav: "/workflows"}, d)
}

// workflowData is the page of one workflow with the form that starts a run.
type workflowData struct {
	Info    runtime.WorkflowInfo
	Action  string
	Admin   bool
	Key     string // the id of the run, where none is typed
	Mode    string // form or raw
	Form    *formField
	Raw     textField
	Options startFields
	Queues  []string
	Focus   string // id of the control to go on with
	Problem string
	Tried   bool // it was sent to start a run
	// Plain: what a run takes cannot be told from its type.
	Plain bool
	Like  string // the run whose input is filled in
}

func (u *UI) workflowInfo(r *http.Request) (runtime.WorkflowInfo, *jsonschema.Schema, error) {
	name := mux.Vars(r)["name"]
	infos := u.rt.Workflows()
	i := slices.IndexFunc(infos, func(i runtime.WorkflowInfo) bool { return i.Name == name })
	if i < 0 {
		return runtime.WorkflowInfo{}, nil, &pageError{http.StatusNotFound, "There is no workflow of this name in the program that serves this page."}
	}
	t, ok := u.rt.InputType(name)
	if !ok {
		return infos[i], nil, nil
	}
	s, err := schema.Of(t)
	return infos[i], s, err
}

// workflow shows a workflow with the form that starts a run; with ?like= the
// input of that run is filled in.
func (u *UI) workflow(w http.ResponseWriter, r *http.Request) error {
	info, s, err := u.workflowInfo(r)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	d := workflowData{Info: info, Mode: "form", Plain: s == nil}
	if s == nil {
		d.Mode = "raw"
	}
	d.Form = newForm(s, nil)
	if like := r.URL.Query().Get("like"); like != "" && u.admin(r) {
		if err := u.likeRun(ctx, &d, s, like); err != nil {
			return err
		}
	}
	return u.workflowPage(w, r, 0, &d)
}

// likeRun fills in the input of another run.
func (u *UI) likeRun(ctx context.Context, d *workflowData, s *jsonschema.Schema, id string) error {
	run, err := u.rt.Get(ctx, id)
	if err != nil {
		return err
	}
	if run.Workflow != d.Info.Name {
		return invalid("The run " + run.ID + " is one of " + run.Workflow + ", not of " + d.Info.Name + ".")
	}
	d.Like = run.ID
	input := u.rt.Reveal(run.Input)
	if values, ok := formValues(s, input); ok && s != nil {
		d.Form = newForm(s, values)
	} else {
		d.Mode, d.Raw.Value = "raw", indented(input)
	}
	d.Options.Queue.Value = run.Queue
	if run.Priority != 0 {
		d.Options.Priority.Value = strconv.Itoa(run.Priority)
	}
	d.Options.Labels.Value = labelLines(run.Labels)
	return nil
}

func (u *UI) workflowPage(w http.ResponseWriter, r *http.Request, status int, d *workflowData) error {
	d.Action, d.Admin = u.path("workflows", d.Info.Name), u.admin(r)
	if d.Key == "" {
		d.Key = newRunID()
	}
	if d.Admin {
		ctx, cancel := bounded(r)
		defer cancel()
		queues, err := u.rt.Queues(ctx)
		if err != nil {
			return err
		}
		for _, q := range queues {
			if q.Defined {
				d.Queues = append(d.Queues, q.Name)
			}
		}
	}
	return u.render(w, r, page{Name: "workflow", Title: "Workflow " + d.Info.Name, Nav: "/workflows", Status: status}, d)
}
