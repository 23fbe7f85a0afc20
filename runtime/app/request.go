package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
	"github.com/stepwell/stepwell/runtime/app/internal/timeline"
)

// request is a client command under way: its server, and where it prints.
type request struct {
	*client
	ctx    context.Context
	out    *term.Out // the result
	errs   *term.Out // what is said on the way
	asJSON bool
	utc    bool
}

// clientCommand makes a command that talks to a server.
func clientCommand(use, short string, args cobra.PositionalArgs, run func(r *request, f *pflag.FlagSet, args []string) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: runClient(run)}
}

func runClient(run func(r *request, f *pflag.FlagSet, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		form := c.Flag("output").Value.String()
		if form != "table" && form != "json" {
			return UsageErrorf("--output is %q: want table or json", form)
		}
		cl, err := newClient(c)
		if err != nil {
			return err
		}
		r := &request{
			client: cl, ctx: c.Context(), asJSON: form == "json", utc: c.Flag("utc").Changed,
			out: term.To(c.OutOrStdout(), os.Getenv), errs: term.To(c.ErrOrStderr(), os.Getenv),
		}
		return r.explain(run(r, c.Flags(), args), c, args)
	}
}

// print writes an answer: as JSON, or as the lines that table makes of it.
func (r *request) print(data []byte, table func([]byte) ([]string, error)) error {
	if !r.asJSON {
		lines, err := table(data)
		if err != nil {
			return err
		}
		return r.out.Lines(lines)
	}
	// Not through a decoder: it would round large numbers.
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(data), "", "  "); err != nil {
		return r.garbled(err)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(r.out)
	return err
}

// decode reads an answer.
func (r *request) decode(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return r.garbled(err)
	}
	return nil
}

func (r *request) garbled(err error) error { return fmt.Errorf("answer of %s: %w", r.base, err) }

// moment writes a time: for a person how long ago it was, where a program may
// read it, or --utc asks for it, when.
func (r *request) moment(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case r.utc:
		return t.UTC().Format(time.RFC3339)
	case r.out.Terminal:
		return ago(t, time.Now())
	}
	return t.Local().Format(time.DateTime)
}

// whole writes a time of which there is room to say all.
func (r *request) whole(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case r.utc:
		return t.UTC().Format(time.RFC3339)
	case r.out.Terminal:
		return t.Local().Format(time.DateTime) + " (" + ago(t, time.Now()) + ")"
	}
	return t.Local().Format(time.DateTime)
}

// ago tells a time by its distance.
func ago(t, now time.Time) string {
	d := now.Sub(t)
	if d < 0 {
		return "in " + roughly(-d)
	}
	if d < time.Second {
		return "now"
	}
	return roughly(d) + " ago"
}

// roughly is a duration in one unit.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// took is the time between two moments, roughly for a person; until now while
// the second is to come.
func (r *request) took(from, to time.Time) string {
	if from.IsZero() {
		return ""
	}
	if to.IsZero() {
		to = time.Now()
	}
	if r.out.Terminal {
		return timeline.Short(to.Sub(from))
	}
	return to.Sub(from).Round(time.Millisecond).String()
}
