package runtime

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

// signals brings what reached a run from outside to its execution.
type signals struct {
	rt   *Runtime
	wake chan struct{}

	mu  sync.Mutex
	ids map[string]struct{}
}

func newSignals(rt *Runtime) *signals {
	return &signals{rt: rt, wake: make(chan struct{}, 1), ids: map[string]struct{}{}}
}

func (s *signals) add(id string) {
	s.mu.Lock()
	s.ids[id] = struct{}{}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *signals) take() map[string]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.ids
	s.ids = map[string]struct{}{}
	return ids
}

func (s *signals) run(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for id := range s.take() {
			s.deliver(ctx, id)
		}
	}
}

// deliver reads the run's signals and hands them over.
func (s *signals) deliver(ctx context.Context, id string) {
	run, err := s.rt.store.Get(context.WithoutCancel(ctx), id)
	if errors.Is(err, ErrNotFound) {
		return // it ended and was deleted before we came
	}
	if err != nil {
		s.rt.cfg.Logger.Error("read signals", "run_id", id, "error", err)
		time.AfterFunc(time.Second, func() { s.add(id) })
		return
	}
	switch e := s.rt.execution(id); {
	case e != nil && e.claim.Epoch == run.Epoch:
		e.signal(&run)
	case run.Status == store.Running && run.Executor == s.rt.cfg.Executor:
		// Claimed, and about to be loaded from a record that is older.
		time.AfterFunc(2*time.Millisecond, func() { s.add(id) })
	}
}
