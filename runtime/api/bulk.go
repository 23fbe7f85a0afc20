package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

const (
	// bulkTime is how long one call works; then it answers where to go on.
	bulkTime = 20 * time.Second
	// bulkPiece is how many runs are treated between two looks at the clock.
	bulkPiece = 1000
)

// bulkFilter is the body of a bulk call.
type bulkFilter struct {
	Status   statuses          `json:"status,omitempty" jsonschema:"their statuses, one or a list; without it those that the call is for"`
	Workflow string            `json:"workflow,omitempty" jsonschema:"their workflow"`
	Version  string            `json:"version,omitempty" jsonschema:"the version they were started under"`
	Queue    *string           `json:"queue,omitempty" jsonschema:"their queue; empty: those without one"`
	Parent   string            `json:"parent,omitempty" jsonschema:"the id of their parent"`
	Label    map[string]string `json:"label,omitempty" jsonschema:"labels they have, with these values"`
	Since    moment            `json:"since,omitempty" jsonschema:"created at this time or after; a duration counts back from now"`
	Until    moment            `json:"until,omitempty" jsonschema:"created before this time; a duration counts back from now"`
	Limit    int               `json:"limit,omitempty" jsonschema:"how many runs at most; 0: all"`
	Cursor   string            `json:"cursor,omitempty" jsonschema:"where to go on: the next of an answer to the same call"`
	All      bool              `json:"all,omitempty" jsonschema:"allows a filter that excludes nothing"`
	DryRun   bool              `json:"dry_run,omitempty" jsonschema:"count, and change nothing"`
	// Of a cancel only.
	WithoutCompensations bool `json:"without_compensations,omitempty" jsonschema:"of a cancel: those that are stuck, too, whose compensations cannot run"`
}

// moment is a time, or a duration counted back from now, as it came.
type moment string

// statuses is one or a list of them.
type statuses []store.Status

func (n *statuses) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*n = make(statuses, 1)
		return json.Unmarshal(b, &(*n)[0])
	}
	return json.Unmarshal(b, (*[]store.Status)(n))
}

// bulkJSON is the answer to a bulk call.
type bulkJSON struct {
	runtime.BulkCount
	DryRun bool   `json:"dry_run" jsonschema:"nothing was changed"`
	Next   string `json:"next,omitzero" jsonschema:"there is more to do: call again with it as cursor"`
}

func bulkOp(id, verb, usual string) operation {
	return operation{
		id: id, tag: "runs", summary: verb + " all runs that fit a filter",
		text: "Each run is treated by a write of its own. A call works for about 20 s at most; where that was not enough there is a next. " + usual,
		body: &body{text: "the filter", schema: filterSchema, required: true, example: bulkFilter{Status: statuses{store.Failed}, Until: "24h", DryRun: true}},
		replies: []reply{{status: http.StatusOK, text: "how many there were", of: reflect.TypeFor[bulkJSON](),
			example: bulkJSON{BulkCount: runtime.BulkCount{Matched: 42, Changed: 41, Skipped: 1}}}},
		depth: writing,
	}
}

var (
	filterSchema = bodySchema[bulkFilter]()
	cancelAllOp  = bulkOp("cancelRuns", "Cancel", "Without a status: those that have not ended and are not stuck; stuck ones only without_compensations.")
	resumeAllOp  = bulkOp("resumeRuns", "Resume", "Without a status: those that are stuck.")
	deleteAllOp  = bulkOp("deleteRuns", "Delete", "Without a status: those that have ended.")
)

// bulk changes the runs that fit the filter in the body.
func (a *api) bulk(change func(context.Context, runtime.Filter, runtime.Bulk) (runtime.BulkCount, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		f, limit, opts, err := a.bulkBody(w, r)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(r)
		defer cancel()
		sum := bulkJSON{DryRun: opts.DryRun}
		for end := time.Now().Add(bulkTime); ; {
			f.Limit = bulkPiece
			if limit > 0 {
				f.Limit = min(bulkPiece, limit-sum.Matched)
			}
			n, err := change(ctx, f, opts)
			sum.Matched, sum.Changed, sum.Skipped = sum.Matched+n.Matched, sum.Changed+n.Changed, sum.Skipped+n.Skipped
			if err != nil {
				return err
			}
			f.Before = n.Next
			switch {
			case n.Next == 0:
				return answer(w, http.StatusOK, sum)
			case limit > 0 && sum.Matched >= limit, time.Now().After(end), a.closing():
				sum.Next = cursorOf(n.Next)
				return answer(w, http.StatusOK, sum)
			}
		}
	}
}

func (a *api) bulkBody(w http.ResponseWriter, r *http.Request) (f runtime.Filter, limit int, b runtime.Bulk, err error) {
	data, release, err := a.body(w, r)
	if err != nil {
		return f, 0, b, err
	}
	defer release()
	var v bulkFilter
	if err := decodeStrictly(data, &v); err != nil {
		return f, 0, b, err
	}
	f = runtime.Filter{Statuses: v.Status, Workflow: v.Workflow, Version: v.Version, Queue: v.Queue, ParentID: v.Parent, Labels: v.Label}
	times := url.Values{}
	for name, value := range map[string]moment{"since": v.Since, "until": v.Until} {
		if value != "" {
			times.Set(name, string(value))
		}
	}
	now := time.Now()
	if f.Since, err = timeParam(times, "since", now, -1); err != nil {
		return f, 0, b, err
	}
	if f.Until, err = timeParam(times, "until", now, -1); err != nil {
		return f, 0, b, err
	}
	if v.Cursor != "" {
		if f.Before, err = parseCursor(v.Cursor); err != nil {
			return f, 0, b, err
		}
	}
	if v.Limit < 0 {
		return f, 0, b, bad("limit", fmt.Sprint(v.Limit), "a whole number from 1, or 0 for all")
	}
	return f, v.Limit, runtime.Bulk{All: v.All, DryRun: v.DryRun, WithoutCompensations: v.WithoutCompensations}, nil
}

// decodeStrictly refuses fields that the call does not know: a misspelt filter
// must not mean everything.
func decodeStrictly(data []byte, v any) error {
	if len(data) == 0 {
		return invalid(`the body is empty: want a filter such as {"status":["failed"]}`)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, end := dec.Token(); end != io.EOF {
			err = errors.New("more than one JSON value")
		}
	}
	if err == nil {
		return nil
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid(misplaced(te))
	}
	return invalid("the body: " + strings.TrimPrefix(err.Error(), "json: "))
}

// misplaced says what a value of the wrong kind is, without the Go type it was to become.
func misplaced(err *json.UnmarshalTypeError) string {
	what := "the body"
	if err.Field != "" {
		what = fmt.Sprintf("field %q", err.Field)
	}
	return what + " is a JSON " + err.Value + ", which is not allowed there"
}
