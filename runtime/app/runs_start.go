package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

func runsStart() *cobra.Command {
	use := "start WORKFLOW [INPUT]"
	c := clientCommand(use, "Start a run; INPUT is JSON, @FILE or - for standard input", takes("WORKFLOW", "[INPUT]"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			input, err := inputOf(args, 1)
			if err != nil {
				return err
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
			if err := r.decode(data, &run); err != nil {
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

// inputOf reads the argument at a place, which may be left out.
func inputOf(args []string, at int) ([]byte, error) {
	if len(args) <= at {
		return nil, nil
	}
	return readInput(args[at])
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
	p := r.errs.Progress("wait for "+term.Clean(id), 0)
	end := sync.OnceFunc(p.End)
	defer end()
	longest := 30 * time.Second
	if r.errs.Terminal {
		longest = 2 * time.Second // somebody looks
	}
	deadline := time.Now().Add(timeout)
	for piece := time.Duration(0); ; piece = longest {
		if timeout > 0 {
			piece = min(piece, max(time.Until(deadline), 0))
		}
		data, err := r.call(r.ctx, http.MethodGet, runPath(id), url.Values{"wait": {piece.String()}}, nil)
		if err != nil {
			return err
		}
		var run runView
		if err := r.decode(data, &run); err != nil {
			return err
		}
		p.Set(0, run.Status)
		if !run.settled() && (timeout == 0 || time.Now().Before(deadline)) {
			continue
		}
		end()
		if err := r.print(data, r.runTable); err != nil || run.Status == "succeeded" {
			return err
		}
		err = fmt.Errorf("run %s is %s", id, run.Status)
		switch run.Status {
		case "failed", "stuck":
			return hint(err, "%s", commandLine(programName()+" runs get", []string{id}))
		case "cancelled":
			return err
		}
		return hint(err, "%s", commandLine(programName()+" runs wait", []string{id}))
	}
}
