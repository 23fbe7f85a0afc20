package ui

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func (u *UI) listRoutes() []route {
	return []route{
		{http.MethodGet, "/runs", u.list},
		{http.MethodGet, "/runs:more", u.moreOfList},
		{http.MethodGet, "/runs:watch", u.watchList},
		{http.MethodPost, "/runs:ask", u.askBulk},
		{http.MethodPost, "/runs:do", u.doBulk},
	}
}

const (
	// chunkRows is how many rows are sent at a time: a longer list goes on when
	// somebody scrolls there, so that it opens as fast as a short one.
	chunkRows = 200
)

// statusLink puts a status in or out of the filter.
type statusLink struct {
	Status store.Status
	Count  int64 // of all runs, whatever the rest of the filter says
	On     bool
	URL    string
}

// listRow is a run in the list.
type listRow struct {
	runtime.Run
	Admin bool
	// Left: it does not match the filter any more.
	Left bool
}

// Took is how long the run has taken so far, or took.
func (r listRow) Took() template.HTML {
	switch {
	case r.StartedAt.IsZero():
		return ""
	case r.EndedAt.IsZero():
		return sinceHTML(r.StartedAt, time.Now())
	}
	return template.HTML(spanText(r.EndedAt.Sub(r.StartedAt)))
}

type listData struct {
	Filter    listFilter
	Query     url.Values // the filter, for hidden fields
	Problems  []string
	Statuses  []statusLink
	AllURL    string
	Chips     []chip
	More      bool // one of the filters that are folded away is set
	Chunk     *listChunk
	NewerURL  string
	WatchURL  string
	Workflows []string
	Limits    []limitLink
	Empty     bool   // no run at all
	API       string // where it is reached
	First     string
}

type limitLink struct {
	Limit int
	On    bool
	URL   string
}

// list answers a page of runs, newest first.
func (u *UI) list(w http.ResponseWriter, r *http.Request) error {
	f, err := readFilter(r.URL.Query())
	d := u.listData(r, &f)
	if err != nil {
		d.Problems = strings.Split(err.Error(), "\n")
		return u.render(w, r, page{Name: "list", Title: "Runs", Nav: "/runs", Status: http.StatusBadRequest}, d)
	}
	ctx, cancel := bounded(r)
	defer cancel()
	position := u.rt.Position() // before the read: no change is missed
	filter, err := f.filter(time.Now())
	if err != nil {
		return invalid(err.Error())
	}
	if d.Chunk, err = u.chunk(ctx, r, &f, filter, f.Limit); err != nil {
		return err
	}
	q := f.query()
	q.Set("pos", position)
	q.Set("top", strconv.FormatInt(d.Chunk.top, 10))
	q.Set("bottom", strconv.FormatInt(d.Chunk.bottom(), 10))
	if f.Before > 0 {
		q.Set("before", strconv.FormatInt(f.Before, 10))
	}
	d.WatchURL = u.path("runs:watch") + "?" + q.Encode()
	return u.render(w, r, page{Name: "list", Title: "Runs", Nav: "/runs"}, d)
}

// listChunk is a piece of the list: a table, and how it goes on.
type listChunk struct {
	Rows  []listRow
	Admin bool
	First bool
	// MoreURL is the next piece of the same page, OlderURL the next page; both
	// are empty at the end of the list.
	MoreURL, OlderURL string

	top int64 // number of the first run
}

// bottom is the number of the last run that the page may come to show.
func (c *listChunk) bottom() int64 {
	if c.MoreURL != "" || len(c.Rows) == 0 {
		return 0
	}
	return c.Rows[len(c.Rows)-1].Seq
}

// chunk reads a piece of a page on which there is room for left more runs.
func (u *UI) chunk(ctx context.Context, r *http.Request, f *listFilter, filter runtime.Filter, left int) (*listChunk, error) {
	n := min(left, chunkRows)
	filter.Limit = n + 1 // one more tells whether it goes on
	runs, err := u.rt.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	c := &listChunk{Admin: u.admin(r), First: left == f.Limit}
	goesOn := len(runs) > n
	for _, run := range runs[:min(n, len(runs))] {
		c.Rows = append(c.Rows, listRow{Run: run, Admin: c.Admin})
	}
	if len(runs) > 0 {
		c.top = runs[0].Seq
	}
	if !goesOn {
		return c, nil
	}
	last := c.Rows[n-1].Seq
	c.OlderURL = u.listURL(f.older(last))
	if left > n {
		q := f.query()
		q.Set("before", strconv.FormatInt(last, 10))
		q.Set("left", strconv.Itoa(left-n))
		q.Set("from", strconv.FormatInt(f.Before, 10))
		q.Set("trail", joinTrail(f.Trail))
		c.MoreURL = u.path("runs:more") + "?" + q.Encode()
	}
	return c, nil
}

// moreOfList answers with the next piece of a page.
func (u *UI) moreOfList(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q)
	if err != nil {
		return invalid(err.Error())
	}
	left, err := strconv.Atoi(q.Get("left"))
	if err != nil || left < 1 || left >= f.Limit {
		return invalid("left is not a number of runs that this page has room for")
	}
	from, err := numberParam(q, "from")
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	filter, err := f.filter(time.Now())
	if err != nil {
		return invalid(err.Error())
	}
	f.Before = from // of the page, which the links to others need
	c, err := u.chunk(ctx, r, &f, filter, left)
	if err != nil {
		return err
	}
	u.writeHTML(w, http.StatusOK, u.fragment("list", "chunk", c))
	return nil
}

// listData is what the page shows beside the runs.
func (u *UI) listData(r *http.Request, f *listFilter) *listData {
	d := &listData{Filter: *f, Query: f.query(), Chips: u.chips(f), API: u.apiURL(r)}
	d.More = f.Queue+f.Version+f.Parent+f.Since+f.Until != "" || len(f.Labels) > 0
	counts := u.rt.Health().Store.Runs
	d.Empty = true
	for _, s := range store.Statuses() {
		d.Statuses = append(d.Statuses, statusLink{s, counts[s], slices.Contains(f.Statuses, s.String()), u.toggle(f, s.String())})
		d.Empty = d.Empty && counts[s] == 0
	}
	all := *f
	all.Statuses = nil
	d.AllURL = u.listURL(all.query())
	for _, wf := range u.rt.Workflows() {
		d.Workflows = append(d.Workflows, wf.Name)
	}
	d.First = "NAME"
	if len(d.Workflows) > 0 {
		d.First = d.Workflows[0]
	}
	for _, n := range []int{100, 1000, mostRows} {
		g := *f
		g.Limit = n
		d.Limits = append(d.Limits, limitLink{n, n == f.Limit, u.listURL(g.query())})
	}
	if f.Before > 0 {
		d.NewerURL = u.listURL(f.newer())
	}
	return d
}

// watchList keeps a list up to date: the rows it shows, and the number of runs
// above them. Parameters are those of the list, with the numbers of the first
// and the last run shown, and the position at which they were read.
func (u *UI) watchList(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q)
	if err != nil {
		return invalid(err.Error())
	}
	l := listWatch{u: u, f: f, admin: u.admin(r)}
	if l.top, err = numberParam(q, "top"); err != nil {
		return err
	}
	if l.bottom, err = numberParam(q, "bottom"); err != nil {
		return err
	}
	l.f.Limit = min(l.f.Limit, mostLive)
	s, err := u.openStream(w, r)
	if err != nil {
		return err
	}
	defer s.close()
	for c, err := range u.rt.WatchRuns(s.ctx, q.Get("pos"), time.Second) {
		if err != nil || !l.tell(s, c) || !l.rest(s) {
			return nil // the client has gone, or comes again
		}
	}
	return nil
}

func numberParam(q url.Values, name string) (int64, error) {
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0, invalid(name + " is not a number of a run")
	}
	return n, nil
}
