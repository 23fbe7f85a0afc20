package ui

import (
	"net"
	"net/http"
	"sync"
)

// watchers counts the pages that are kept up to date, of each client, so that
// one alone cannot take every place.
type watchers struct {
	mu  sync.Mutex
	all int
	of  map[string]int // of those who have some
}

// mayWatch takes one of the places for pages that are kept up to date.
func (u *UI) mayWatch(r *http.Request) (leave func(), err error) {
	const help = "This one is not; load it again to see what changed."
	id, ws := u.cfg.Client(r), &u.watching
	ws.mu.Lock()
	defer ws.mu.Unlock()
	switch {
	case ws.of[id] >= u.cfg.MaxWatchingPerClient:
		return nil, &pageError{http.StatusTooManyRequests, "Too many pages are kept up to date for your address. " + help}
	case ws.all >= u.cfg.MaxWatching:
		return nil, &pageError{http.StatusTooManyRequests, "Too many pages are kept up to date. " + help}
	}
	if ws.of == nil {
		ws.of = map[string]int{}
	}
	ws.all++
	ws.of[id]++
	return func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.all--
		if ws.of[id]--; ws.of[id] == 0 {
			delete(ws.of, id)
		}
	}, nil
}

// addressOf is the client of a request where nobody knows better.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
