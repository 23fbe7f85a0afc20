package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// programName is what the user types.
func programName() string { return filepath.Base(os.Args[0]) }

// hinted is an error with what to do about it.
type hinted struct {
	error
	lead string // try, or near
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// hint adds to an error what to do about it; an empty hint adds nothing.
func hint(err error, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if err == nil || text == "" {
		return err
	}
	return &hinted{err, "try", text}
}

// noSubcommand refuses arguments to a command that has subcommands.
func noSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	err := UsageErrorf("unknown command %q: %s takes %s", args[0], c.CommandPath(), strings.Join(names, ", "))
	if n := nearest(args[0], names); n != "" {
		if risky(n) {
			return &hinted{err, "near", n}
		}
		return hint(err, "%s", commandLine(c.CommandPath()+" "+n, args[1:]))
	}
	return err
}

// flagError is what comes of a flag that cannot be read.
func flagError(c *cobra.Command, err error) error {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	err = UsageErrorf("%w; %s takes %s", err, c.CommandPath(), strings.Join(names, " "))
	if no, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if n := nearest("--"+no.GetSpecifiedName(), names); n != "" {
			return hint(err, "%s", n)
		}
	}
	return err
}

// nearest is the name that was probably meant; empty when none is like it.
func nearest(name string, names []string) string {
	best, least := "", min(len([]rune(name))/3+1, 3)
	for _, n := range names {
		if len(name) > 1 && strings.HasPrefix(n, name) {
			return n
		}
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d <= least && d < len(name) && (best == "" || d < least) {
			best, least = n, d
		}
	}
	return best
}

// distance is the number of letters to put in, take out, change, or swap with
// the next, to make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		next := make([]int, len(y)+1)
		next[0] = i + 1
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			next[j+1] = min(row[j]+change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(y)]
}

// askTime bounds what is asked of the server to explain an error.
const askTime = 2 * time.Second

// explain adds to an error of a client command what to do about it.
func (r *request) explain(err error, c *cobra.Command, args []string) error {
	if _, ok := errors.AsType[*unreachableError](err); ok && r.ctx.Err() == nil {
		return hint(err, "%s serve, or say where the server is with --url or %s", programName(), urlVar)
	}
	p, ok := errors.AsType[*problemError](err)
	if !ok {
		return err
	}
	ctx, cancel := context.WithTimeout(r.ctx, askTime)
	defer cancel()
	switch {
	case p.status == http.StatusUnauthorized && r.token == "":
		return hint(err, "a token, in %s or --token", tokenVar)
	case p.status == http.StatusUnauthorized:
		return hint(err, "another token in %s or --token: the server does not know this one", tokenVar)
	case p.status == http.StatusForbidden:
		return hint(err, "the token of an admin, in %s or --token", tokenVar)
	case p.status == http.StatusNotFound && len(args) > 0 && c.Name() == "start":
		return like(err, c, args, r.names(ctx, "workflows"))
	case p.status == http.StatusNotFound && len(args) > 0 && c.Parent().Name() == "runs" && strings.Contains(p.detail, "not found"):
		return r.otherRun(ctx, err, c, args)
	case p.status == http.StatusNotFound && len(args) > 0 && (c.Parent().Name() == "queues" || c.Parent().Name() == "schedules"):
		return like(err, c, args, r.names(ctx, c.Parent().Name()))
	case p.status == http.StatusBadRequest && c.Name() == "start" && strings.HasPrefix(p.detail, "input of "):
		return hint(err, "%s", r.inputExample(ctx, c, args[0]))
	case p.status == http.StatusBadRequest && c.Flag("status") != nil && strings.Contains(p.detail, "unknown status "):
		for s := range strings.SplitSeq(c.Flag("status").Value.String(), ",") {
			if n := nearest(s, statuses); n != "" && !slices.Contains(statuses, s) {
				return hint(err, "--status %s", n)
			}
		}
	}
	return err
}

var statuses = []string{"queued", "delayed", "running", "waiting", "succeeded", "failed", "cancelled", "stuck"}

// names asks for the names in a list, such as the workflows. An error gives
// none: they are a help, no more.
func (r *request) names(ctx context.Context, list string) []string {
	data, err := r.call(ctx, http.MethodGet, "/v1/"+list, nil, nil)
	if err != nil {
		return nil
	}
	var lists map[string][]struct{ Name string }
	if r.decode(data, &lists) != nil {
		return nil
	}
	var names []string
	for _, v := range lists[list] {
		names = append(names, v.Name)
	}
	return names
}

// otherRun names the run that was probably meant, or how to find it.
func (r *request) otherRun(ctx context.Context, err error, c *cobra.Command, args []string) error {
	var page listView
	if data, e := r.call(ctx, http.MethodGet, "/v1/runs", url.Values{"limit": {"200"}}, nil); e == nil {
		r.decode(data, &page) //nolint:errcheck // without it there are no names to offer
	}
	var ids []string
	for _, v := range page.Runs {
		ids = append(ids, v.ID)
	}
	if slices.Contains(ids, args[placeOf(err)]) {
		return err // what was not found is in it
	}
	err = like(err, c, args, ids)
	if _, ok := errors.AsType[*hinted](err); ok {
		return err
	}
	return hint(err, "%s runs list", programName())
}
