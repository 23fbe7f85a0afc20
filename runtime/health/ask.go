package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// askEvery is the time between two requests to the API listener; while it
	// does not answer it is asked at every sample.
	askEvery = 10 * time.Second
	// askPatience bounds one request.
	askPatience = 3 * time.Second
)

// asker calls the API listener as a client would: a new connection each time,
// for one kept open would not show that no more are accepted.
type asker struct {
	client *http.Client
	every  time.Duration
	busy   atomic.Bool
	last   atomic.Pointer[result]
}

func askClient(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: dial},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

func (a *asker) result() result {
	if r := a.last.Load(); r != nil {
		return *r
	}
	return result{}
}

func (a *asker) maybe(ctx context.Context, wg *sync.WaitGroup, addr string, now time.Time) {
	last := a.result()
	if last.err == nil && now.Sub(last.at) < a.every || !a.busy.CompareAndSwap(false, true) {
		return
	}
	wg.Go(func() {
		defer a.busy.Store(false)
		began := time.Now()
		err := a.ask(ctx, addr)
		if ctx.Err() != nil {
			return
		}
		r := last.next(err, began, time.Now())
		a.last.Store(&r)
	})
}

func (a *asker) ask(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, askPatience, errNoAnswer)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/ping", nil)
	if err != nil {
		return err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the API: %w", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("ask the API: %s", resp.Status)
	}
	return nil
}
