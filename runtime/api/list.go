package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
)

// pageJSON is a page of runs.
type pageJSON struct {
	Runs []runJSON `json:"runs" jsonschema:"the runs, newest first"`
	Next string    `json:"next,omitzero" jsonschema:"there is another page: ask for it with this as cursor"`
}

// filterParams select runs.
var filterParams = []param{
	{name: "status", text: "statuses; the parameter may be given several times, or the statuses with commas between", repeatable: true,
		schema: &jsonschema.Schema{Type: "array", Items: statusSchema, MinItems: new(1)}, example: []string{"failed", "stuck"}},
	{name: "workflow", text: "the workflow", schema: anyText, example: "checkout"},
	{name: "version", text: "the version they were started under", schema: anyText, example: "v1"},
	{name: "queue", text: "the queue; empty: the runs without one", schema: anyText, example: "emails"},
	labelParam("a label they have, with this value", ""),
	{name: "since", text: "created at this time or after; a duration counts back from now", schema: momentSchema, example: "24h"},
	{name: "until", text: "created before this time; a duration counts back from now", schema: momentSchema, example: "2026-01-31T12:00:00Z"},
	{name: "parent", text: "the id of their parent", schema: anyText, example: "order-17"},
}

var listOp = tagged(operation{
	id: "listRuns", tag: "runs", summary: "A page of runs, newest first",
	text: "A page that has become heavy (about 8 MiB of inputs and outputs) ends before its limit. What is started meanwhile is on no later page.",
	query: append(slices.Clone(filterParams),
		param{name: "limit", text: "how many at most", schema: with(whole(1, maxLimit), strconv.Itoa(defaultLimit)), example: 20},
		param{name: "cursor", text: "the next of an answer to the same call", schema: anyText, example: cursorOf(4711)},
	),
	replies: []reply{{status: http.StatusOK, text: "the page", of: reflect.TypeFor[pageJSON](),
		example: pageJSON{Runs: []runJSON{exampleRun}, Next: cursorOf(4711)},
		headers: map[string]string{positionHeader: "where GET /v1/runs:watch goes on from to miss nothing, as after"}}},
	depth: reading,
})

const (
	defaultLimit = 100
	maxLimit     = 1000
	// pageBytes is about how much payload one page carries; the rest is on the
	// next one.
	pageBytes = 8 << 20
)

// list answers a page of runs, newest first.
func (a *api) list(w http.ResponseWriter, r *http.Request) error {
	f, limit, err := filterOf(r.URL.Query(), time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := bounded(r)
	defer cancel()
	position := a.rt.Position() // before anything is read
	page := pageJSON{Runs: []runJSON{}}
	// Runs can carry megabytes each, so the page is read in growing pieces and
	// ends early when it has become heavy.
	size, piece := 0, 16
	for {
		f.Limit = min(piece, limit-len(page.Runs)+1)
		runs, err := a.rt.List(ctx, f)
		if err != nil {
			return err
		}
		for i := range runs {
			if len(page.Runs) == limit || size > pageBytes {
				page.Next = cursorOf(f.Before)
				w.Header().Set(positionHeader, position)
				return answerRead(w, r, page)
			}
			page.Runs = append(page.Runs, a.runOf(&runs[i]))
			size += len(runs[i].Input) + len(runs[i].Output)
			f.Before = runs[i].Seq
		}
		if len(runs) < f.Limit {
			w.Header().Set(positionHeader, position)
			return answerRead(w, r, page)
		}
		piece *= 2
	}
}

func filterOf(q url.Values, now time.Time) (f runtime.Filter, limit int, err error) {
	if f.Statuses, err = statusParams(q); err != nil {
		return f, 0, err
	}
	f.Workflow, f.Version, f.ParentID, f.Labels = q.Get("workflow"), q.Get("version"), q.Get("parent"), labelParams(q)
	if q.Has("queue") {
		queue := q.Get("queue") // empty: the runs without one
		f.Queue = &queue
	}
	if f.Since, err = timeParam(q, "since", now, -1); err != nil {
		return f, 0, err
	}
	if f.Until, err = timeParam(q, "until", now, -1); err != nil {
		return f, 0, err
	}
	if q.Has("cursor") {
		if f.Before, err = parseCursor(q.Get("cursor")); err != nil {
			return f, 0, err
		}
	}
	limit, err = intParam(q, "limit", defaultLimit, 1, maxLimit)
	return f, limit, err
}

// A cursor is the place after which a page goes on. Clients must not read it.
const cursorForm = "v1:"

func cursorOf(seq int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorForm + strconv.FormatInt(seq, 36)))
}

func parseCursor(s string) (int64, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		if v, ok := strings.CutPrefix(string(b), cursorForm); ok {
			if seq, err := strconv.ParseInt(v, 36, 64); err == nil && seq > 0 {
				return seq, nil
			}
		}
	}
	return 0, bad("cursor", s, "the next of an answer to the same call")
}
