package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

const (
	// runEvery is how often a watched run is looked at, at most.
	runEvery = 100 * time.Millisecond
	// runBytes is what the feed of a run keeps, of which there may be as many as
	// clients.
	runBytes = 64 << 10
	// sinceRows bounds the rows of history read at a time.
	sinceRows = 500
)

// runFeeds are the runs that clients watch.
type runFeeds struct {
	mu   sync.Mutex
	runs map[string]*runFeed
}

// runFeed is the news of one run: the events of its steps, and the run itself.
type runFeed struct {
	feed[stepEvent]
	// run is the newest event of the run; version counts them.
	run     []byte
	version int
	ended   *endJSON // once it has
	base    int      // of the run; it changes when the run goes on anew
}

// stepEvent is an event of a step as it is written.
type stepEvent struct {
	pos  int64 // of the step's last row
	text []byte
}

func (e stepEvent) bytes() int { return len(e.text) }

// join returns the feed of a run, which leave has to be called for once.
func (a *api) joinRun(id string) (f *runFeed, leave func()) {
	fs := &a.runFeeds
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f = fs.runs[id]; f == nil {
		f = &runFeed{}
		f.most = runBytes
		if fs.runs == nil {
			fs.runs = map[string]*runFeed{}
		}
		fs.runs[id] = f
		at := a.rt.HistoryPosition() // what is older, clients read themselves
		f.start(func(ctx context.Context) {
			a.followRun(ctx, f, id, at)
			fs.mu.Lock()
			fs.dropLocked(id, f) // who comes later needs another
			fs.mu.Unlock()
		})
	}
	f.clients++
	return f, func() {
		fs.mu.Lock()
		f.clients--
		last := f.clients == 0
		if last {
			fs.dropLocked(id, f)
		}
		fs.mu.Unlock()
		if last {
			f.stop()
		}
	}
}

func (fs *runFeeds) dropLocked(id string, f *runFeed) {
	if fs.runs[id] == f {
		delete(fs.runs, id)
	}
}

// followRun makes the feed of a run, with the steps that changed after a
// position.
func (a *api) followRun(ctx context.Context, f *runFeed, id string, at int64) {
	for run, err := range a.rt.WatchRun(ctx, id, runEvery) {
		if err != nil {
			return
		}
		began := time.Now()
		for from := int64(-1); at != from; {
			var page []stepEvent
			from = at
			if page, at, err = a.stepEvents(ctx, &run, at); err != nil {
				return
			}
			f.mu.Lock()
			f.addLocked(page...)
			f.mu.Unlock()
		}
		text, err := frame("", "run", a.runOf(&run))
		if err != nil {
			return
		}
		f.publish(&run, text)
		// To find what changed in 10,000 steps takes some 6 ms: a fifth of a core,
		// at most.
		if !pause(ctx, 4*time.Since(began)-runEvery) {
			return
		}
	}
}

// publish wakes the clients: for the run, and for the steps that were added.
func (f *runFeed) publish(run *runtime.Run, text []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.base = run.Base
	if string(text) != string(f.run) {
		f.run, f.version = text, f.version+1
	}
	if run.Status.Ended() {
		f.ended = &endJSON{run.Status}
	}
	f.wakeLocked()
}

// stepEvents returns events of the steps that changed after a position, in the
// order of their last rows, so that a client who has one has all before it. to
// is where to go on; nothing is there when it is after.
func (a *api) stepEvents(ctx context.Context, run *runtime.Run, after int64) (events []stepEvent, to int64, err error) {
	rows, to, err := a.rt.StepsSince(ctx, run, after, sinceRows)
	if err != nil {
		return nil, after, err
	}
	steps, last := a.joinSteps(rows)
	order := make([]int, len(steps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(last[i], last[j]) })
	id := after
	for n, i := range order {
		// A step that changed again since says nothing of others up to then.
		if last[i] < to || n == len(order)-1 {
			id = min(last[i], to)
		}
		text, err := frame(strconv.FormatInt(id, 10), "step", steps[i])
		if err != nil {
			return nil, after, err
		}
		events = append(events, stepEvent{min(last[i], to), text})
	}
	return events, to, nil
}

var watchRunOp = operation{
	id: "watchRun", tag: "runs", summary: "A run and its steps, as they change",
	text: "Server-sent events: first all steps, or those that changed after the event that Last-Event-ID or after name, then the run as it is; " +
		"and from then on what changes, until the run has ended. Events come at most ten times a second, the last state is never left out. " +
		"The ids of events mean the same after a restart of the server. A comment comes every 15 s at least. When the connection ends without the " +
		"event end, connect again with Last-Event-ID, as a browser does.",
	query: []param{{name: "after", text: "the id of the last event that was seen; it has precedence over Last-Event-ID",
		schema: with(&jsonschema.Schema{Type: "integer", Minimum: new(0.0)}, "0"), example: 4711}},
	headers: []param{{name: "Last-Event-ID", text: "the id of the last event that was seen", schema: anyText, example: "4711"}},
	replies: []reply{{status: http.StatusOK, text: "what changes", events: []event{
		{name: "run", text: "the run as it is", of: reflect.TypeFor[runJSON](), example: exampleRun},
		{name: "step", text: "a step that changed, with all its attempts", id: "where to go on after it", of: reflect.TypeFor[stepJSON](), example: exampleStep},
		{name: "reset", text: "the steps sent so far are no more: the run went on anew", id: "0", of: reflect.TypeFor[resetJSON](), example: resetJSON{}},
		{name: "end", text: "the run has ended; no more comes", of: reflect.TypeFor[endJSON](), example: endJSON{store.Succeeded}},
	}}},
	codes: []string{"not_found", "too_many_waiting"}, depth: reading,
}

// resetJSON says that a client has to begin anew.
type resetJSON struct{}

// watchRun sends a run and its steps as server-sent events: first all steps, or
// those that changed after the one that Last-Event-ID or ?after= names, with the
// run as it is; then what changes, as it changes; and at the end, one of the
// type "end" with the status. One of the type "reset" says that the steps sent
// so far are no more, for the run went on anew.
func (a *api) watchRun(w http.ResponseWriter, r *http.Request) error {
	after, err := positionOf(r)
	if err != nil {
		return err
	}
	run, err := a.look(r)
	if err != nil {
		return err
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
	f, leaveFeed := a.joinRun(run.ID)
	defer leaveFeed()
	c := &runClient{a: a, f: f, s: s, run: &run, pos: after, next: -1, base: run.Base}
	if known, err := a.knows(ctx, &run, after); err != nil {
		return nil // it connects again
	} else if !known {
		c.reset()
	}
	c.follow(ctx) //nolint:errcheck // closing, or the client has gone: it connects again
	return nil
}

// knows tells whether a client that has the steps up to a position has those of
// the run's history as it is: not of one before it went on anew, nor of a
// database that was put back.
func (a *api) knows(ctx context.Context, run *runtime.Run, pos int64) (bool, error) {
	switch {
	case pos == 0:
		return true, nil
	case pos > a.rt.HistoryPosition():
		return false, nil
	case run.Base == 0:
		return true, nil
	}
	_, first, err := a.rt.StepsSince(ctx, run, 0, 1)
	return first > 0 && pos >= first, err
}

func (a *api) look(r *http.Request) (runtime.Run, error) {
	ctx, cancel := bounded(r)
	defer cancel()
	return a.rt.Get(ctx, runID(r))
}

// positionOf reads where a client of a run's events goes on.
func positionOf(r *http.Request) (int64, error) {
	name, v := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if q := r.URL.Query(); q.Has("after") {
		name, v = "after", q.Get("after")
	} else if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid(fmt.Sprintf("%s is %.40q: want the id of an event, a whole number from 0", name, v))
	}
	return n, nil
}

// runClient is one who watches a run.
type runClient struct {
	a       *api
	f       *runFeed
	s       *eventStream
	run     *runtime.Run
	pos     int64 // up to which it has the steps
	next    int   // of the feed's events; below zero: not yet begun
	version int   // of the run
	base    int   // of the history that it has
}

// follow sends what changes until the run has ended, the context ends, or the
// client has gone.
func (c *runClient) follow(ctx context.Context) error {
	for {
		c.f.mu.Lock()
		events, next, kept := c.f.sinceLocked(c.next)
		run, version, end, over, base := c.f.run, c.f.version, c.f.ended, c.f.over, c.f.base
		var news <-chan struct{}
		if kept && len(events) == 0 && version == c.version && end == nil && !over {
			news = c.f.waitLocked()
		}
		c.f.mu.Unlock()
		if news != nil {
			if err := c.s.await(ctx, news); err != nil {
				return err
			}
			continue
		}
		if version > 0 && base != c.base {
			kept, events, c.base = false, nil, base
			c.reset()
		}
		if err := c.show(ctx, events, kept); err != nil {
			return err
		}
		c.next = next
		if version != c.version {
			c.s.add(run)
			c.version = version
		}
		if end != nil {
			return c.s.send("", "end", *end)
		}
		if err := c.s.flush(); err != nil || over || ctx.Err() != nil {
			return err
		}
	}
}

// reset takes back the steps that the client has.
func (c *runClient) reset() {
	c.pos = 0
	c.s.add([]byte("id: 0\nevent: reset\ndata: {}\n\n"))
}

// show sends the events of the feed or, when it does not have them, those that
// the store has.
func (c *runClient) show(ctx context.Context, events []stepEvent, kept bool) error {
	for from := int64(-1); !kept && c.pos != from; {
		from = c.pos
		if err := c.showPage(ctx); err != nil {
			return err
		}
	}
	for _, e := range events {
		if e.pos <= c.pos {
			continue // it came from the store
		}
		if err := c.s.addBounded(e.text); err != nil {
			return err
		}
	}
	if n := len(events); n > 0 {
		c.pos = max(c.pos, events[n-1].pos)
	}
	return nil
}

// showPage sends steps after those that the client has, read for it alone. Few
// do so at a time, since steps can be large.
func (c *runClient) showPage(ctx context.Context) error {
	free, err := c.a.histories.take(ctx)
	if err != nil {
		return err
	}
	defer free()
	page, to, err := c.a.stepEvents(ctx, c.run, c.pos)
	if err != nil {
		return err
	}
	size := 0
	for _, e := range page {
		size += len(e.text)
	}
	if size < largeHistory {
		free()
	}
	for _, e := range page {
		if err := c.s.addBounded(e.text); err != nil {
			return err
		}
	}
	c.pos = to
	return nil
}
