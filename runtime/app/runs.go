package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// runsCommand groups the commands about runs.
func runsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "runs", Short: "Start runs, look at them, stop them", Args: noSubcommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	addClientFlags(c)
	c.AddCommand(runsList(), runsGet(), runsSteps(), runsStart(), runsWait(),
		runsMany("cancel", "cancelled", "Ask runs to stop", change("cancel")),
		runsMany("resume", "resumed", "Continue stuck or cancelled runs; with a filter, stuck ones unless --status says more", change("resume")),
		runsMany("delete", "deleted", "Delete runs that have ended, with all that is kept of them", deleteOne))
	c.AddCommand(runsExport(), runsFork(), runsSetVersion())
	return c
}

// request is a client command under way: its server, and where it prints.
type request struct {
	*client
	ctx    context.Context
	out    io.Writer
	asJSON bool
}

// clientCommand makes a command that talks to a server.
func clientCommand(use, short string, args cobra.PositionalArgs, run func(r *request, f *pflag.FlagSet, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		form := c.Flag("output").Value.String()
		if form != "table" && form != "json" {
			return UsageErrorf("--output is %q: want table or json", form)
		}
		cl, err := newClient(c)
		if err != nil {
			return err
		}
		return run(&request{cl, c.Context(), c.OutOrStdout(), form == "json"}, c.Flags(), args)
	}}
}

// print writes an answer: as JSON, or as table does.
func (r *request) print(data []byte, table func([]byte) error) error {
	if !r.asJSON {
		return table(data)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("answer of %s: %w", r.base, err)
	}
	enc := json.NewEncoder(r.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
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
		data, err := r.call(r.ctx, http.MethodGet, "/v1/runs", q, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.listTable)
	})
	f := c.Flags()
	addFilterFlags(f)
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

func runsGet() *cobra.Command {
	return clientCommand("get RUN-ID", "Show a run", takes("RUN-ID"), func(r *request, _ *pflag.FlagSet, args []string) error {
		data, err := r.call(r.ctx, http.MethodGet, runPath(args[0]), nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.runTable)
	})
}

func runsSteps() *cobra.Command {
	return clientCommand("steps RUN-ID", "Show the steps of a run", takes("RUN-ID"), func(r *request, _ *pflag.FlagSet, args []string) error {
		data, err := r.call(r.ctx, http.MethodGet, runPath(args[0], "steps"), nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.stepsTable)
	})
}

func runsStart() *cobra.Command {
	use := "start WORKFLOW [INPUT]"
	c := clientCommand(use, "Start a run; INPUT is JSON, @FILE or - for standard input", takes("WORKFLOW", "[INPUT]"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			var input []byte
			if len(args) > 1 {
				var err error
				if input, err = readInput(args[1]); err != nil {
					return err
				}
			}
			q := url.Values{}
			for _, name := range []string{"id", "queue", "partition", "dedup", "on-duplicate", "debounce", "quiet", "max-wait", "delay", "priority", "deadline"} {
				if f.Changed(name) {
					q.Set(strings.ReplaceAll(name, "-", "_"), f.Lookup(name).Value.String())
				}
			}
			if err := addLabels(q, f); err != nil {
				return err
			}
			wait, err := f.GetDuration("wait")
			if err != nil {
				return err
			}
			data, err := r.call(r.ctx, http.MethodPost, "/v1/workflows/"+url.PathEscape(args[0])+"/runs", q, input)
			if err != nil {
				return err
			}
			if wait <= 0 {
				return r.print(data, r.runTable)
			}
			var run struct{ ID string }
			if err := json.Unmarshal(data, &run); err != nil {
				return err
			}
			return r.wait(run.ID, wait)
		})
	f := c.Flags()
	f.String("id", "", "id of the run: the same again is the same run")
	f.String("queue", "", "queue to wait in")
	f.String("partition", "", "share of the queue, such as a tenant's; each gets its turn")
	f.String("dedup", "", "key: while a run with it has not ended, get that one")
	f.String("on-duplicate", "", "with --dedup: return (the default), or reject")
	f.String("debounce", "", "key: begin when no other start with it has come for --quiet, with the input of the last")
	f.String("quiet", "", "with --debounce: a duration such as 5s")
	f.String("max-wait", "", "with --debounce: begin so long after the first at the latest")
	f.String("delay", "", "hold it back for a duration such as 90s")
	f.Int("priority", 0, "higher overtakes lower in the queue")
	f.String("deadline", "", "end it by a time, or a duration such as 1h from now")
	f.StringArray("label", nil, "NAME=VALUE to find it by; may be repeated")
	f.Duration("wait", 0, "wait so long for the result")
	return c
}

func readInput(arg string) ([]byte, error) {
	switch file, isFile := strings.CutPrefix(arg, "@"); {
	case arg == "-":
		return io.ReadAll(os.Stdin)
	case isFile:
		return os.ReadFile(file)
	}
	return []byte(arg), nil
}

func runsWait() *cobra.Command {
	c := clientCommand("wait RUN-ID", "Wait for the result of a run; exit code 0 when it succeeded", takes("RUN-ID"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			timeout, err := f.GetDuration("timeout")
			if err != nil {
				return err
			}
			return r.wait(args[0], timeout)
		})
	c.Flags().Duration("timeout", 0, "give up after this time; 0: never")
	return c
}

// wait asks for the run until it has settled, prints it, and fails when it did
// not succeed.
func (r *request) wait(id string, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		piece := 30 * time.Second
		if timeout > 0 {
			piece = min(piece, max(time.Until(deadline), 0))
		}
		data, err := r.call(r.ctx, http.MethodGet, runPath(id), url.Values{"wait": {piece.String()}}, nil)
		if err != nil {
			return err
		}
		var run struct{ Status string }
		if err := json.Unmarshal(data, &run); err != nil {
			return fmt.Errorf("answer of %s: %w", r.base, err)
		}
		settled := run.Status == "succeeded" || run.Status == "failed" || run.Status == "cancelled" || run.Status == "stuck"
		if !settled && (timeout == 0 || time.Now().Before(deadline)) {
			continue
		}
		if err := r.print(data, r.runTable); err != nil || run.Status == "succeeded" {
			return err
		}
		return fmt.Errorf("run %s is %s", id, run.Status)
	}
}
