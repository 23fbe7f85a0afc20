package api

import (
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

type statsJSON struct {
	Runs   map[string]int64 `json:"runs" jsonschema:"how many runs there are, by status"`
	Queues []queueJSON      `json:"queues" jsonschema:"the queues that hold runs; the one without a name is of the runs without a queue"`
	// Aside counts the pinned runs that wait for a process of their version.
	Aside          map[string]int64 `json:"aside,omitempty" jsonschema:"how many pinned runs wait for a process of their version, by version"`
	Commits        uint64           `json:"commits" jsonschema:"commits of the store since the process began"`
	CommitsPerS    float64          `json:"commits_per_s" jsonschema:"commits a second, of late"`
	Loaded         int              `json:"loaded" jsonschema:"how many runs are in memory"`
	OldestQueuedAt stamp            `json:"oldest_queued_at,omitzero" jsonschema:"when the run that has waited longest to begin was queued"`
	NextWakeAt     stamp            `json:"next_wake_at,omitzero" jsonschema:"when the next timer, deadline or tick is due"`
}

type queueJSON struct {
	Name    string `json:"name" jsonschema:"its name"`
	Depth   int64  `json:"depth" jsonschema:"how many runs wait to begin"`
	Running int64  `json:"running" jsonschema:"how many have begun and not ended"`
}

var statsOp = tagged(operation{
	id: "getStats", tag: "server", summary: "Counts of what is in the store",
	replies: []reply{{status: http.StatusOK, text: "the counts", of: reflect.TypeFor[statsJSON](), example: statsJSON{
		Runs:   map[string]int64{"queued": 12, "delayed": 0, "running": 10, "waiting": 3, "succeeded": 4711, "failed": 2, "cancelled": 0, "stuck": 0},
		Queues: []queueJSON{{"emails", 12, 10}}, Commits: 90210, CommitsPerS: 35.5, Loaded: 10, OldestQueuedAt: exampleTime(1), NextWakeAt: exampleTime(60),
	}}},
	depth: reading,
})

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
	return answerRead(w, r, v)
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
