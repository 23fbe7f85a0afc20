package runtime

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Changes are the runs that changed since an earlier position.
type Changes struct {
	// Position is where a watch goes on from to get what changed after these.
	// It means nothing to another process.
	Position string
	// Runs are the ids of the runs that changed, each once; also of those that
	// were deleted.
	Runs []string
	// Lost: the position asked for is too old, or of another process, so any
	// run may have changed.
	Lost bool
}

// WatchRun yields a run as it is now, and again after each committed change of
// it: of its status, by a row of its history, a message, an event, an item of
// a stream. Changes that come faster than every are yielded as one; the last is
// never left out. It ends once the run has ended and was yielded so.
//
// The last pair of an iteration that goes wrong holds the error: [ErrNotFound],
// also when the run is deleted; [ErrInvalid]; [ErrDraining]; the cause of ctx.
// Those who watch the same run share what is yielded: it must not be changed.
func (rt *Runtime) WatchRun(ctx context.Context, id string, every time.Duration) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		if err := ValidateID(id); err != nil {
			yield(Run{}, err)
			return
		}
		r, leave := rt.watches.watch(id)
		defer leave()
		p := rt.pace(every)
		defer p.rest.Stop()
		p.shown()
		for {
			run, version, err := rt.watches.look(ctx, r, func() (Run, error) { return rt.store.Get(ctx, id) })
			if err != nil {
				yield(Run{}, fmt.Errorf("watch run %s: %w", id, err))
				return
			}
			if !yield(run, nil) || run.Status.Ended() {
				return
			}
			if err := p.next(ctx, func() <-chan struct{} { return rt.watches.after(r, version) }); err != nil {
				yield(Run{}, fmt.Errorf("watch run %s: %w", id, err))
				return
			}
		}
	}
}

// Position is where [Runtime.WatchRuns] goes on from to miss no change made
// after the call: take it before you read what you will then watch. It is good
// for a minute at least.
func (rt *Runtime) Position() string { return rt.watches.position() }

// RunsSince returns, at once, the runs that changed since a position of
// [Runtime.Position] or [Changes], perhaps none.
func (rt *Runtime) RunsSince(position string) Changes {
	w := rt.watches
	defer w.attend()()
	at, known := w.locate(position)
	if !known {
		return Changes{Position: w.name(at), Lost: true}
	}
	ids, at, lost := w.since(at)
	return Changes{Position: w.name(at), Runs: ids, Lost: lost}
}

// WatchRuns yields the runs that changed since a position, and goes on with
// what changes: at most once in every, each run once in what is yielded. The
// position "" means now; then, and when the position is lost, the first Changes
// come at once and have no runs.
//
// The last pair holds the error that ended the iteration: [ErrDraining], or the
// cause of ctx.
func (rt *Runtime) WatchRuns(ctx context.Context, after string, every time.Duration) iter.Seq2[Changes, error] {
	return func(yield func(Changes, error) bool) {
		w := rt.watches
		defer w.attend()()
		p := rt.pace(every)
		defer p.rest.Stop()
		at, known := w.locate(after)
		if !known {
			p.shown()
			if !yield(Changes{Position: w.name(at), Lost: after != ""}, nil) {
				return
			}
		}
		for {
			var c Changes
			err := p.next(ctx, func() (news <-chan struct{}) {
				for news == nil {
					if c.Runs, at, c.Lost = w.since(at); len(c.Runs) > 0 || c.Lost {
						return nil
					}
					news = w.next(at)
				}
				return news
			})
			if err != nil {
				yield(Changes{}, fmt.Errorf("watch runs: %w", err))
				return
			}
			c.Position = w.name(at)
			if !yield(c, nil) {
				return
			}
		}
	}
}

// pace waits for news that must not come too fast.
type pace struct {
	rt    *Runtime
	every time.Duration
	rest  *time.Timer // until the next news may come
}

func (rt *Runtime) pace(every time.Duration) *pace {
	return &pace{rt, max(every, 0), time.NewTimer(0)}
}

// shown begins the time in which no further news may come.
func (p *pace) shown() { p.rest.Reset(p.every) }

// next returns when there is news: when look, which is called when it is time,
// returns nil, or after the channel that it returns is closed.
func (p *pace) next(ctx context.Context, look func() <-chan struct{}) error {
	if err := p.wait(ctx, nil); err != nil {
		return err
	}
	for news := look(); news != nil; news = look() {
		if err := p.wait(ctx, news); err != nil {
			return err
		}
	}
	p.shown()
	return nil
}

// wait waits for news or, when it is nil, until the next may come.
func (p *pace) wait(ctx context.Context, news <-chan struct{}) error {
	var rest <-chan time.Time
	if news == nil {
		rest = p.rest.C
	}
	select {
	case <-rest:
	case <-news:
	case <-p.rt.over:
		return ErrDraining
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
