package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

const (
	// listEvery is how often the runs that changed are read, at most.
	listEvery = 500 * time.Millisecond
	// listMost bounds the runs that are read at once. When more have changed,
	// clients are told to look at the list anew.
	listMost = 2000
	// listBytes is what the feed keeps.
	listBytes = 1 << 20
	// ownMost bounds the runs that one client's coming back reads: each holds
	// its own, and many come back at once.
	ownMost = 100
	// listRest is how long nothing is told after that.
	listRest = 2 * time.Second
)

// positionHeader names, in the answer to a list, where a watch goes on from to
// miss nothing.
const positionHeader = "Stepwell-Position"

// listFeed is the news of all runs.
type listFeed struct {
	feed[batch]
	owner sync.Mutex // guards clients, and that one feed is made at a time
}

// batch is what changed in a while.
type batch struct {
	position string
	runs     []changedRun
	// lost: any run may have changed.
	lost bool
}

// changedRun is a run, without input and output, as it was read after a change.
type changedRun struct {
	id   string
	run  *runtime.Run // nil: there is none of the id
	json []byte
}

func (b batch) bytes() (n int) {
	for i := range b.runs {
		n += len(b.runs[i].json) + 512
	}
	return n
}

// joinList returns the feed of all runs, which leave has to be called for once.
func (a *api) joinList() (f *listFeed, leave func()) {
	f = &a.listFeed
	f.owner.Lock()
	defer f.owner.Unlock()
	if f.clients == 0 {
		f.begin()
		f.most = listBytes
		from := a.rt.Position()
		f.start(func(ctx context.Context) { a.followList(ctx, f, from) })
	}
	f.clients++
	return f, func() {
		f.owner.Lock()
		defer f.owner.Unlock()
		if f.clients--; f.clients == 0 {
			f.stop()
		}
	}
}

// followList makes the feed of all runs.
func (a *api) followList(ctx context.Context, f *listFeed, from string) {
	for c, err := range a.rt.WatchRuns(ctx, from, listEvery) {
		if err != nil {
			return
		}
		began := time.Now()
		b, err := a.batchOf(ctx, c)
		if err != nil {
			return // clients connect again
		}
		f.mu.Lock()
		f.addLocked(b)
		f.wakeLocked()
		f.mu.Unlock()
		rest := 4 * time.Since(began) // a fifth of a core, at most
		if b.lost {
			rest = max(rest, listRest)
		}
		if !pause(ctx, rest-listEvery) {
			return
		}
	}
}

// pause waits; false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// batchOf reads the runs that changed.
func (a *api) batchOf(ctx context.Context, c runtime.Changes) (batch, error) {
	b := batch{position: c.Position, lost: c.Lost || len(c.Runs) > listMost}
	if b.lost {
		return b, nil
	}
	for ids := range slices.Chunk(c.Runs, maxLimit) {
		runs, err := a.rt.List(ctx, runtime.Filter{IDs: ids, Bare: true, Limit: maxLimit})
		if err != nil {
			return b, err
		}
		gone := map[string]bool{}
		for _, id := range ids {
			gone[id] = true
		}
		for i := range runs {
			text, err := json.Marshal(a.runOf(&runs[i]))
			if err != nil {
				return b, err
			}
			delete(gone, runs[i].ID)
			b.runs = append(b.runs, changedRun{runs[i].ID, &runs[i], text})
		}
		for _, id := range slices.Sorted(maps.Keys(gone)) {
			b.runs = append(b.runs, changedRun{id: id})
		}
	}
	return b, nil
}

// changedJSON is what changed in a list.
type changedJSON struct {
	Runs []runJSON `json:"runs" jsonschema:"the runs that changed and fit the filter, without their inputs and outputs"`
	Gone []string  `json:"gone" jsonschema:"ids of runs that changed and do not fit, perhaps no more, or were deleted"`
}

var watchRunsOp = operation{
	id: "watchRuns", tag: "runs", summary: "A list of runs, as it changes",
	text: "Server-sent events. The first event reset says that the list is to be read, with the same filter; from then on runs says what changed, " +
		"at most twice a second. Whoever has a list already begins with after and the " + positionHeader + " of its answer, and gets no reset. " +
		"Another reset comes when the server was started anew, or when too much has changed: then the list is to be read again. " +
		"A comment comes every 15 s at least. When the connection ends, connect again with Last-Event-ID, as a browser does.",
	query: append(slices.Clone(filterParams), param{name: "after", schema: anyText, example: "QIJZ6VBW2F.4n",
		text: "the id of the last event that was seen, or the " + positionHeader + " of a list; it has precedence over Last-Event-ID"}),
	headers: []param{{name: "Last-Event-ID", text: "the id of the last event that was seen", schema: anyText, example: "QIJZ6VBW2F.4n"}},
	replies: []reply{{status: http.StatusOK, text: "what changes", events: []event{
		{name: "runs", text: "some runs changed", id: "where to go on after it", of: reflect.TypeFor[changedJSON](),
			example: changedJSON{[]runJSON{bareExample()}, []string{"order-16"}}},
		{name: "reset", text: "any run may have changed: read the list", id: "where to go on after it", of: reflect.TypeFor[resetJSON](), example: resetJSON{}},
	}}},
	codes: []string{"too_many_waiting"}, depth: reading,
}

func bareExample() runJSON {
	r := exampleRun
	r.Input, r.Output = nil, nil
	return r
}

// watchRuns sends the runs that change and fit a filter.
func (a *api) watchRuns(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	filter, _, err := filterOf(q, time.Now())
	if err != nil {
		return err
	}
	after := r.Header.Get("Last-Event-ID")
	if q.Has("after") {
		after = q.Get("after")
	}
	leave, err := a.mayWait(r)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := a.closer.until(r.Context())
	defer cancel()
	s, more := openStream(w, r)
	defer s.close()
	if !more {
		return nil
	}
	f, leaveFeed := a.joinList()
	defer leaveFeed()
	c := &listClient{a: a, f: f, s: s, filter: filter, position: after, next: -1}
	c.follow(ctx) //nolint:errcheck // closing, or the client has gone: it connects again
	return nil
}

// listClient is one who watches a list.
type listClient struct {
	a        *api
	f        *listFeed
	s        *eventStream
	filter   runtime.Filter
	position string // up to which it knows what changed
	next     int    // of the feed's batches; below zero: not yet begun
}

// follow sends what changes until the context ends or the client has gone.
func (c *listClient) follow(ctx context.Context) error {
	for {
		c.f.mu.Lock()
		batches, next, kept := c.f.sinceLocked(c.next)
		over := c.f.over
		var news <-chan struct{}
		if kept && len(batches) == 0 && !over {
			news = c.f.waitLocked()
		}
		c.f.mu.Unlock()
		if news != nil {
			if err := c.s.await(ctx, news); err != nil {
				return err
			}
			continue
		}
		if !kept {
			// What is read now may be newer than a batch that comes after it; of what
			// changed since, there is news to come.
			since := c.a.rt.RunsSince(c.position)
			since.Lost = since.Lost || len(since.Runs) > ownMost
			b, err := c.a.batchOf(ctx, since)
			if err != nil {
				return err
			}
			batches = []batch{b}
		}
		for _, b := range batches {
			c.show(b)
		}
		c.next = next
		if err := c.s.flush(); err != nil || over {
			return err
		}
	}
}

// show adds an event with what concerns the client.
func (c *listClient) show(b batch) {
	c.position = b.position
	if b.lost {
		c.s.add([]byte("id: " + b.position + "\nevent: reset\ndata: {}\n\n"))
		return
	}
	b.write(&c.filter, c.s.add)
}

// write adds the event with what of a batch concerns a filter, in pieces: many
// clients with filters of their own hold nothing of it.
func (b *batch) write(filter *runtime.Filter, add func([]byte)) {
	part := ""
	begin := func(list string) {
		switch {
		case part == list:
			add([]byte(","))
			return
		case part == "":
			add([]byte("id: " + b.position + "\nevent: runs\ndata: {\"runs\":["))
		}
		if list == "gone" {
			add([]byte(`],"gone":[`))
		}
		part = list
	}
	for i := range b.runs {
		if r := &b.runs[i]; fit(filter, r.run) == fits {
			begin("runs")
			add(r.json)
		}
	}
	for i := range b.runs {
		if r := &b.runs[i]; fit(filter, r.run) == fitsNoMore {
			begin("gone")
			id, _ := json.Marshal(r.id) // a string always can be
			add(id)
		}
	}
	switch part {
	case "runs":
		add([]byte("],\"gone\":[]}\n\n"))
	case "gone":
		add([]byte("]}\n\n"))
	}
}

// fitness says whether a run is in a list.
type fitness int

const (
	never fitness = iota // nor was it before
	fitsNoMore
	fits
)

// fit compares a run with a filter as the store does. What can change of a run
// decides only whether it fits now; one that is no more may have fitted.
func fit(f *runtime.Filter, r *runtime.Run) fitness {
	switch {
	case r == nil:
		return fitsNoMore
	case len(f.IDs) > 0 && !slices.Contains(f.IDs, r.ID),
		!strings.HasPrefix(r.ID, f.IDPrefix),
		f.Workflow != "" && r.Workflow != f.Workflow,
		f.Queue != nil && r.Queue != *f.Queue,
		f.ParentID != "" && r.ParentID != f.ParentID,
		!f.Since.IsZero() && r.CreatedAt.Before(f.Since.Truncate(time.Microsecond)),
		!f.Until.IsZero() && !r.CreatedAt.Before(f.Until.Truncate(time.Microsecond)):
		return never
	}
	for k, v := range f.Labels {
		if have, ok := r.Labels[k]; !ok || have != v {
			return never
		}
	}
	if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, r.Status) || f.Version != "" && r.Version != f.Version {
		return fitsNoMore
	}
	return fits
}
