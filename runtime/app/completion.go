package app

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

const (
	// completionTime is how long a shell waits for what it could offer.
	completionTime = time.Second
	// offered is how many runs are.
	offered = 50
)

// offer is what a shell offers in one place of a command line.
type offer func(q *asker, typed string) []cobra.Completion

// asker asks the server on a shell's behalf.
type asker struct {
	request
	command *cobra.Command
	args    []string
}

// argumentOffers are those for arguments, by the name that the usage gives them.
var argumentOffers = map[string]offer{
	"RUN-ID":   (*asker).runs,
	"WORKFLOW": (*asker).workflowNames,
	"QUEUE":    func(q *asker, _ string) []cobra.Completion { return q.names(q.ctx, "queues") },
	"SCHEDULE": func(q *asker, _ string) []cobra.Completion { return q.names(q.ctx, "schedules") },
	"INPUT":    atFiles,
}

// flagOffers are those for the values of flags.
var flagOffers = map[string]offer{
	"status":       func(_ *asker, typed string) []cobra.Completion { return listed(statuses, typed) },
	"workflow":     (*asker).workflowNames,
	"queue":        argumentOffers["QUEUE"],
	"parent":       (*asker).runs,
	"label":        (*asker).labels,
	"version":      (*asker).versions,
	"step":         (*asker).stepPaths,
	"output":       func(*asker, string) []cobra.Completion { return []cobra.Completion{"table", "json"} },
	"on-duplicate": func(*asker, string) []cobra.Completion { return []cobra.Completion{"return", "reject"} },
}

// addCompletions tells what the shell offers for c and the commands below it.
// Where there is nothing to offer it offers nothing, rather than files.
func addCompletions(c *cobra.Command) {
	for _, sub := range c.Commands() {
		addCompletions(sub)
	}
	if c.Flag("url") == nil {
		return // it asks no server
	}
	if c.ValidArgsFunction == nil {
		c.ValidArgsFunction = func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return complete(argumentOffers[argument(c, len(args))], c, args, typed)
		}
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if _, has := c.GetFlagCompletionFunc(f.Name); has || f.Value.Type() == "bool" || f.Usage == exportUsage {
			return
		}
		c.RegisterFlagCompletionFunc(f.Name, func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) { //nolint:errcheck // it has none yet
			return complete(flagOffers[f.Name], c, args, typed)
		})
	})
}

// argument is the name of the argument at a place, without its dots and
// brackets.
func argument(c *cobra.Command, at int) string {
	names := strings.Fields(c.Use)[1:]
	for i, n := range names {
		bare := strings.TrimSuffix(strings.Trim(n, "[]"), "...")
		if i == at || strings.Contains(n, "...") {
			return bare
		}
	}
	return ""
}

// complete asks an offer, and is silent when there is no server to ask.
func complete(o offer, c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	none := cobra.ShellCompDirectiveNoFileComp
	cl, err := newClient(c)
	if o == nil || err != nil {
		return nil, none
	}
	ctx, cancel := context.WithTimeout(cmp.Or(c.Context(), context.Background()), completionTime)
	defer cancel()
	q := &asker{request{client: cl, ctx: ctx}, c, args}
	var fit []cobra.Completion
	for _, v := range o(q, typed) {
		value, _, _ := strings.Cut(v, "\t")
		// One that a terminal or the shell would take for something else cannot
		// be offered.
		if strings.HasPrefix(value, typed) && term.Clean(value) == value && !slices.Contains(args, value) {
			fit = append(fit, v)
		}
	}
	return fit, none | cobra.ShellCompDirectiveKeepOrder
}

// recent asks for the newest runs, of these statuses when there are any.
func (q *asker) recent(statuses ...string) []runView {
	query := url.Values{"limit": {strconv.Itoa(offered)}}
	if len(statuses) > 0 {
		query.Set("status", strings.Join(statuses, ","))
	}
	data, err := q.call(q.ctx, http.MethodGet, "/v1/runs", query, nil)
	var page listView
	if err != nil || q.decode(data, &page) != nil {
		return nil
	}
	return page.Runs
}

// fitting are the statuses of the runs that a command is for; those it leaves
// out would be refused.
var fitting = map[string][]string{
	"wait":   {"queued", "delayed", "running", "waiting"},
	"send":   {"queued", "delayed", "running", "waiting"},
	"update": {"queued", "delayed", "running", "waiting"},
	"cancel": {"queued", "delayed", "running", "waiting", "stuck"},
	"resume": {"stuck", "cancelled"},
	"delete": endedStatuses,
	"fork":   endedStatuses,
}

func (q *asker) runs(string) []cobra.Completion {
	var ids []cobra.Completion
	for _, v := range q.recent(fitting[q.command.Name()]...) {
		ids = append(ids, cobra.CompletionWithDesc(v.ID, term.Clean(v.Workflow+" "+v.Status+" "+ago(v.CreatedAt, time.Now()))))
	}
	return ids
}

func (q *asker) workflowNames(string) []cobra.Completion { return q.names(q.ctx, "workflows") }

func (q *asker) labels(string) []cobra.Completion {
	seen := map[string]bool{}
	for _, v := range q.recent() {
		for name, value := range v.Labels {
			seen[name+"="+value] = true
		}
	}
	return sortedKeys(seen)
}

func (q *asker) versions(string) []cobra.Completion {
	seen := map[string]bool{}
	for _, v := range q.recent() {
		if v.Version != "" {
			seen[v.Version] = true
		}
	}
	return sortedKeys(seen)
}

// stepPaths are the paths of the run's steps, those that failed first.
func (q *asker) stepPaths(string) []cobra.Completion {
	if len(q.args) == 0 {
		return nil
	}
	steps, err := q.steps(q.args[0])
	if err != nil {
		return nil
	}
	slices.SortStableFunc(steps, func(a, b stepView) int {
		return cmp.Compare(rank(a.Status == "failed"), rank(b.Status == "failed"))
	})
	var paths []cobra.Completion
	for _, s := range steps {
		paths = append(paths, cobra.CompletionWithDesc(s.Path, term.Clean(s.Kind+" "+s.Name+" "+s.Status)))
	}
	return paths
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// listed offers values that are written with commas between.
func listed(values []string, typed string) []cobra.Completion {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var out []cobra.Completion
	for _, v := range values {
		if !slices.Contains(strings.Split(before, ","), v) {
			out = append(out, before+v)
		}
	}
	return out
}

// atFiles offers files, as arguments that begin with @ name them.
func atFiles(_ *asker, typed string) []cobra.Completion {
	name, ok := strings.CutPrefix(typed, "@")
	if !ok {
		return []cobra.Completion{cobra.CompletionWithDesc("@", "a file"), cobra.CompletionWithDesc("-", "standard input")}
	}
	files, err := filepath.Glob(name + "*")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = "@" + f
	}
	return files
}
