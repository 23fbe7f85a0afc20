package api

import (
	"net/http"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

type statsJSON struct {
	Runs   map[string]int64 `json:"runs"`
	Queues []queueJSON      `json:"queues"`
	// Aside counts the pinned runs that wait for a process of their version.
	Aside          map[string]int64 `json:"aside,omitempty"`
	Commits        uint64           `json:"commits"`
	CommitsPerS    float64          `json:"commits_per_s"`
	Loaded         int              `json:"loaded"`
	OldestQueuedAt stamp            `json:"oldest_queued_at,omitzero"`
	NextWakeAt     stamp            `json:"next_wake_at,omitzero"`
}

type queueJSON struct {
	Name    string `json:"name"`
	Depth   int64  `json:"depth"`
	Running int64  `json:"running"`
}

func (a *api) stats(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	st, err := a.rt.Stats(ctx)
	if err != nil {
		return err
	}
	h := a.rt.Health()
	v := statsJSON{
		Runs: map[string]int64{}, Queues: []queueJSON{}, Loaded: h.Loaded, Aside: st.Aside,
		Commits: h.Store.Commits, CommitsPerS: a.rate.at(h.Store.Commits, time.Now()),
		OldestQueuedAt: stamp{st.OldestQueued}, NextWakeAt: stamp{st.NextDue},
	}
	for _, s := range store.Statuses() {
		v.Runs[s.String()] = st.Runs[s]
	}
	for _, q := range st.Queues {
		v.Queues = append(v.Queues, queueJSON{q.Name, q.Depth, q.Held})
	}
	return answer(w, http.StatusOK, v)
}

// rate is how fast a count grows, between looks at least a second apart.
type rate struct {
	mu    sync.Mutex
	count uint64
	since time.Time
	last  float64
}

func (r *rate) begin(count uint64, now time.Time) { r.count, r.since = count, now }

func (r *rate) at(count uint64, now time.Time) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := now.Sub(r.since); d >= time.Second {
		r.last = float64(count-r.count) / d.Seconds()
		r.count, r.since = count, now
	}
	return r.last
}
