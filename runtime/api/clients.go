package api

import (
	"fmt"
	"net"
	"net/http"
	"sync"
)

// clients counts what each client has under way, so that one alone cannot take
// every place.
type clients struct {
	mu      sync.Mutex
	of      map[string]*client
	waiting int // of all
}

// client is who makes requests; it is known while it has some under way.
type client struct{ requests, waiting int }

// addressOf is the client of a request where nobody knows better.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// enter counts a request of a client. It is false, and nothing is counted, when
// the client has most already.
func (c *clients) enter(id string, most int) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.of[id]
	if cl == nil {
		cl = &client{}
	}
	if cl.requests >= most {
		return nil, false
	}
	if c.of == nil {
		c.of = map[string]*client{}
	}
	cl.requests++
	c.of[id] = cl
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if cl.requests--; cl.requests == 0 {
			delete(c.of, id)
		}
	}, true
}

// mayWait takes one of the places for clients that wait, or follow a stream. It
// is asked before anything is started, so that a refused request has done
// nothing. The request was entered.
func (a *api) mayWait(r *http.Request) (release func(), err error) {
	c := &a.clients
	id := a.cfg.Client(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.of[id]
	full := func(n int, what string) error {
		return &requestError{http.StatusTooManyRequests, "too_many_waiting",
			fmt.Sprintf("%d %s wait for results or follow streams already; nothing was started: start without wait, or try later", n, what)}
	}
	switch {
	case cl.waiting >= a.cfg.MaxWaitingPerClient:
		return nil, full(cl.waiting, "requests of this client")
	case c.waiting >= a.cfg.MaxWaiting:
		return nil, full(c.waiting, "requests")
	}
	cl.waiting++
	c.waiting++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		cl.waiting--
		c.waiting--
	}, nil
}

// limited bounds the requests that one client has under way.
func (a *api) limited(next func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		leave, ok := a.clients.enter(a.cfg.Client(r), a.cfg.MaxPerClient)
		if !ok {
			return &requestError{http.StatusTooManyRequests, "too_many_requests",
				fmt.Sprintf("%d requests of this client are under way already; nothing was done: try again in a moment", a.cfg.MaxPerClient)}
		}
		defer leave()
		return next(w, r)
	}
}
