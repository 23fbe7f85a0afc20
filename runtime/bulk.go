package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/stepwell/stepwell/store"
)

// bulkPage is how many runs are changed at a time: each by a write of its own,
// which the store commits together, so that no transaction is ever a large one.
const bulkPage = 128

// Bulk says how many runs are treated at once. The zero value refuses a filter
// that excludes nothing.
type Bulk struct {
	// All allows a filter that excludes nothing.
	All bool
	// DryRun counts and changes nothing.
	DryRun bool
	// WithoutCompensations has [Runtime.CancelAll] end stuck runs, too; see the
	// option of that name.
	WithoutCompensations bool
	// Progress is told the count so far after each hundred or so.
	Progress func(BulkCount)
}

// BulkCount counts the runs that a bulk call came by.
type BulkCount struct {
	// Matched runs fit the filter and were in a state that the call is for.
	Matched int `json:"matched" jsonschema:"how many fit the filter, in a state that the call is for"`
	// Changed runs were cancelled, resumed or deleted; none in a dry run.
	Changed int `json:"changed" jsonschema:"how many were changed"`
	// Skipped runs were in another state by the time it was their turn, or are
	// children that cannot be deleted before their parent has ended.
	Skipped int `json:"skipped" jsonschema:"how many were in another state by the time it was their turn, or are children whose parent lives"`
	// Next is where to go on, as [Filter].Before, when the filter's Limit was
	// reached; zero when no run is left.
	Next int64 `json:"-"`
}

// bulkKind is what can be done to many runs.
type bulkKind struct {
	verb string
	// from are the states that the change is for; without a status in the
	// filter it is for those in usual.
	from, usual []Status
	change      func(rt *Runtime, ctx context.Context, id string) error
}

// bulkEnd is bulkCancel of runs whose code cannot run.
var bulkEnd = bulkKind{
	verb: "cancelled", from: bulkCancel.from, usual: bulkCancel.from,
	change: func(rt *Runtime, ctx context.Context, id string) error {
		_, err := rt.Cancel(ctx, id, WithoutCompensations())
		return err
	},
}

var (
	bulkCancel = bulkKind{
		verb:  "cancelled",
		from:  []Status{store.Queued, store.Delayed, store.Running, store.Waiting, store.Stuck},
		usual: []Status{store.Queued, store.Delayed, store.Running, store.Waiting},
		change: func(rt *Runtime, ctx context.Context, id string) error {
			_, err := rt.Cancel(ctx, id)
			return err
		},
	}
	bulkResume = bulkKind{
		verb:  "resumed",
		from:  []Status{store.Cancelled, store.Stuck},
		usual: []Status{store.Stuck},
		change: func(rt *Runtime, ctx context.Context, id string) error {
			_, err := rt.Resume(ctx, id)
			return err
		},
	}
	bulkDelete = bulkKind{
		verb:   "deleted",
		from:   []Status{store.Succeeded, store.Failed, store.Cancelled},
		usual:  []Status{store.Succeeded, store.Failed, store.Cancelled},
		change: (*Runtime).Delete,
	}
)

// CancelAll cancels the runs that fit the filter, newest first; see
// [Runtime.Cancel]. Those that are stuck are among them only with
// b.WithoutCompensations. Runs started meanwhile are left alone. The filter's Limit
// bounds how many runs are treated, zero meaning all, and its Before is where
// to begin. When it returns an error the count says what was done before.
// Errors: [ErrInvalid] for a filter that excludes nothing, unless b.All is
// set, and for a status that cannot be cancelled.
func (rt *Runtime) CancelAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	kind, err := cancelling(f, b)
	if err != nil {
		return BulkCount{}, err
	}
	return rt.bulk(ctx, kind, f, b)
}

func cancelling(f Filter, b Bulk) (bulkKind, error) {
	switch {
	case b.WithoutCompensations:
		return bulkEnd, nil
	case slices.Contains(f.Statuses, store.Stuck):
		return bulkKind{}, fmt.Errorf("%w: the code of a run that is stuck cannot run, and so its compensations cannot: resume it first, or say without compensations", ErrInvalid)
	}
	return bulkCancel, nil
}

// ResumeAll resumes the runs that fit the filter, as [Runtime.CancelAll]
// cancels them; see [Runtime.Resume]. Without a status in the filter that is
// the stuck ones: a run that somebody cancelled is resumed when asked for.
func (rt *Runtime) ResumeAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	return rt.bulk(ctx, bulkResume, f, b)
}

// DeleteAll deletes the runs that fit the filter and have ended, as
// [Runtime.CancelAll] cancels them; see [Runtime.Delete].
func (rt *Runtime) DeleteAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	return rt.bulk(ctx, bulkDelete, f, b)
}

func (rt *Runtime) bulk(ctx context.Context, k bulkKind, f Filter, b Bulk) (BulkCount, error) {
	f, err := k.narrow(f, b)
	if err != nil {
		return BulkCount{}, err
	}
	var n BulkCount
	for limit := f.Limit; ; {
		f.Limit = bulkPage
		if limit > 0 {
			f.Limit = min(bulkPage, limit-n.Matched)
		}
		if err := ctx.Err(); err != nil {
			return n, context.Cause(ctx)
		}
		runs, err := rt.List(ctx, f)
		if err != nil || len(runs) == 0 {
			return n, err
		}
		n.Matched += len(runs)
		if !b.DryRun {
			changed, skipped, err := k.apply(ctx, rt, runs)
			n.Changed += changed
			n.Skipped += skipped
			if err != nil {
				return n, err
			}
		}
		if b.Progress != nil {
			b.Progress(n)
		}
		f.Before = runs[len(runs)-1].Seq
		switch {
		case len(runs) < f.Limit:
			return n, nil
		case limit > 0 && n.Matched >= limit:
			n.Next = f.Before
			return n, nil
		}
	}
}

// narrow checks the filter and limits it to the states that the change is for.
func (k *bulkKind) narrow(f Filter, b Bulk) (Filter, error) {
	everything := len(f.IDs) == 0 && len(f.Statuses) == 0 && f.IDPrefix == "" && f.Workflow == "" && f.Version == "" && f.Queue == nil && f.ParentID == "" &&
		len(f.Labels) == 0 && f.Since.IsZero() && f.Until.IsZero()
	if everything && !b.All {
		return f, fmt.Errorf("%w: the filter excludes nothing, and all runs would be %s: say all if that is meant", ErrInvalid, k.verb)
	}
	for _, s := range f.Statuses {
		if !slices.Contains(k.from, s) {
			var names []string
			for _, s := range k.from {
				names = append(names, s.String())
			}
			return f, fmt.Errorf("%w: a run that is %s cannot be %s: want %s", ErrInvalid, s, k.verb, strings.Join(names, ", "))
		}
	}
	if len(f.Statuses) == 0 {
		f.Statuses = k.usual
	}
	f.Bare = true
	return f, nil
}

// apply changes the runs of a page side by side.
func (k *bulkKind) apply(ctx context.Context, rt *Runtime, runs []Run) (changed, skipped int, err error) {
	errs := make([]error, len(runs))
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() { errs[i] = k.change(rt, ctx, runs[i].ID) })
	}
	wg.Wait()
	for _, e := range errs {
		switch {
		case e == nil:
			changed++
		case errors.Is(e, ErrConflict), errors.Is(e, ErrNotFound):
			skipped++
		case err == nil:
			err = e
		}
	}
	return changed, skipped, err
}

// CancelAll is [Runtime.CancelAll] with the runtime that ctx carries.
func CancelAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return BulkCount{}, err
	}
	return rt.CancelAll(ctx, f, b)
}

// ResumeAll is [Runtime.ResumeAll] with the runtime that ctx carries.
func ResumeAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	return bulkOf(ctx, bulkResume, f, b)
}

// DeleteAll is [Runtime.DeleteAll] with the runtime that ctx carries.
func DeleteAll(ctx context.Context, f Filter, b Bulk) (BulkCount, error) {
	return bulkOf(ctx, bulkDelete, f, b)
}

func bulkOf(ctx context.Context, k bulkKind, f Filter, b Bulk) (BulkCount, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return BulkCount{}, err
	}
	return rt.bulk(ctx, k, f, b)
}
