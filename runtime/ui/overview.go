package ui

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/store"
)

func (u *UI) overviewRoutes() []route {
	return []route{
		{http.MethodGet, "/", u.overview},
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

type overviewData struct {
	Counts []statusCount
	Empty  bool
	Demos  []Demo
	Base   string // where the API is reached, for what a newcomer types
	First  string // a workflow to try
}

func (u *UI) overview(w http.ResponseWriter, r *http.Request) error {
	d := overviewData{Demos: u.cfg.Demos, Base: baseURL(r) + strings.TrimSuffix(u.cfg.Prefix, "/ui"), First: "NAME"}
	counts := u.rt.Health().Store.Runs
	d.Empty = true
	for _, s := range store.Statuses() {
		d.Counts = append(d.Counts, statusCount{s, counts[s]})
		d.Empty = d.Empty && counts[s] == 0
	}
	if all := u.rt.Workflows(); len(all) > 0 {
		d.First = all[0].Name
	}
	return u.render(w, r, page{Name: "overview", Title: "Overview", Nav: "/"}, d)
}

// startDemo starts the runs of a demo.
func (u *UI) startDemo(w http.ResponseWriter, r *http.Request) error {
	name := mux.Vars(r)["name"]
	var names []string
	for _, d := range u.cfg.Demos {
		if d.Name == name {
			if _, err := d.Start(r.Context(), u.rt); err != nil {
				return err
			}
			return u.redirect(w, r, u.path(), "started")
		}
		names = append(names, d.Name)
	}
	return &pageError{http.StatusNotFound, "there is no demo of this name: want one of " + strings.Join(names, ", ")}
}

// baseURL is how this server was reached.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
