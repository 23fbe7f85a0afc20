package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// errWaited is why a wait ends without a result.
var errWaited = errors.New("the time to wait is over")

// settled: a run that nothing more will become of by itself.
func settled(run *runtime.Run) bool { return run.Status.Ended() || run.Status == store.Stuck }

// await waits for the run to settle, for the time given, or until the server
// shuts down; it returns the run as it then is.
func (a *api) await(w http.ResponseWriter, r *http.Request, run runtime.Run, wait time.Duration) (runtime.Run, error) {
	ctx, cancel := a.waitContext(w, r, wait)
	defer cancel()
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

// waitContext is that of a request that waits: it ends with errWaited after the
// time given, and when the server shuts down.
func (a *api) waitContext(w http.ResponseWriter, r *http.Request, wait time.Duration) (context.Context, context.CancelFunc) {
	// The server's own deadline is for requests that do not wait.
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + patience)) //nolint:errcheck // not every writer has one
	ctx, stop := context.WithTimeoutCause(r.Context(), wait, errWaited)
	ctx, cancel := a.closer.until(ctx)
	return ctx, func() { cancel(); stop() }
}
