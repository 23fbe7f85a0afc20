package runtime

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

// QueueInfo is a queue as it stands.
type QueueInfo struct {
	Name string
	// Config is what holds now.
	Config QueueConfig
	// Changed: Config was changed while in use, and differs from what the
	// program defines or once did.
	Changed bool
	// Defined: the program has the queue. Runs of one that it has not wait.
	Defined bool
	// Depth is the number of runs that wait to begin, Running of those that
	// have begun and not ended.
	Depth, Running int64
	// Oldest is when the longest-waiting of those that wait was queued; zero when
	// none does.
	Oldest time.Time
}

// Queues returns the queues that are defined or hold runs, by name. It counts
// them, which takes time in proportion to the runs that have not ended.
func (rt *Runtime) Queues(ctx context.Context) ([]QueueInfo, error) {
	stats, err := rt.store.Stats(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := rt.store.QueueSettings(ctx)
	if err != nil {
		return nil, err
	}
	infos := map[string]QueueInfo{}
	for name, q := range rt.reg.queues {
		infos[name] = QueueInfo{Name: name, Config: q.cfg, Defined: true}
	}
	for _, q := range stats.Queues {
		if q.Name != "" {
			i := infos[q.Name]
			i.Name, i.Depth, i.Running, i.Oldest = q.Name, q.Depth, q.Held, q.Oldest
			infos[q.Name] = i
		}
	}
	for _, s := range settings {
		if i, ok := infos[s.Name]; ok {
			i.Config, i.Changed = i.Config.with(s), true
			infos[s.Name] = i
		}
	}
	return slices.SortedFunc(maps.Values(infos), func(a, b QueueInfo) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// PauseQueue lets no further run of the queue begin. When it returns nil that
// is durable, and holds for all claims from then on, over restarts too, until
// [Runtime.ResumeQueue]. Runs that have begun go on; runs can be started, and
// wait. Errors: [ErrNotFound] when the program defines no such queue.
func (rt *Runtime) PauseQueue(ctx context.Context, name string) error {
	return rt.pauseQueue(ctx, name, true)
}

// ResumeQueue lets runs of the queue begin again, whether it was paused by
// [Runtime.PauseQueue] or by its definition. Durable when it returns nil.
// Errors: [ErrNotFound].
func (rt *Runtime) ResumeQueue(ctx context.Context, name string) error {
	return rt.pauseQueue(ctx, name, false)
}

// pauseQueue stores nothing where the definition says the same.
func (rt *Runtime) pauseQueue(ctx context.Context, name string, paused bool) error {
	return rt.changeQueue(ctx, name, func(s *store.QueueSettings) error {
		s.Paused = new(paused)
		if rt.reg.queues[name].cfg.Paused == paused {
			s.Paused = nil
		}
		return nil
	})
}

// SetQueue puts cfg in the place of what the program defines for the queue.
// When it returns nil that is durable, and holds for all claims from then on,
// over restarts and new versions of the program too, until
// [Runtime.ResetQueue]. Runs that have begun go on, even when a bound is below
// their number now. Errors: [ErrNotFound], [ErrInvalid].
func (rt *Runtime) SetQueue(ctx context.Context, name string, cfg QueueConfig) error {
	return rt.ChangeQueue(ctx, name, func(c *QueueConfig) { *c = cfg })
}

// ChangeQueue is [Runtime.SetQueue] with what change makes of the configuration
// that holds. Concurrent changes through one runtime follow one another.
func (rt *Runtime) ChangeQueue(ctx context.Context, name string, change func(*QueueConfig)) error {
	return rt.changeQueue(ctx, name, func(s *store.QueueSettings) error {
		cfg := rt.reg.queues[name].cfg.with(*s)
		change(&cfg)
		if err := cfg.validate(); err != nil {
			return fmt.Errorf("%w: queue %s: %w", ErrInvalid, name, err)
		}
		s.Paused, s.Bounds = new(cfg.Paused), new(cfg.bounds())
		return nil
	})
}

// ResetQueue undoes all that was changed: the queue is as the program defines
// it, paused or not. Durable when it returns nil. Errors: [ErrNotFound].
func (rt *Runtime) ResetQueue(ctx context.Context, name string) error {
	return rt.changeQueue(ctx, name, func(s *store.QueueSettings) error { *s = store.QueueSettings{Name: name}; return nil })
}

func (rt *Runtime) changeQueue(ctx context.Context, name string, change func(*store.QueueSettings) error) error {
	if err := rt.reg.queue(name); err != nil {
		return err
	}
	c := &rt.dispatch.changes
	c.writing.Lock()
	defer c.writing.Unlock()
	all, err := rt.store.QueueSettings(ctx)
	if err != nil {
		return err
	}
	s := store.QueueSettings{Name: name}
	if i := slices.IndexFunc(all, func(s store.QueueSettings) bool { return s.Name == name }); i >= 0 {
		s = all[i]
	}
	if err := change(&s); err != nil {
		return err
	}
	// Not ended by ctx: what is stored must be known here.
	if err := rt.store.SetQueue(context.WithoutCancel(ctx), s); err != nil {
		rt.noteFatal(err)
		return err
	}
	c.set(s)
	rt.dispatch.queued(name, false) // it may have looked by what held before
	return nil
}

// queueChanges knows what was changed about queues. The store heeds that by
// itself in every claim; here it tells after which events a claim is worth it.
type queueChanges struct {
	writing sync.Mutex // held over a change

	mu     sync.RWMutex
	stored map[string]store.QueueSettings
}

func (c *queueChanges) load(ctx context.Context, s store.Store) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	all, err := s.QueueSettings(ctx)
	for _, q := range all {
		c.set(q)
	}
	return err
}

func (c *queueChanges) set(s store.QueueSettings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stored == nil {
		c.stored = map[string]store.QueueSettings{}
	}
	c.stored[s.Name] = s
}

// of returns the configuration of a queue that holds.
func (c *queueChanges) of(q *Queue) QueueConfig {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return q.cfg.with(c.stored[q.name])
}
