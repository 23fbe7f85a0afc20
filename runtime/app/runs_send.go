package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// idempotent is the header that makes a request repeatable.
func idempotent(key string) http.Header {
	if key == "" {
		return nil
	}
	return http.Header{"Idempotency-Key": {key}}
}

func runsSend() *cobra.Command {
	c := clientCommand("send RUN-ID TOPIC [INPUT]", "Send a message to a run; INPUT is JSON, @FILE or - for standard input", takes("RUN-ID", "TOPIC", "[INPUT]"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			body, err := inputOf(args, 2)
			if err != nil {
				return err
			}
			key, _ := f.GetString("key")
			data, err := r.callWith(r.ctx, http.MethodPost, runPath(args[0], "messages", url.PathEscape(args[1])), nil, body, idempotent(key))
			if err != nil {
				return err
			}
			return r.print(data, func(data []byte) ([]string, error) {
				var m struct{ New bool }
				if err := r.decode(data, &m); err != nil {
					return nil, err
				}
				text := "sent"
				if !m.New {
					text = "a message with this key was sent before"
				}
				return []string{text}, nil
			})
		})
	c.Flags().String("key", "", "key of the message: the same again is the same message")
	return c
}

func runsUpdate() *cobra.Command {
	c := clientCommand("update RUN-ID NAME [INPUT]", "Ask a run, and print its answer; INPUT is JSON, @FILE or - for standard input", takes("RUN-ID", "NAME", "[INPUT]"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			body, err := inputOf(args, 2)
			if err != nil {
				return err
			}
			key, _ := f.GetString("key")
			wait, _ := f.GetDuration("wait")
			for deadline := time.Now().Add(wait); ; {
				piece := min(30*time.Second, max(time.Until(deadline), 0))
				data, err := r.callWith(r.ctx, http.MethodPost, runPath(args[0], "updates", url.PathEscape(args[1])), url.Values{"wait": {piece.String()}}, body, idempotent(key))
				if err != nil {
					return err
				}
				var u struct{ Key, Status string }
				if err := r.decode(data, &u); err != nil {
					return err
				}
				key = u.Key // the same request, from now on
				if u.Status == "pending" && time.Now().Before(deadline) {
					continue
				}
				if err := r.print(data, r.value("response")); err != nil || u.Status != "pending" {
					return err
				}
				return hint(fmt.Errorf("the run has not answered within %v; it will", wait), "%s runs update %s %s --key %s ...", programName(), word(args[0]), word(args[1]), word(u.Key))
			}
		})
	c.Flags().String("key", "", "key of the request: the same again gets the same answer")
	c.Flags().Duration("wait", time.Minute, "wait so long for the answer")
	return c
}

func runsEvent() *cobra.Command {
	c := clientCommand("event RUN-ID KEY", "Print the value of an event of a run", takes("RUN-ID", "KEY"), func(r *request, f *pflag.FlagSet, args []string) error {
		wait, _ := f.GetDuration("wait")
		for deadline := time.Now().Add(wait); ; {
			query := url.Values{}
			if piece := min(30*time.Second, time.Until(deadline)); piece > 0 {
				query.Set("wait", piece.String())
			}
			data, err := r.call(r.ctx, http.MethodGet, runPath(args[0], "events", url.PathEscape(args[1])), query, nil)
			if notSet(err) && time.Now().Before(deadline) {
				continue
			}
			if err != nil {
				return err
			}
			return r.print(data, r.value("value"))
		}
	})
	c.Flags().Duration("wait", 0, "wait so long for the run to set it")
	return c
}

func notSet(err error) bool {
	p, ok := asProblem(err)
	return ok && p.code == "not_set"
}

// value shows one field of an answer, as JSON on one line.
func (r *request) value(field string) func([]byte) ([]string, error) {
	return func(data []byte) ([]string, error) {
		var fields map[string]json.RawMessage
		if err := r.decode(data, &fields); err != nil {
			return nil, err
		}
		if len(fields[field]) == 0 {
			return nil, nil
		}
		return []string{r.line(fields[field])}, nil
	}
}

// line is a JSON value on one line: as it is, but for what a terminal would
// obey.
func (r *request) line(v []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return term.Clean(string(v))
	}
	if r.out.Terminal {
		return term.Inert(b.String())
	}
	return b.String()
}
