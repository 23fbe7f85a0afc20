package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// atOnce is how long a stream that is not followed may take for its next item.
const atOnce = 500 * time.Millisecond

var errAtOnce = errors.New("nothing more has come at once")

func runsStream() *cobra.Command {
	c := clientCommand("stream RUN-ID NAME", "Print what a run has written to a stream, a line of JSON each", takes("RUN-ID", "NAME"), func(r *request, f *pflag.FlagSet, args []string) error {
		follow, _ := f.GetBool("follow")
		query := url.Values{}
		if f.Changed("offset") {
			query.Set("offset", f.Lookup("offset").Value.String())
		}
		return r.stream(runPath(args[0], "streams", url.PathEscape(args[1])), query, follow)
	})
	c.Flags().BoolP("follow", "f", false, "go on with what it writes until it has ended; without, until nothing more comes at once")
	c.Flags().Int64("offset", 0, "begin with the item of this number, from 0")
	return c
}

// stream prints the items of a stream.
func (r *request) stream(path string, query url.Values, follow bool) error {
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	var quiet *time.Timer
	if !follow {
		quiet = time.AfterFunc(askTime, func() { cancel(errAtOnce) })
		defer quiet.Stop()
	}
	for e, err := range r.events(ctx, path, query, r.lost) {
		switch {
		case errors.Is(err, errAtOnce):
			return nil
		case err != nil:
			return err
		case e.name == "end":
			return nil
		case e.name != "" && e.name != notJSON:
			continue
		}
		if quiet != nil {
			quiet.Reset(atOnce)
		}
		text := r.line(e.data)
		if r.asJSON {
			field := "value"
			if e.name == notJSON {
				field = "value_base64"
			}
			item, err := json.Marshal(map[string]json.RawMessage{"offset": json.RawMessage(e.id), field: e.data})
			if err != nil {
				return r.garbled(err)
			}
			text = string(item)
		}
		if _, err := fmt.Fprintln(r.out, text); err != nil {
			return err
		}
	}
	return nil
}

// notJSON is the type of the events whose item is not JSON, but bytes in base64.
const notJSON = "base64"

// lost says why a connection is made again; nil: there is one.
func (r *request) lost(err error) {
	if err != nil {
		fmt.Fprintf(r.errs, "%s: %s; trying again\n", programName(), oneLine(err))
	}
}
