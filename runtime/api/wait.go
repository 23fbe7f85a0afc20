package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// errWaited is why a wait ends without a result.
var errWaited = errors.New("the time to wait is over")

// settled: a run that nothing more will become of by itself.
func settled(run *runtime.Run) bool { return run.Status.Ended() || run.Status == store.Stuck }

// mayWait takes one of the places for clients that wait. It is asked before
// anything is started, so that a refused request has done nothing.
func (a *api) mayWait() (release func(), err error) {
	if a.waiting.Add(1) > a.cfg.MaxWaiting {
		a.waiting.Add(-1)
		return nil, &requestError{http.StatusTooManyRequests, "too_many_waiting",
			fmt.Sprintf("%d clients wait for results already; nothing was started: start without wait, or try later", a.cfg.MaxWaiting)}
	}
	return func() { a.waiting.Add(-1) }, nil
}

// await waits for the run to settle, for the time given, or until the server
// shuts down; it returns the run as it then is.
func (a *api) await(w http.ResponseWriter, r *http.Request, run runtime.Run, wait time.Duration) (runtime.Run, error) {
	// The server's own deadline is for requests that do not wait.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + patience)) //nolint:errcheck // not every writer has one
	ctx, cancel := context.WithTimeoutCause(r.Context(), wait, errWaited)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	if a.cfg.Closing != nil {
		go func() {
			select {
			case <-a.cfg.Closing:
				cancel()
			case <-done:
			}
		}()
	}
	ended, err := a.rt.Wait(ctx, run.ID)
	switch {
	case err == nil:
		return ended, nil
	case r.Context().Err() != nil:
		return run, context.Canceled
	case ctx.Err() == nil && !errors.Is(err, runtime.ErrDraining):
		return run, err
	}
	now, stop := bounded(r)
	defer stop()
	return a.rt.Get(now, run.ID)
}
