package ui

import (
	"net/http"
	"time"
)

func (u *UI) healthRoutes() []route {
	if u.cfg.Health == nil {
		return nil
	}
	return []route{{http.MethodGet, "/health", u.health}}
}

// health shows the health document. It is kept up to date by the stream of the
// overview.
func (u *UI) health(w http.ResponseWriter, r *http.Request) error {
	d := readHealth(u.cfg.Health)
	if d == nil {
		return &pageError{http.StatusServiceUnavailable, "The health monitor does not answer."}
	}
	return u.render(w, r, page{Name: "health", Title: "Health", Nav: "/health"}, d)
}

func millisText(ms float64) string { return spanText(time.Duration(ms * float64(time.Millisecond))) }
