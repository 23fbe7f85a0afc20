package ui

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// bulkTime is how long one request changes runs; the page then asks for more.
const bulkTime = time.Second

// bulkVerb is something that is done to many runs.
type bulkVerb struct {
	Name string // in the form
	Does string // what the button and the question say
	Done string
	Text string // what it means for a run
	one  func(*runtime.Runtime, context.Context, string) error
	all  func(*runtime.Runtime, context.Context, runtime.Filter, runtime.Bulk) (runtime.BulkCount, error)
}

var bulkVerbs = []bulkVerb{
	{
		Name: "cancel", Does: "Cancel", Done: "cancelled",
		Text: "A run that is cancelled ends as soon as its code sees that, after its compensations.",
		one: func(rt *runtime.Runtime, ctx context.Context, id string) error {
			_, err := rt.Cancel(ctx, id)
			return err
		},
		all: (*runtime.Runtime).CancelAll,
	},
	{
		Name: "resume", Does: "Resume", Done: "resumed",
		Text: "A run that is stuck or was cancelled goes on from its history.",
		one: func(rt *runtime.Runtime, ctx context.Context, id string) error {
			_, err := rt.Resume(ctx, id)
			return err
		},
		all: (*runtime.Runtime).ResumeAll,
	},
	{
		Name: "delete", Does: "Delete", Done: "deleted",
		Text: "A run that has ended is removed with its whole history. That cannot be undone.",
		one:  (*runtime.Runtime).Delete,
		all:  (*runtime.Runtime).DeleteAll,
	},
}

// bulk is what the form says.
type bulk struct {
	Verb bulkVerb
	IDs  []string // the runs that were ticked; empty: all that match
	f    listFilter
}

func readBulk(r *http.Request) (b bulk, err error) {
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return b, err
		}
		return b, invalid("the form cannot be read")
	}
	i := slices.IndexFunc(bulkVerbs, func(v bulkVerb) bool { return v.Name == r.PostForm.Get("do") })
	if i < 0 {
		return b, invalid(fmt.Sprintf("do is %.40q: want cancel, resume or delete", r.PostForm.Get("do")))
	}
	b.Verb = bulkVerbs[i]
	if b.f, err = readFilter(r.PostForm); err != nil {
		return b, invalid(err.Error())
	}
	if r.PostForm.Get("all") != "" {
		return b, nil
	}
	b.IDs = r.PostForm["run"]
	switch {
	case len(b.IDs) == 0:
		return b, invalid("no run is selected: tick some, or choose all that match")
	case len(b.IDs) > mostRows:
		return b, invalid(fmt.Sprintf("%d runs are selected: want at most %d", len(b.IDs), mostRows))
	}
	for _, id := range b.IDs {
		if err := runtime.ValidateID(id); err != nil {
			return b, err
		}
	}
	return b, nil
}

// fields is the form again, for the next request.
func (b *bulk) fields() (fields []field) {
	fields = append(fields, field{"do", b.Verb.Name})
	if len(b.IDs) > 0 {
		for _, id := range b.IDs {
			fields = append(fields, field{"run", id})
		}
		return fields
	}
	fields = append(fields, field{"all", "1"})
	q := b.f.query()
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range q {
			if !yield(name) {
				return
			}
		}
	}) {
		for _, v := range q[name] {
			fields = append(fields, field{name, v})
		}
	}
	return fields
}

// askBulk says how many runs would be changed, and asks.
func (u *UI) askBulk(w http.ResponseWriter, r *http.Request) error {
	b, err := readBulk(r)
	if err != nil {
		return err
	}
	back := u.listURL(b.f.query())
	b.f.fix(time.Now()) // what is asked is what will be done, whenever that is
	c := confirmation{
		Action: u.path("runs:do"), Back: back, Danger: b.Verb.Name != "resume",
		Fields: b.fields(), Text: b.Verb.Text + " Runs in another state are left as they are.",
	}
	n, more := len(b.IDs), false
	if n == 0 {
		var top int64
		if n, top, more, err = u.countBulk(r, &b); err != nil {
			return err
		}
		// Runs that begin from now on are not meant.
		c.Fields = append(c.Fields, field{"before", strconv.FormatInt(top+1, 10)}, field{"total", strconv.Itoa(n)})
	}
	if n == 0 {
		return &pageError{http.StatusConflict, "No run that matches is in a state to be " + b.Verb.Done + "."}
	}
	count := plural(n, "run")
	if more {
		count = "more than " + count
	}
	c.Title, c.Button = b.Verb.Does+" "+count+"?", b.Verb.Does+" "+count
	return u.confirm(w, r, "/runs", c)
}

// countBulk counts the runs that would be changed; more: there was no time to
// count all. top is the number of the newest run there is.
func (u *UI) countBulk(r *http.Request, b *bulk) (n int, top int64, more bool, err error) {
	ctx, cancel := bounded(r)
	defer cancel()
	newest, err := u.rt.List(ctx, runtime.Filter{Limit: 1, Bare: true})
	if err != nil || len(newest) == 0 {
		return 0, 0, false, err
	}
	top = newest[0].Seq
	filter, err := b.f.filter(time.Now())
	if err != nil {
		return 0, 0, false, invalid(err.Error())
	}
	filter.Before = top + 1
	brief, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	sum, err := b.Verb.all(u.rt, brief, filter, runtime.Bulk{All: true, DryRun: true})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return sum.Matched, top, true, nil
	}
	return sum.Matched, top, false, err
}

// bulkProgress is how far it has come.
type bulkProgress struct {
	Verb    bulkVerb
	Changed int
	Skipped int
	Total   int
	Done    bool
	Fields  []field // of the request for the rest
	Action  string
	Back    string
}

// Seen is how many runs had their turn.
func (p bulkProgress) Seen() int { return p.Changed + p.Skipped }

// doBulk changes runs for a while, and answers with how far it came. The page
// goes on by itself, or with a button where there is no JavaScript, so what
// nobody waits for any more ends.
func (u *UI) doBulk(w http.ResponseWriter, r *http.Request) error {
	b, err := readBulk(r)
	if err != nil {
		return err
	}
	b.f.fix(time.Now()) // of whoever did not ask first, for the requests that follow
	p := bulkProgress{Verb: b.Verb, Action: u.path("runs:do"), Back: u.listURL(b.f.query())}
	p.Changed, p.Skipped, p.Total = count(r.PostForm, "changed"), count(r.PostForm, "skipped"), count(r.PostForm, "total")
	ctx, cancel := bounded(r)
	defer cancel()
	if len(b.IDs) > 0 {
		p.Total = p.Seen() + len(b.IDs)
		var rest []string
		if rest, err = u.changeEach(ctx, &b, &p); err != nil {
			return err
		}
		b.IDs = rest
		p.Done = len(rest) == 0
	} else if p.Done, err = u.changeAll(ctx, &b, &p); err != nil {
		return err
	}
	p.Fields = append(b.fields(), field{"changed", strconv.Itoa(p.Changed)}, field{"skipped", strconv.Itoa(p.Skipped)}, field{"total", strconv.Itoa(p.Total)})
	if len(b.IDs) == 0 {
		p.Fields = append(p.Fields, field{"before", strconv.FormatInt(b.f.Before, 10)})
	}
	return u.render(w, r, page{Name: "progress", Title: b.Verb.Does + " runs", Nav: "/runs"}, p)
}

// count reads a number that only the page shows.
func count(form url.Values, name string) int {
	n, err := strconv.Atoi(form.Get(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// changeAll goes on with the runs that match, and says whether that was all.
func (u *UI) changeAll(ctx context.Context, b *bulk, p *bulkProgress) (done bool, err error) {
	filter, err := b.f.filter(time.Now())
	if err != nil {
		return false, invalid(err.Error())
	}
	for end := time.Now().Add(bulkTime); ; {
		filter.Before, filter.Limit = b.f.Before, 256
		n, err := b.Verb.all(u.rt, ctx, filter, runtime.Bulk{All: true})
		p.Changed, p.Skipped = p.Changed+n.Changed, p.Skipped+n.Skipped
		if err != nil || n.Next == 0 {
			return true, err
		}
		b.f.Before = n.Next
		p.Total = max(p.Total, p.Seen())
		if time.Now().After(end) || u.closing() {
			return false, nil
		}
	}
}

// changeEach changes the runs that were ticked, side by side, and returns those
// for which there was no time.
func (u *UI) changeEach(ctx context.Context, b *bulk, p *bulkProgress) (rest []string, err error) {
	const beside = 64
	end := time.Now().Add(bulkTime)
	for rest = b.IDs; len(rest) > 0 && time.Now().Before(end); {
		ids := rest[:min(beside, len(rest))]
		rest = rest[len(ids):]
		errs := make([]error, len(ids))
		var wg sync.WaitGroup
		for i, id := range ids {
			wg.Go(func() { errs[i] = b.Verb.one(u.rt, ctx, id) })
		}
		wg.Wait()
		for _, e := range errs {
			switch {
			case e == nil:
				p.Changed++
			case errors.Is(e, runtime.ErrConflict), errors.Is(e, runtime.ErrNotFound):
				p.Skipped++
			default:
				return nil, e
			}
		}
	}
	return rest, nil
}

// Text says how far it has come.
func (p bulkProgress) Text() string {
	parts := []string{plural(p.Changed, "run") + " " + p.Verb.Done}
	if p.Skipped > 0 {
		parts = append(parts, numText(p.Skipped)+" left as they were: they were in another state, or had gone")
	}
	return strings.Join(parts, ", ")
}
