package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

// watched compares the store's counters with its rows after each write: both
// in Stats and in Health they are exact.
type watched struct {
	store.Store
	f *fixture
}

func (w *watched) count() {
	w.f.Helper()
	want, err := countRuns(context.Background(), w.Store)
	w.f.must(err)
	if err := compareCounts(context.Background(), w.Store, want); err != "" {
		w.f.broken("the counters contradict the rows: %s", err)
	}
}

// countRuns counts by listing.
func countRuns(ctx context.Context, s store.Store) (map[store.Status]int64, error) {
	n := map[store.Status]int64{}
	for _, st := range store.Statuses() {
		n[st] = 0
	}
	for before := int64(0); ; {
		runs, err := s.List(ctx, store.Filter{Before: before, Limit: 1000})
		if err != nil || len(runs) == 0 {
			return n, err
		}
		for _, r := range runs {
			n[r.Status]++
		}
		before = runs[len(runs)-1].Seq
	}
}

func compareCounts(ctx context.Context, s store.Store, want map[store.Status]int64) string {
	stats, err := s.Stats(ctx)
	if err != nil {
		return err.Error()
	}
	if d := cmp.Diff(want, stats.Runs); d != "" {
		return "Stats (-rows +Stats):\n" + d
	}
	var runs [9]int64
	for st, n := range want {
		runs[st] = n
	}
	if d := cmp.Diff(runs, s.Health().Runs); d != "" {
		return "Health (-rows +Health):\n" + d
	}
	return ""
}

func (w *watched) Create(ctx context.Context, n store.NewRun) (store.Run, bool, error) {
	defer w.count()
	return w.Store.Create(ctx, n)
}

func (w *watched) Claim(ctx context.Context, r store.ClaimRequest) ([]store.Run, error) {
	defer w.count()
	return w.Store.Claim(ctx, r)
}

func (w *watched) Record(ctx context.Context, c store.Claim, s *store.Step) error {
	defer w.count()
	return w.Store.Record(ctx, c, s)
}

func (w *watched) Suspend(ctx context.Context, c store.Claim, s store.Suspension) error {
	defer w.count()
	return w.Store.Suspend(ctx, c, s)
}

func (w *watched) Finish(ctx context.Context, c store.Claim, o store.Outcome) (store.Status, error) {
	defer w.count()
	return w.Store.Finish(ctx, c, o)
}

func (w *watched) Release(ctx context.Context, cs []store.Claim, now time.Time) error {
	defer w.count()
	return w.Store.Release(ctx, cs, now)
}

func (w *watched) Stop(ctx context.Context, id string, c store.StopCause, now time.Time) (store.Run, error) {
	defer w.count()
	return w.Store.Stop(ctx, id, c, now)
}

func (w *watched) Resume(ctx context.Context, id string, now time.Time) (store.Run, error) {
	defer w.count()
	return w.Store.Resume(ctx, id, now)
}

func (w *watched) Fork(ctx context.Context, f store.Fork) (store.Run, bool, error) {
	defer w.count()
	return w.Store.Fork(ctx, f)
}

func (w *watched) Continue(ctx context.Context, claim store.Claim, c store.Continuation) (store.Continued, error) {
	defer w.count()
	return w.Store.Continue(ctx, claim, c)
}

func (w *watched) SetAside(ctx context.Context, claim store.Claim) error {
	defer w.count()
	return w.Store.SetAside(ctx, claim)
}

func (w *watched) Admit(ctx context.Context, version string, now time.Time, limit int) (int, error) {
	defer w.count()
	return w.Store.Admit(ctx, version, now, limit)
}

func (w *watched) SetVersion(ctx context.Context, id, version string, now time.Time) (store.Run, error) {
	defer w.count()
	return w.Store.SetVersion(ctx, id, version, now)
}

func (w *watched) Due(ctx context.Context, now time.Time, limit int) (int, time.Time, error) {
	defer w.count()
	return w.Store.Due(ctx, now, limit)
}

func (w *watched) Recover(ctx context.Context, now time.Time, max int) (store.Recovery, error) {
	defer w.count()
	return w.Store.Recover(ctx, now, max)
}

func (w *watched) Delete(ctx context.Context, id string) error {
	defer w.count()
	return w.Store.Delete(ctx, id)
}

func (w *watched) Expire(ctx context.Context, e store.Expiry) (store.Expired, error) {
	defer w.count()
	return w.Store.Expire(ctx, e)
}

// news collects what a store publishes.
type news struct {
	mu     sync.Mutex
	events []store.Event
}

func (n *news) add(es []store.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, es...)
}

// take returns what came since it was asked.
func (n *news) take() []store.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	es := n.events
	n.events = nil
	return es
}
