package runtime

import (
	"context"
	"database/sql"
	"time"

	"github.com/stepwell/stepwell/store"
)

// watchedStore tells watches of the changes for which a store publishes no
// event: those that come as often as steps, where that would cost, and new runs.
// Nobody else may write: a test holds it to every method that does.
type watchedStore struct {
	store.Store
	watches *watches
}

// told passes on the outcome of a write to a run.
func (s *watchedStore) told(id string, err error) error {
	if err == nil {
		s.watches.changed(id)
	}
	return err
}

func (s *watchedStore) Create(ctx context.Context, n store.NewRun) (store.Run, bool, error) {
	r, created, err := s.Store.Create(ctx, n)
	return r, created, s.told(r.ID, err) // one that existed may have got messages, or a new input
}

func (s *watchedStore) Claim(ctx context.Context, req store.ClaimRequest) ([]store.Run, error) {
	runs, err := s.Store.Claim(ctx, req)
	for i := range runs {
		s.watches.changed(runs[i].ID)
	}
	return runs, err
}

func (s *watchedStore) Record(ctx context.Context, c store.Claim, step *store.Step) error {
	return s.told(c.ID, s.Store.Record(ctx, c, step))
}

func (s *watchedStore) Suspend(ctx context.Context, c store.Claim, p store.Suspension) error {
	return s.told(c.ID, s.Store.Suspend(ctx, c, p))
}

func (s *watchedStore) Stop(ctx context.Context, id string, cause store.StopCause, now time.Time) (store.Run, error) {
	r, err := s.Store.Stop(ctx, id, cause, now)
	return r, s.told(id, err)
}

func (s *watchedStore) Send(ctx context.Context, m store.Message) (bool, error) {
	sent, err := s.Store.Send(ctx, m)
	return sent, s.told(m.RunID, err)
}

func (s *watchedStore) Take(ctx context.Context, c store.Claim, topic string, step *store.Step) (store.Message, bool, error) {
	m, found, err := s.Store.Take(ctx, c, topic, step)
	return m, found, s.told(c.ID, err)
}

func (s *watchedStore) Watch(ctx context.Context, c store.Claim, id, key string, step *store.Step) error {
	return s.told(c.ID, s.Store.Watch(ctx, c, id, key, step))
}

func (s *watchedStore) SetAside(ctx context.Context, c store.Claim) error {
	return s.told(c.ID, s.Store.SetAside(ctx, c))
}

func (s *watchedStore) Fork(ctx context.Context, f store.Fork) (store.Run, bool, error) {
	r, created, err := s.Store.Fork(ctx, f)
	return r, created, s.told(r.ID, err)
}

func (s *watchedStore) Advance(ctx context.Context, sc store.Schedule, runs []store.NewRun) (store.Advance, error) {
	a, err := s.Store.Advance(ctx, sc, runs)
	for i := range a.Runs {
		s.watches.changed(a.Runs[i].ID)
	}
	return a, err
}

// watchedTransactor is a [watchedStore] of a [store.Transactor].
type watchedTransactor struct {
	store.Transactor
	watches *watches
}

func (s *watchedTransactor) Transact(ctx context.Context, c store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	err := s.Transactor.Transact(ctx, c, limit, fn)
	if err == nil {
		s.watches.changed(c.ID)
	}
	return err
}
