package app

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func runsFork() *cobra.Command {
	c := clientCommand("fork RUN-ID", "Start a run that goes on from a step of another", takes("RUN-ID"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			q := url.Values{}
			for _, name := range []string{"step", "id", "queue", "delay", "priority", "deadline"} {
				if f.Changed(name) {
					q.Set(name, f.Lookup(name).Value.String())
				}
			}
			if err := addLabels(q, f); err != nil {
				return err
			}
			data, err := r.call(r.ctx, http.MethodPost, runPath(args[0], "fork"), q, nil)
			if err != nil {
				return err
			}
			return r.print(data, r.runTable)
		})
	f := c.Flags()
	f.String("step", "", "path of the first step that is not copied; default: the one that failed; a run that was compensated needs it")
	f.String("id", "", "id of the new run: the same again is the same run")
	f.String("queue", "", "queue to wait in; default: the other's")
	f.String("delay", "", "hold it back for a duration such as 90s")
	f.Int("priority", 0, "higher overtakes lower in the queue; default: the other's")
	f.String("deadline", "", "end it by a time, or a duration such as 1h from now; default: none")
	f.StringArray("label", nil, "NAME=VALUE to find it by, in place of the other's; may be repeated")
	return c
}

func runsSetVersion() *cobra.Command {
	return clientCommand("set-version RUN-ID VERSION", "Have a pinned run executed by another version", takes("RUN-ID", "VERSION"),
		func(r *request, _ *pflag.FlagSet, args []string) error {
			data, err := r.call(r.ctx, http.MethodPost, runPath(args[0], "version"), url.Values{"to": {args[1]}}, nil)
			if err != nil {
				return err
			}
			return r.print(data, r.runTable)
		})
}
