package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func (u *UI) queueRoutes() []route {
	list := []route{
		{http.MethodGet, "/queues", u.queues},
		{http.MethodGet, "/queues/{name}", u.queue},
		{http.MethodPost, "/queues/{name}", u.changeQueue},
	}
	for _, c := range queueChanges {
		list = append(list,
			route{http.MethodGet, "/queues/{name}/" + c.name, u.askQueue(c)},
			route{http.MethodPost, "/queues/{name}/" + c.name, u.doQueue(c)})
	}
	return list
}

// queueChange is something that can be done to a queue, without more to say.
type queueChange struct {
	name, text, title, effect, button, note string
	danger                                  bool
	able                                    func(*runtime.QueueInfo) bool
	do                                      func(*runtime.Runtime, context.Context, string) error
}

var queueChanges = []*queueChange{
	{
		name: "pause", text: "Pause", title: "Pause queue", button: "Pause the queue", note: "paused", danger: true,
		effect: "No further run of it begins, after a restart neither, until it is resumed. Runs that have begun go on; runs can be started, and wait.",
		able:   func(q *runtime.QueueInfo) bool { return q.Defined && !q.Config.Paused },
		do:     (*runtime.Runtime).PauseQueue,
	},
	{
		name: "resume", text: "Resume", title: "Resume queue", button: "Resume the queue", note: "resumed-queue",
		effect: "Runs of it begin again, within its bounds.",
		able:   func(q *runtime.QueueInfo) bool { return q.Defined && q.Config.Paused },
		do:     (*runtime.Runtime).ResumeQueue,
	},
	{
		name: "reset", text: "Reset", title: "Reset queue", button: "Reset the queue", note: "changed",
		effect: "All that was changed here or by the API is undone: its bounds, and whether it is paused, are as the program defines them.",
		able:   func(q *runtime.QueueInfo) bool { return q.Defined && q.Changed },
		do:     (*runtime.Runtime).ResetQueue,
	},
}

// queueRow is a queue as it is shown.
type queueRow struct {
	runtime.QueueInfo
	Bounds  []string
	Actions []runAction
}

func rowOfQueue(q runtime.QueueInfo, admin bool) queueRow {
	row := queueRow{QueueInfo: q, Bounds: boundsOf(&q.Config)}
	for _, c := range queueChanges {
		if admin && c.able(&q) {
			row.Actions = append(row.Actions, runAction{c.name, c.text, c.danger})
		}
	}
	return row
}

// boundsOf says what bounds a queue has.
func boundsOf(c *runtime.QueueConfig) (list []string) {
	count := func(n int, what string) {
		if n > 0 {
			list = append(list, numText(n)+" "+what)
		}
	}
	rate := func(r runtime.Rate, what string) {
		if r != (runtime.Rate{}) {
			text := numText(r.Limit) + " every " + strings.TrimPrefix(axisLabel(r.Per), "1 ") + what
			if r.Burst > 1 {
				text += ", up to " + numText(r.Burst) + " at once"
			}
			list = append(list, text)
		}
	}
	count(c.Concurrency, "at once")
	count(c.PerExecutor, "at once on each executor")
	rate(c.Rate, "")
	count(c.PartitionConcurrency, "at once of each partition")
	rate(c.PartitionRate, " of each partition")
	return list
}

type queuesData struct {
	Queues []queueRow
}

func (u *UI) queues(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	infos, err := u.rt.Queues(ctx)
	if err != nil {
		return err
	}
	d := queuesData{}
	for _, q := range infos {
		d.Queues = append(d.Queues, rowOfQueue(q, u.admin(r)))
	}
	return u.render(w, r, page{Name: "queues", Title: "Queues", Nav: "/queues"}, d)
}

func queueName(r *http.Request) string { return mux.Vars(r)["name"] }

func (u *UI) queueInfo(ctx context.Context, name string) (runtime.QueueInfo, error) {
	infos, err := u.rt.Queues(ctx)
	if err != nil {
		return runtime.QueueInfo{}, err
	}
	i := slices.IndexFunc(infos, func(q runtime.QueueInfo) bool { return q.Name == name })
	if i < 0 {
		return runtime.QueueInfo{}, &pageError{http.StatusNotFound, "There is no queue of this name: the program defines none, and no run is in one."}
	}
	return infos[i], nil
}

// boundField is a bound of a queue in the form that changes it.
type boundField struct {
	Name, Label, Help string
	Rate              bool
	textField
}

type queueData struct {
	queueRow
	Admin   bool
	Fields  []*boundField
	Problem string
	Action  string
}

// boundFields are the bounds as they hold.
func boundFields(c *runtime.QueueConfig) []*boundField {
	count := func(n int) textField { return textField{Value: strconv.Itoa(n)} }
	return []*boundField{
		{"concurrency", "Runs at once", "on all executors together; 0: no bound", false, count(c.Concurrency)},
		{"per_executor", "Runs at once on each executor", "0: no bound", false, count(c.PerExecutor)},
		{"rate", "Rate", "how often a run begins, such as 100/1m, or 100/1m+20 with up to 20 at once; empty: no bound", true, textField{Value: c.Rate.String()}},
		{"partition_concurrency", "Runs at once of each partition", "0: no bound", false, count(c.PartitionConcurrency)},
		{"partition_rate", "Rate of each partition", "as above; empty: no bound", true, textField{Value: c.PartitionRate.String()}},
	}
}

// readBounds reads the form into a configuration. What is wrong has an Error,
// and makes it false.
func readBounds(fields []*boundField, f url.Values, c *runtime.QueueConfig) bool {
	counts := map[string]*int{"concurrency": &c.Concurrency, "per_executor": &c.PerExecutor, "partition_concurrency": &c.PartitionConcurrency}
	rates := map[string]*runtime.Rate{"rate": &c.Rate, "partition_rate": &c.PartitionRate}
	ok := true
	for _, b := range fields {
		b.Value = strings.TrimSpace(f.Get(b.Name))
		if to := rates[b.Name]; to != nil {
			v, err := store.ParseRate(b.Value)
			if err != nil {
				b.Error, ok = err.Error(), false
			}
			*to = v
			continue
		}
		n := 0
		if b.Value != "" {
			var err error
			if n, err = strconv.Atoi(b.Value); err != nil || n < 0 {
				b.Error, ok = "Want a whole number of 0 or more.", false
			}
		}
		*counts[b.Name] = n
	}
	return ok
}

func (u *UI) queue(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	q, err := u.queueInfo(ctx, queueName(r))
	if err != nil {
		return err
	}
	return u.queuePage(w, r, 0, q, boundFields(&q.Config), "")
}

func (u *UI) queuePage(w http.ResponseWriter, r *http.Request, status int, q runtime.QueueInfo, fields []*boundField, problem string) error {
	d := queueData{queueRow: rowOfQueue(q, u.admin(r)), Admin: u.admin(r) && q.Defined, Fields: fields, Problem: problem, Action: u.path("queues", q.Name)}
	return u.render(w, r, page{Name: "queue", Title: "Queue " + q.Name, Nav: "/queues", Status: status}, d)
}

// changeQueue puts other bounds in the place of those that hold.
func (u *UI) changeQueue(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	ctx, cancel := bounded(r)
	defer cancel()
	q, err := u.queueInfo(ctx, queueName(r))
	if err != nil {
		return err
	}
	fields, bounds := boundFields(&q.Config), runtime.QueueConfig{}
	if !readBounds(fields, r.PostForm, &bounds) {
		return u.queuePage(w, r, http.StatusBadRequest, q, fields, "")
	}
	err = u.rt.ChangeQueue(ctx, q.Name, func(c *runtime.QueueConfig) {
		bounds.Paused = c.Paused
		*c = bounds
	})
	if err == nil {
		return u.redirect(w, r, u.path("queues", q.Name), "changed")
	}
	status, text := explain(err)
	if status >= 500 {
		return err
	}
	return u.queuePage(w, r, status, q, fields, text)
}

func (u *UI) askQueue(c *queueChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !u.admin(r) {
			return errViewer
		}
		ctx, cancel := bounded(r)
		defer cancel()
		q, err := u.queueInfo(ctx, queueName(r))
		if err != nil {
			return err
		}
		return u.confirm(w, r, "/queues", confirmation{
			Title: c.title + " " + q.Name + "?", Text: c.effect, Action: u.path("queues", q.Name, c.name),
			Button: c.button, Danger: c.danger, Back: u.cfg.Prefix + "/queues",
		})
	}
}

func (u *UI) doQueue(c *queueChange) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := bounded(r)
		defer cancel()
		if err := c.do(u.rt, ctx, queueName(r)); err != nil {
			return err
		}
		return u.redirect(w, r, u.cfg.Prefix+"/queues", c.note)
	}
}
