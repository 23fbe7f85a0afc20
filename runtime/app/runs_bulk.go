package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// bulkPiece is how many runs one call changes at most, and so how often
// progress shows.
const bulkPiece = 1000

// bulkCount is the answer to a bulk call, or the sum of several.
type bulkCount struct {
	Matched int    `json:"matched"`
	Changed int    `json:"changed"`
	Skipped int    `json:"skipped"`
	DryRun  bool   `json:"dry_run"`
	Next    string `json:"next,omitempty"`
}

// runsMany makes a command that changes the runs that are named, or all that
// fit its flags. one changes a single run and prints what became of it.
func runsMany(verb, done, short string, one func(r *request, f *pflag.FlagSet, id string) error) *cobra.Command {
	c := clientCommand(verb+" [RUN-ID...]", short, takes("[RUN-ID...]"), func(r *request, f *pflag.FlagSet, args []string) error {
		body, err := bulkBody(f, time.Now())
		if err != nil {
			return err
		}
		switch {
		case len(args) > 0 && len(body) > 0:
			return UsageErrorf("runs %s takes ids or a filter, not both", verb)
		case len(args) == 0 && len(body) == 0:
			return UsageErrorf("runs %s takes RUN-ID... or a filter such as --status or --label; --all means all", verb)
		}
		if uncompensated(f) {
			body[withoutCompensations] = true
		}
		if len(args) == 0 {
			return r.many(verb, done, f, body)
		}
		for i, id := range args {
			if err := one(r, f, id); err != nil {
				return &argError{err, i}
			}
		}
		return nil
	})
	f := c.Flags()
	addFilterFlags(f)
	f.Bool("all", false, "without a filter: all runs that can be "+done)
	f.Bool("dry-run", false, "only count the runs that fit the filter")
	f.Bool("yes", false, "do it; without, the runs that fit the filter are only counted")
	return c
}

// bulkBody is the filter that the flags describe; empty when there is none.
// Durations before now are told as times: the change is made by several
// requests, which have to mean the same runs.
func bulkBody(f *pflag.FlagSet, now time.Time) (map[string]any, error) {
	body := map[string]any{}
	for _, name := range filterFlags {
		if f.Changed(name) {
			body[name] = f.Lookup(name).Value.String()
		}
	}
	for _, name := range []string{"since", "until"} {
		if v, ok := body[name].(string); ok {
			if d, err := time.ParseDuration(v); err == nil && d >= 0 {
				body[name] = now.Add(-d).UTC().Format(time.RFC3339Nano)
			}
		}
	}
	if v, ok := body["status"]; ok {
		body["status"] = strings.Split(v.(string), ",")
	}
	labels := url.Values{}
	if err := addLabels(labels, f); err != nil {
		return nil, err
	}
	if len(labels) > 0 {
		m := map[string]string{}
		for k := range labels {
			m[strings.TrimPrefix(k, "label.")] = labels.Get(k)
		}
		body["label"] = m
	}
	if all, _ := f.GetBool("all"); all {
		body["all"] = true
	}
	return body, nil
}

// many changes all runs that fit the filter, in pieces, and shows on the way
// how far it is.
func (r *request) many(verb, done string, f *pflag.FlagSet, body map[string]any) error {
	dry, _ := f.GetBool("dry-run")
	yes, _ := f.GetBool("yes")
	dry = dry || !yes
	defer r.interruptible()()
	total, piece := 0, bulkPiece
	if !dry && r.errs.Terminal {
		// Somebody looks: how many there are, before it begins.
		n, err := r.pieces(verb, body, true, 0, func(bulkCount) {})
		if err != nil {
			return err
		}
		total, piece = n.Matched, min(max(n.Matched/50, 50), bulkPiece)
	}
	p := r.errs.Progress(verb, total)
	sum, err := r.pieces(verb, body, dry, piece, func(sum bulkCount) {
		note := fmt.Sprintf("%d runs looked at", sum.Matched)
		if !dry {
			note += fmt.Sprintf(", %d %s", sum.Changed, done)
		}
		p.Set(sum.Matched, note)
	})
	p.End()
	switch {
	case err != nil && r.ctx.Err() != nil:
		return fmt.Errorf("interrupted: %d runs were %s, and what the server was at goes on", sum.Changed, done)
	case err != nil && sum.Changed > 0:
		return fmt.Errorf("%w; %d runs were %s before", err, sum.Changed, done)
	case err != nil:
		return err
	}
	dry, _ = f.GetBool("dry-run")
	return r.manyDone(done, dry, sum)
}

// pieces makes bulk calls for so many runs each, 0 as many as the server takes,
// and tells the sum after each.
func (r *request) pieces(verb string, body map[string]any, dry bool, piece int, tell func(bulkCount)) (sum bulkCount, err error) {
	body = maps.Clone(body)
	body["dry_run"] = dry
	body["limit"] = piece
	for {
		data, err := json.Marshal(body)
		if err != nil {
			return sum, err
		}
		var n bulkCount
		if data, err = r.call(r.ctx, http.MethodPost, "/v1/runs:"+verb, nil, data); err != nil {
			return sum, err
		}
		if err := r.decode(data, &n); err != nil {
			return sum, err
		}
		sum.Matched, sum.Changed, sum.Skipped, sum.DryRun = sum.Matched+n.Matched, sum.Changed+n.Changed, sum.Skipped+n.Skipped, n.DryRun
		tell(sum)
		if n.Next == "" {
			return sum, nil
		}
		body["cursor"] = n.Next
	}
}

// manyDone prints the counts. Somebody who neither asked to count nor said yes
// has to learn that nothing was done.
func (r *request) manyDone(done string, dry bool, sum bulkCount) error {
	data, err := json.Marshal(sum)
	if err != nil {
		return err
	}
	err = r.print(data, func([]byte) ([]string, error) {
		text := fmt.Sprintf("%d runs %s", sum.Changed, done)
		switch {
		case sum.DryRun:
			text = fmt.Sprintf("%d runs fit", sum.Matched)
		case sum.Skipped > 0:
			text += fmt.Sprintf(", %d could not be", sum.Skipped)
		}
		return []string{text}, nil
	})
	if err == nil && sum.DryRun && !dry {
		err = fmt.Errorf("nothing was %s: add --yes to do it", done)
	}
	return err
}

// change posts to a run and prints what became of it.
// withoutCompensations is what the API calls the flag of runs cancel.
const withoutCompensations = "without_compensations"

func uncompensated(f *pflag.FlagSet) bool {
	without, err := f.GetBool("without-compensations")
	return err == nil && without
}

func runsCancel() *cobra.Command {
	c := runsMany("cancel", "cancelled", "Ask runs to stop", change("cancel"))
	c.Flags().Bool("without-compensations", false, "end runs whose code cannot run, such as stuck ones, too: what they did stays done")
	return c
}

func change(verb string) func(r *request, f *pflag.FlagSet, id string) error {
	return func(r *request, f *pflag.FlagSet, id string) error {
		q := url.Values{}
		if uncompensated(f) {
			q.Set(withoutCompensations, "true")
		}
		data, err := r.call(r.ctx, http.MethodPost, runPath(id, verb), q, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.runTable)
	}
}

func deleteOne(r *request, _ *pflag.FlagSet, id string) error {
	if _, err := r.call(r.ctx, http.MethodDelete, runPath(id), nil, nil); err != nil {
		return err
	}
	data, err := json.Marshal(map[string]string{"deleted": id})
	if err != nil {
		return err
	}
	return r.print(data, func([]byte) ([]string, error) { return []string{"run " + term.Clean(id) + " is deleted"}, nil })
}
