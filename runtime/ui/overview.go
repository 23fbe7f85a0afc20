package ui

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func (u *UI) overviewRoutes() []route {
	return []route{
		{http.MethodGet, "/", u.overview},
		{http.MethodGet, "/watch", u.watchOverview},
		{http.MethodPost, "/demos/{name}", u.startDemo},
	}
}

// patience bounds what a page asks of the store.
const patience = 10 * time.Second

func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), patience)
}

// statusCount is a number of runs, linked to their list.
type statusCount struct {
	Status store.Status
	Count  int64
}

// state is what the overview shows at one moment. All who look share it.
type state struct {
	At     time.Time
	Counts []statusCount
	Empty  bool
	Charts []chart
	Stuck  []runtime.Run // the newest of them
	Failed []runtime.Run
	// StuckCount and FailedCount are how many there are.
	StuckCount, FailedCount int64
	Health                  *healthDoc
	// Aside are the versions for which runs wait, with their number.
	Aside map[string]int64
	// CanHealth: there is a health page.
	CanHealth bool
}

// states makes a state at most once a second.
type states struct {
	mu   sync.Mutex
	last *state
	// fragments of last
	parts map[string][]byte
}

type overviewData struct {
	*state
	Demos []Demo
	API   string // where it is reached, for what a newcomer types
	// Server is the same without /v1, as the command line wants it.
	Server string
	First  string // a workflow to try
}

// Each of these is a part of the overview that is sent anew when it changed.
var overviewParts = []string{"summary", "trouble", "counts", "charts", "failures"}

func (u *UI) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	s, _, err := u.present(ctx)
	if err != nil {
		return err
	}
	d := overviewData{state: s, Demos: u.cfg.Demos, API: u.apiURL(r), Server: strings.TrimSuffix(u.apiURL(r), "/v1"), First: "NAME"}
	if all := u.rt.Workflows(); len(all) > 0 {
		d.First = all[0].Name
	}
	return u.render(w, r, page{Name: "overview", Title: "Overview", Nav: "/"}, d)
}

// watchOverview sends the parts of the overview, each when it changed.
func (u *UI) watchOverview(w http.ResponseWriter, r *http.Request) error {
	s, err := u.openStream(w, r)
	if err != nil {
		return err
	}
	defer s.close()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		_, parts, err := u.present(s.ctx)
		if err != nil {
			return nil // the client has gone, or comes again
		}
		for name, html := range parts {
			if !s.send(name, html) {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return nil
		}
	}
}

// present returns the state of this second, and the parts drawn from it.
func (u *UI) present(ctx context.Context) (*state, map[string][]byte, error) {
	now := time.Now()
	u.samples.take(now)
	u.samples.count(ctx, now)
	u.states.mu.Lock()
	defer u.states.mu.Unlock()
	if l := u.states.last; l != nil && now.Sub(l.At) < sampleEvery*9/10 {
		return l, u.states.parts, nil
	}
	s, err := u.look(ctx, now)
	if err != nil {
		return nil, nil, err
	}
	parts := map[string][]byte{}
	for _, name := range overviewParts {
		parts[name] = u.fragment("overview", name, s)
	}
	if s.Health != nil {
		parts["health"] = u.fragment("health", "document", s.Health)
	}
	u.states.last, u.states.parts = s, parts
	return s, parts, nil
}

// look makes a state: from samples, and the newest runs that need a person.
func (u *UI) look(ctx context.Context, now time.Time) (*state, error) {
	all, stats := u.samples.last()
	last := all[len(all)-1]
	s := &state{At: now, Empty: true, Health: last.health, StuckCount: last.runs[store.Stuck], FailedCount: last.runs[store.Failed], Aside: stats.Aside, CanHealth: u.has("/health")}
	for _, st := range store.Statuses() {
		s.Counts = append(s.Counts, statusCount{st, last.runs[st]})
		s.Empty = s.Empty && last.runs[st] == 0
	}
	s.Charts = charts(all)
	var err error
	if last.runs[store.Stuck] > 0 {
		if s.Stuck, err = u.rt.List(ctx, runtime.Filter{Statuses: []runtime.Status{store.Stuck}, Limit: 5, Bare: true}); err != nil {
			return nil, err
		}
	}
	if last.runs[store.Failed] > 0 {
		if s.Failed, err = u.rt.List(ctx, runtime.Filter{Statuses: []runtime.Status{store.Failed}, Limit: 8, Bare: true}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// charts draws what the samples tell.
func charts(all []sample) []chart {
	ended := func(s *sample) float64 {
		return float64(s.runs[store.Succeeded] + s.runs[store.Failed] + s.runs[store.Cancelled])
	}
	list := []chart{
		{Title: "Writes per second", Note: "about one for each step", points: growth(all, true, func(s *sample) float64 { return float64(s.writes) }), most: 10, text: shortNum},
		{Title: "Runs ended per second", Note: "whatever came of them", points: growth(all, true, ended), most: 2, text: shortNum},
		{
			Title: "Failures", Note: "failed or stuck, in 2 minutes", Bars: true, Bad: true, most: 2, text: shortNum,
			points: growth(all, false, func(s *sample) float64 { return float64(s.runs[store.Failed] + s.runs[store.Stuck]) }),
		},
		{Title: "Queued", Note: "runs that may begin", points: series(all, func(s *sample) float64 { return float64(s.runs[store.Queued]) }), most: 10, text: shortNum},
		{
			Title: "Oldest queued", Note: "how long it has waited", most: 10, text: secondsText,
			points: series(all, func(s *sample) float64 { return s.oldest.Seconds() }),
		},
	}
	if all[len(all)-1].health == nil {
		return read(list)
	}
	ofHealth := func(value func(*healthDoc) float64) []point {
		return series(all, func(s *sample) float64 {
			if s.health == nil {
				return math.NaN()
			}
			return value(s.health)
		})
	}
	millis := func(v float64) string { return spanText(time.Duration(v * float64(time.Millisecond))) }
	return read(append(list,
		chart{Title: "API latency", Note: "asked from inside", most: 10, text: millis, points: ofHealth(func(d *healthDoc) float64 {
			if d.API == nil {
				return math.NaN()
			}
			return d.API.TookMS
		})},
		chart{Title: "Scheduler latency", Note: "99th percentile", most: 10, text: millis, points: ofHealth(func(d *healthDoc) float64 { return d.SchedMS })},
		chart{
			Title: "Memory", Note: "resident", most: 64, points: ofHealth(func(d *healthDoc) float64 { return d.MemoryMB }),
			text: func(v float64) string { return shortNum(v) + " MB" },
		},
	))
}

// read fills in the values of the moment.
func read(list []chart) []chart {
	for i := range list {
		c := &list[i]
		c.Now = c.text(latest(c.points))
		if c.Bars {
			sum := 0.0
			for _, p := range c.points {
				if p.v > 0 {
					sum += p.v
				}
			}
			c.Now, c.Bad = shortNum(sum), sum > 0
		}
	}
	return list
}

func secondsText(v float64) string {
	return spanText(time.Duration(v * float64(time.Second)))
}

// startDemo starts the runs of a demo.
func (u *UI) startDemo(w http.ResponseWriter, r *http.Request) error {
	name := mux.Vars(r)["name"]
	i := slices.IndexFunc(u.cfg.Demos, func(d Demo) bool { return d.Name == name })
	if i < 0 {
		var names []string
		for _, d := range u.cfg.Demos {
			names = append(names, d.Name)
		}
		return &pageError{http.StatusNotFound, "there is no demo of this name: want one of " + strings.Join(names, ", ")}
	}
	ctx, cancel := bounded(r)
	defer cancel()
	if _, err := u.cfg.Demos[i].Start(ctx, u.rt); err != nil {
		return err
	}
	return u.redirect(w, r, u.path("runs"), "started")
}

// apiURL is where the API of this server is reached, as the client reached it.
func (u *UI) apiURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host + strings.TrimSuffix(u.cfg.Prefix, "/ui") + "/v1"
}
