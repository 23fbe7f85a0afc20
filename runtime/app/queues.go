package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
	"github.com/stepwell/stepwell/store"
)

// queuesCommand groups the commands about queues.
func queuesCommand() *cobra.Command {
	list := queuesList()
	c := group("queues", "Look at queues, pause and change them", list)
	c.AddCommand(list, queuesSet(),
		queuesChange("pause", "Let no further run of the queues begin"),
		queuesChange("resume", "Let runs of the queues begin again"),
		queuesChange("reset", "Undo all that was changed about the queues"))
	return c
}

func queuePath(name string, more ...string) string {
	return "/v1/queues/" + strings.Join(append([]string{url.PathEscape(name)}, more...), "/")
}

func queuesList() *cobra.Command {
	c := clientCommand("list", "List queues with their bounds and what waits in them", takes(), func(r *request, f *pflag.FlagSet, _ []string) error {
		if on, _ := f.GetBool("watch"); on {
			return r.watch(watched{look: r.getter("/v1/queues", nil), lines: r.queuesTable, items: itemsOf("queues", "name", r.queuesTable)})
		}
		data, err := r.call(r.ctx, http.MethodGet, "/v1/queues", nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.queuesTable)
	})
	addWatchFlag(c.Flags())
	return c
}

func (r *request) queuesTable(data []byte) ([]string, error) {
	var list struct{ Queues []queueView }
	if err := r.decode(data, &list); err != nil {
		return nil, err
	}
	if len(list.Queues) == 0 && r.out.Terminal {
		return []string{r.out.Paint(term.Faint, "the program defines no queues: runtime.NewQueue makes one")}, nil
	}
	return r.queueLines(list.Queues...), nil
}

func queuesChange(verb, short string) *cobra.Command {
	return clientCommand(verb+" QUEUE...", short, takes("QUEUE..."), func(r *request, _ *pflag.FlagSet, args []string) error {
		for i, name := range args {
			data, err := r.call(r.ctx, http.MethodPost, queuePath(name, verb), nil, nil)
			if err != nil {
				return &argError{err, i}
			}
			if err := r.print(data, r.oneQueue); err != nil {
				return err
			}
		}
		return nil
	})
}

func queuesSet() *cobra.Command {
	c := clientCommand("set QUEUE", "Change bounds of a queue, until they are reset; 0 and an empty rate are no bound", takes("QUEUE"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			change := map[string]any{}
			for flag, field := range map[string]string{"concurrency": "concurrency", "per-executor": "per_executor", "partition-concurrency": "partition_concurrency"} {
				if !f.Changed(flag) {
					continue
				}
				n, err := f.GetInt(flag)
				if err != nil {
					return err
				}
				change[field] = n
			}
			for flag, field := range map[string]string{"rate": "rate", "partition-rate": "partition_rate"} {
				if f.Changed(flag) {
					change[field] = f.Lookup(flag).Value.String()
				}
			}
			if len(change) == 0 {
				return UsageErrorf("nothing to set: want some of --concurrency, --per-executor, --rate, --partition-concurrency and --partition-rate")
			}
			body, err := json.Marshal(change)
			if err != nil {
				return err
			}
			data, err := r.call(r.ctx, http.MethodPatch, queuePath(args[0]), nil, body)
			if err != nil {
				return err
			}
			return r.print(data, r.oneQueue)
		})
	f := c.Flags()
	f.Int("concurrency", 0, "runs under way on all executors together")
	f.Int("per-executor", 0, "runs under way on one executor")
	f.String("rate", "", "how often a run begins: LIMIT/PER or LIMIT/PER+BURST, such as 100/1m+20")
	f.Int("partition-concurrency", 0, "runs under way of each partition")
	f.String("partition-rate", "", "how often a run of each partition begins")
	return c
}

// queueView is a queue as the API answers it.
type queueView struct {
	Name        string     `json:"name"`
	Depth       int64      `json:"depth"`
	Running     int64      `json:"running"`
	Paused      bool       `json:"paused"`
	Concurrency int        `json:"concurrency"`
	PerExecutor int        `json:"per_executor"`
	Rate        store.Rate `json:"rate"`
	Changed     bool       `json:"changed"`
	Defined     bool       `json:"defined"`

	PartitionConcurrency int        `json:"partition_concurrency"`
	PartitionRate        store.Rate `json:"partition_rate"`
}

func (r *request) oneQueue(data []byte) ([]string, error) {
	var v queueView
	if err := r.decode(data, &v); err != nil {
		return nil, err
	}
	return r.queueLines(v), nil
}

func (r *request) queueLines(queues ...queueView) []string {
	t := term.Table{
		Head:   []string{"QUEUE", "DEPTH", "RUNNING", "STATE", "CONCURRENCY", "PER EXECUTOR", "RATE", "PER PARTITION", "SETTINGS"},
		Shrink: []int{0, 8},
		Style:  styleStatus(3),
	}
	for _, q := range queues {
		state, from := "open", "of the program"
		if q.Paused {
			state = "paused"
		}
		if q.Changed {
			from = "changed"
		}
		if !q.Defined {
			state = "not defined"
		}
		t.Row(q.Name, fmt.Sprint(q.Depth), fmt.Sprint(q.Running), state, orNone(q.Concurrency), orNone(q.PerExecutor), q.Rate.String(), perPartition(q), from)
	}
	return t.Lines(r.out)
}

// perPartition shows the bounds of each partition.
func perPartition(q queueView) string {
	s := q.PartitionRate.String()
	if q.PartitionConcurrency > 0 {
		s = strings.TrimSpace(fmt.Sprint(q.PartitionConcurrency, " ", s))
	}
	return s
}

// orNone shows a bound of zero as none.
func orNone(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
