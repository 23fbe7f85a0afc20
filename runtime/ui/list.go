package ui

import (
	"context"
	"errors"
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
	// mostLive is how many rows of those that match are kept up to date.
	mostLive = 1000
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
		if err != nil || !l.tellInTurn(s, c) {
			return nil // the client has gone, or comes again
		}
	}
	return nil
}

// mostTelling is how many lists are read at a time for those who watch.
const mostTelling = 2

// tellInTurn is tell, at a pace: a filter that no index serves takes the longer
// the more runs there are, and somebody who only watches must not take more
// than a small part of a processor.
func (l *listWatch) tellInTurn(s *stream, c runtime.Changes) bool {
	select {
	case l.u.telling <- struct{}{}:
	case <-s.ctx.Done():
		return false
	}
	began := time.Now()
	ok := l.tell(s, c)
	<-l.u.telling
	rest := time.NewTimer(20 * time.Since(began))
	defer rest.Stop()
	select {
	case <-rest.C:
		return ok
	case <-s.ctx.Done():
		return false
	}
}

func numberParam(q url.Values, name string) (int64, error) {
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || n < 0 {
		return 0, invalid(name + " is not a number of a run")
	}
	return n, nil
}

// listWatch is one list that somebody looks at.
type listWatch struct {
	u           *UI
	f           listFilter
	admin       bool
	top, bottom int64
	shown       map[string]bool // the runs that are known to be shown
}

// mostLooks is how many runs that are not known to be shown are looked up after
// one piece of news; the others will be seen when the page is loaded again.
const mostLooks = 50

// tell sends the rows that changed. It is false when the client has gone.
func (l *listWatch) tell(s *stream, c runtime.Changes) bool {
	filter, err := l.f.filter(time.Now())
	if err != nil {
		return false
	}
	filter.Before, filter.Limit = l.top+1, l.f.Limit
	var runs []runtime.Run
	if l.top > 0 {
		if runs, err = l.u.rt.List(s.ctx, filter); err != nil {
			return false
		}
	}
	changed := map[string]bool{}
	for _, id := range c.Runs {
		changed[id] = true
	}
	first := l.shown == nil
	if first {
		l.shown = map[string]bool{}
	}
	matching := map[string]bool{}
	for i := range runs {
		if runs[i].Seq < l.bottom {
			break
		}
		matching[runs[i].ID] = true
		if first || c.Lost {
			l.shown[runs[i].ID] = true
		}
		if (changed[runs[i].ID] || c.Lost) && !l.row(s, &runs[i], false) {
			return false
		}
	}
	return l.tellOthers(s, c.Runs, matching) && l.tellNew(s)
}

// tellOthers sends the rows of runs that changed and do not match any more.
func (l *listWatch) tellOthers(s *stream, ids []string, matching map[string]bool) bool {
	looks := 0
	for _, id := range ids {
		if matching[id] {
			continue
		}
		if !l.shown[id] {
			if looks++; looks > mostLooks {
				continue
			}
		}
		run, err := l.u.rt.Get(s.ctx, id)
		switch {
		case errors.Is(err, runtime.ErrNotFound):
			run.ID = id
		case err != nil:
			return false
		case run.Seq > l.top || run.Seq < l.bottom:
			continue
		}
		if !l.row(s, &run, true) {
			return false
		}
	}
	return true
}

func (l *listWatch) row(s *stream, run *runtime.Run, left bool) bool {
	return s.send("r:"+run.ID, l.u.fragment("list", "row", listRow{Run: *run, Admin: l.admin, Left: left}))
}

// tellNew says how many runs that match came after those shown, up to a hundred.
func (l *listWatch) tellNew(s *stream) bool {
	if l.f.Before > 0 {
		return true
	}
	filter, err := l.f.filter(time.Now())
	if err != nil {
		return false
	}
	const most = 100
	filter.Before, filter.Limit = 0, most
	runs, err := l.u.rt.List(s.ctx, filter)
	if err != nil {
		return false
	}
	n := 0
	for n < len(runs) && runs[n].Seq > l.top {
		n++
	}
	if n == 0 {
		return true
	}
	return s.send("news", l.u.fragment("list", "news", map[string]any{"Count": n, "More": n == most, "URL": l.u.listURL(l.f.query())}))
}
