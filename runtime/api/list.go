package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var listParams = []string{"status", "workflow", "version", "queue", "label.", "since", "until", "parent", "limit", "cursor"}

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
	page := struct {
		Runs []runJSON `json:"runs"`
		Next string    `json:"next,omitzero"`
	}{Runs: []runJSON{}}
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
				return answer(w, http.StatusOK, page)
			}
			page.Runs = append(page.Runs, a.runOf(&runs[i]))
			size += len(runs[i].Input) + len(runs[i].Output)
			f.Before = runs[i].Seq
		}
		if len(runs) < f.Limit {
			return answer(w, http.StatusOK, page)
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
