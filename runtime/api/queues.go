package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// queueInfoJSON is a queue as clients see it. A bound of zero is none.
type queueInfoJSON struct {
	queueJSON
	Paused      bool       `json:"paused"`
	Concurrency int        `json:"concurrency"`
	PerExecutor int        `json:"per_executor"`
	Rate        store.Rate `json:"rate"`
	// PartitionConcurrency and PartitionRate are those of each partition.
	PartitionConcurrency int        `json:"partition_concurrency"`
	PartitionRate        store.Rate `json:"partition_rate"`
	// Changed: some of it is not as the program defines it.
	Changed bool `json:"changed"`
	Defined bool `json:"defined"`
}

func queueOf(q runtime.QueueInfo) queueInfoJSON {
	return queueInfoJSON{
		queueJSON: queueJSON{q.Name, q.Depth, q.Running}, Paused: q.Config.Paused,
		Concurrency: q.Config.Concurrency, PerExecutor: q.Config.PerExecutor, Rate: q.Config.Rate,
		PartitionConcurrency: q.Config.PartitionConcurrency, PartitionRate: q.Config.PartitionRate,
		Changed: q.Changed, Defined: q.Defined,
	}
}

func (a *api) queues(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	infos, err := a.rt.Queues(ctx)
	if err != nil {
		return err
	}
	list := []queueInfoJSON{}
	for _, q := range infos {
		list = append(list, queueOf(q))
	}
	return answer(w, http.StatusOK, map[string]any{"queues": list})
}

// queueName returns the name in the path.
func queueName(r *http.Request) string { return mux.Vars(r)["name"] }

// answerQueue answers a queue after it was changed.
func (a *api) answerQueue(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	infos, err := a.rt.Queues(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(infos, func(q runtime.QueueInfo) bool { return q.Name == queueName(r) })
	return answer(w, http.StatusOK, queueOf(infos[i])) // it is defined, or err were not nil
}

func (a *api) pauseQueue(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	return a.answerQueue(w, r, a.rt.PauseQueue(ctx, queueName(r)))
}

func (a *api) resumeQueue(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	return a.answerQueue(w, r, a.rt.ResumeQueue(ctx, queueName(r)))
}

func (a *api) resetQueue(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	return a.answerQueue(w, r, a.rt.ResetQueue(ctx, queueName(r)))
}

// changeQueue changes the settings that the body names.
func (a *api) changeQueue(w http.ResponseWriter, r *http.Request) error {
	data, release, err := a.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	var change struct {
		Paused      *bool       `json:"paused"`
		Concurrency *int        `json:"concurrency"`
		PerExecutor *int        `json:"per_executor"`
		Rate        *store.Rate `json:"rate"`

		PartitionConcurrency *int        `json:"partition_concurrency"`
		PartitionRate        *store.Rate `json:"partition_rate"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err = dec.Decode(&change)
	if err == nil && dec.More() {
		err = errors.New("something follows it")
	}
	if err != nil {
		return invalid(fmt.Sprintf("settings of a queue: want a JSON object with some of paused, concurrency, per_executor, rate, partition_concurrency and partition_rate: %v", err))
	}
	ctx, cancel := bounded(r)
	defer cancel()
	return a.answerQueue(w, r, a.rt.ChangeQueue(ctx, queueName(r), func(c *runtime.QueueConfig) {
		replace(&c.Paused, change.Paused)
		replace(&c.Concurrency, change.Concurrency)
		replace(&c.PerExecutor, change.PerExecutor)
		replace(&c.Rate, change.Rate)
		replace(&c.PartitionConcurrency, change.PartitionConcurrency)
		replace(&c.PartitionRate, change.PartitionRate)
	}))
}

func replace[T any](v, by *T) {
	if by != nil {
		*v = *by
	}
}
