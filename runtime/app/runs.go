package app

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// runsCommand groups the commands about runs.
func runsCommand() *cobra.Command {
	c := group("runs", "Start runs, look at them, stop them", nil)
	c.AddCommand(runsList(), runsGet(), runsSteps(), runsStart(), runsWait(),
		runsCancel(),
		runsMany("resume", "resumed", "Continue stuck or cancelled runs; with a filter, stuck ones unless --status says more", change("resume")),
		runsMany("delete", "deleted", "Delete runs that have ended, with all that is kept of them", deleteOne))
	c.AddCommand(runsExport(), runsFork(), runsSetVersion(), runsSend(), runsUpdate(), runsEvent(), runsStream())
	return c
}

func runPath(id string, more ...string) string {
	return "/v1/runs/" + strings.Join(append([]string{url.PathEscape(id)}, more...), "/")
}

func runsList() *cobra.Command {
	c := clientCommand("list", "List runs, newest first", takes(), func(r *request, f *pflag.FlagSet, _ []string) error {
		q := url.Values{}
		for _, name := range append([]string{"limit", "cursor"}, filterFlags...) {
			if f.Changed(name) {
				q.Set(name, f.Lookup(name).Value.String())
			}
		}
		if err := addLabels(q, f); err != nil {
			return err
		}
		if on, _ := f.GetBool("watch"); on {
			return r.watch(watched{look: r.getter("/v1/runs", q), lines: r.listTable, items: itemsOf("runs", "id", r.listTable), news: r.runNews(q)})
		}
		data, err := r.call(r.ctx, http.MethodGet, "/v1/runs", q, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.listTable)
	})
	f := c.Flags()
	addFilterFlags(f)
	addWatchFlag(f)
	f.Int("limit", 100, "number of runs, at most 1000")
	f.String("cursor", "", "go on where a list ended")
	return c
}

// filterFlags select runs, with --label.
var filterFlags = []string{"status", "workflow", "version", "queue", "since", "until", "parent"}

func addFilterFlags(f *pflag.FlagSet) {
	f.String("status", "", "only these, with commas between: queued, delayed, running, waiting, succeeded, failed, cancelled, stuck")
	f.String("workflow", "", "only runs of this workflow")
	f.String("version", "", "only runs of this version")
	f.String("queue", "", "only runs of this queue; empty: those of none")
	f.StringArray("label", nil, "only runs with this label, as NAME=VALUE; may be repeated")
	f.String("since", "", "only runs created since: a time, or a duration such as 1h before now")
	f.String("until", "", "only runs created before: a time, or a duration such as 1h before now")
	f.String("parent", "", "only children of this run")
}

func addLabels(q url.Values, f *pflag.FlagSet) error {
	labels, err := f.GetStringArray("label")
	if err != nil {
		return err
	}
	for _, l := range labels {
		name, value, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return UsageErrorf("--label is %q: want NAME=VALUE", l)
		}
		q.Set("label."+name, value)
	}
	return nil
}
