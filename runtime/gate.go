package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// replayPatience bounds the replay of one run.
const replayPatience = 10 * time.Second

// ReplayUnderWay replays up to n runs that are under way against the code of
// this runtime, so before [Runtime.Run] to know whether it may be let loose on
// them. The newest of each workflow come first, at least one of each; runs of
// workflows that are not defined are among them, runs that are [Pinned] to another
// version are not. It returns how many were
// replayed, and an error that joins what [Replay] says of those that do not fit.
func (rt *Runtime) ReplayUnderWay(ctx context.Context, n int) (int, error) {
	ids, err := rt.underWay(ctx, n)
	if err != nil {
		return 0, fmt.Errorf("replay runs under way: %w", err)
	}
	var errs []error
	for _, id := range ids {
		h, err := rt.Export(ctx, id)
		if errors.Is(err, ErrNotFound) {
			continue // deleted since
		}
		if err != nil {
			return 0, fmt.Errorf("replay runs under way: %w", err)
		}
		one, cancel := context.WithTimeoutCause(ctx, replayPatience, fmt.Errorf("%w after %v: the function waits for something outside of its steps", ErrTimeout, replayPatience))
		err = replay(one, rt.cfg, rt.reg, h)
		cancel()
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		errs = append(errs, rt.withheld(err))
	}
	return len(ids), errors.Join(errs...)
}

// underWay returns the ids of a sample of the runs that have begun and not
// ended.
func (rt *Runtime) underWay(ctx context.Context, n int) (ids []string, err error) {
	n = min(max(n, 0), 1000)
	if n == 0 {
		return nil, nil
	}
	names := slices.Sorted(maps.Keys(rt.reg.workflows))
	share := max(1, n/max(1, len(names)))
	for _, name := range names {
		some, err := rt.begun(ctx, store.Filter{Workflow: name, Limit: share})
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	any, err := rt.begun(ctx, store.Filter{Limit: n})
	if err != nil {
		return nil, err
	}
	for _, id := range any {
		if len(ids) < n && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// begun returns up to f.Limit runs of f that have a history to go on with.
func (rt *Runtime) begun(ctx context.Context, f store.Filter) (ids []string, err error) {
	limit := f.Limit
	// What a stop gave back is queued, among what has not begun.
	for _, part := range []struct {
		statuses []store.Status
		most     int
	}{{[]store.Status{store.Waiting, store.Running}, limit}, {[]store.Status{store.Queued}, 1000}} {
		f.Statuses, f.Limit = part.statuses, part.most
		runs, err := rt.store.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for i := range runs {
			r := &runs[i]
			elsewhere := r.Pinned && r.Version != rt.cfg.Version // never executed here
			if !r.StartedAt.IsZero() && !elsewhere && len(ids) < limit {
				ids = append(ids, r.ID)
			}
		}
	}
	return ids, nil
}
