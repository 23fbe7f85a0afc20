package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// queueInfoJSON is a queue as clients see it. A bound of zero is none.
type queueInfoJSON struct {
	queueJSON
	Paused      bool       `json:"paused" jsonschema:"none of its runs begins"`
	Concurrency int        `json:"concurrency" jsonschema:"how many of its runs may be under way on all executors; 0: no bound"`
	PerExecutor int        `json:"per_executor" jsonschema:"how many on each executor; 0: no bound"`
	Rate        store.Rate `json:"rate" jsonschema:"how often one may begin; empty: no bound"`
	// PartitionConcurrency and PartitionRate are those of each partition.
	PartitionConcurrency int        `json:"partition_concurrency" jsonschema:"how many of each partition may be under way; 0: no bound"`
	PartitionRate        store.Rate `json:"partition_rate" jsonschema:"how often one of each partition may begin; empty: no bound"`
	// Changed: some of it is not as the program defines it.
	Changed bool `json:"changed" jsonschema:"some of this was changed while in use"`
	Defined bool `json:"defined" jsonschema:"the program has the queue; the runs of one that it has not wait"`
}

type queuesJSON struct {
	Queues []queueInfoJSON `json:"queues" jsonschema:"the queues that are defined or hold runs, by name"`
}

// queueChange is the body that changes a queue; nil fields stay.
type queueChange struct {
	Paused      *bool       `json:"paused,omitempty" jsonschema:"none of its runs begins"`
	Concurrency *int        `json:"concurrency,omitempty" jsonschema:"how many of its runs may be under way on all executors; 0: no bound"`
	PerExecutor *int        `json:"per_executor,omitempty" jsonschema:"how many on each executor; 0: no bound"`
	Rate        *store.Rate `json:"rate,omitempty" jsonschema:"how often one may begin; empty: no bound"`

	PartitionConcurrency *int        `json:"partition_concurrency,omitempty" jsonschema:"how many of each partition may be under way; 0: no bound"`
	PartitionRate        *store.Rate `json:"partition_rate,omitempty" jsonschema:"how often one of each partition may begin; empty: no bound"`
}

var exampleQueue = queueInfoJSON{queueJSON: queueJSON{"emails", 12, 10}, Concurrency: 10, Rate: store.Rate{Limit: 100, Per: time.Minute, Burst: 20}, Defined: true}

func queueOp(id, summary, text string) operation {
	return operation{
		id: id, tag: "queues", summary: summary, text: text,
		replies: []reply{{status: http.StatusOK, text: "the queue", of: reflect.TypeFor[queueInfoJSON](), example: exampleQueue}},
		codes:   []string{"not_found"}, depth: writing,
	}
}

var (
	queuesOp = tagged(operation{
		id: "listQueues", tag: "queues", summary: "All queues",
		text:    "It counts their runs, which takes time in proportion to the runs that have not ended.",
		replies: []reply{{status: http.StatusOK, text: "the queues", of: reflect.TypeFor[queuesJSON](), example: queuesJSON{[]queueInfoJSON{exampleQueue}}}},
		depth:   reading,
	})
	pauseQueueOp  = queueOp("pauseQueue", "Let no further run of a queue begin", "It holds over restarts, until the queue is resumed. Runs that have begun go on.")
	resumeQueueOp = queueOp("resumeQueue", "Let the runs of a queue begin again", "")
	resetQueueOp  = queueOp("resetQueue", "Have a queue as the program defines it", "What was changed about it while in use is forgotten; a pause too.")
	changeQueueOp = func() operation {
		op := queueOp("changeQueue", "Change the settings of a queue", "Settings that the body does not name stay as they are. It holds over restarts, until the queue is reset.")
		op.body = &body{text: "what to change", schema: bodySchema[queueChange](), required: true,
			example: queueChange{Concurrency: new(5), Rate: &store.Rate{Limit: 100, Per: time.Minute}}}
		return op
	}()
)

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
	return answerRead(w, r, queuesJSON{list})
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
	var change queueChange
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err = dec.Decode(&change)
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		err = errors.New(misplaced(te))
	} else if _, end := dec.Token(); err == nil && end != io.EOF {
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
