package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/store"
)

// queuesCommand groups the commands about queues.
func queuesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "queues", Short: "Look at queues, pause and change them", Args: noSubcommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	addClientFlags(c)
	c.AddCommand(queuesList(), queuesSet(),
		queuesChange("pause", "Let no further run of the queues begin"),
		queuesChange("resume", "Let runs of the queues begin again"),
		queuesChange("reset", "Undo all that was changed about the queues"))
	return c
}

func queuePath(name string, more ...string) string {
	return "/v1/queues/" + strings.Join(append([]string{url.PathEscape(name)}, more...), "/")
}

func queuesList() *cobra.Command {
	return clientCommand("list", "List queues with their bounds and what waits in them", takes(), func(r *request, _ *pflag.FlagSet, _ []string) error {
		data, err := r.call(r.ctx, http.MethodGet, "/v1/queues", nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, func(data []byte) error {
			var list struct{ Queues []queueView }
			if err := json.Unmarshal(data, &list); err != nil {
				return fmt.Errorf("answer of %s: %w", r.base, err)
			}
			return r.queueTable(list.Queues...)
		})
	})
}

func queuesChange(verb, short string) *cobra.Command {
	return clientCommand(verb+" QUEUE...", short, takes("QUEUE..."), func(r *request, _ *pflag.FlagSet, args []string) error {
		for _, name := range args {
			data, err := r.call(r.ctx, http.MethodPost, queuePath(name, verb), nil, nil)
			if err != nil {
				return err
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

func (r *request) oneQueue(data []byte) error {
	var v queueView
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("answer of %s: %w", r.base, err)
	}
	return r.queueTable(v)
}

func (r *request) queueTable(queues ...queueView) error {
	w := table(r.out)
	fmt.Fprintln(w, "QUEUE\tDEPTH\tRUNNING\tSTATE\tCONCURRENCY\tPER EXECUTOR\tRATE\tPER PARTITION\tSETTINGS")
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
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", q.Name, q.Depth, q.Running, state,
			orNone(q.Concurrency), orNone(q.PerExecutor), orDash(q.Rate.String()), perPartition(q), from)
	}
	return w.Flush()
}

// perPartition shows the bounds of each partition.
func perPartition(q queueView) string {
	s := q.PartitionRate.String()
	if q.PartitionConcurrency > 0 {
		s = strings.TrimSpace(fmt.Sprint(q.PartitionConcurrency, " ", s))
	}
	return orDash(s)
}

// orNone shows a bound of zero as none.
func orNone(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
