package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/stepwell/stepwell/store"
)

// Item is one value of a stream, encoded.
type Item = store.Item

// Write adds a value to a stream of the run, which others read with [Read] as it
// comes. Items are numbered from 0. When Write returns it is durable.
//
// In workflow code it is recorded and happens once. Inside a step it belongs to
// the attempt: another attempt writes its own items after those of the first.
// Outside a run there is nothing to write to.
func Write(ctx context.Context, stream string, v any) error {
	b := branchOf(ctx)
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	var e *execution
	switch {
	case b != nil:
		e = b.e
	case a != nil:
		e = a.run
	default:
		return fmt.Errorf("write %q: %w", stream, ErrNotInRun)
	}
	if err := checkName("stream", stream); err != nil {
		return err
	}
	value, err := e.rt.cfg.Codec.Encode(v)
	if err != nil {
		return fmt.Errorf("write %q: encode: %w", stream, err)
	}
	if value == nil {
		value = []byte{}
	}
	item := Item{Stream: stream, Value: value, WrittenAt: now()}
	if b != nil {
		return b.write(item)
	}
	item.Path, item.Attempt = a.path, a.number
	if err := e.append(item, nil); err != nil {
		return fmt.Errorf("write %q: %w", stream, err)
	}
	return nil
}

// append writes an item, with its row in workflow code.
func (e *execution) append(item Item, row *store.Step) error {
	if most := e.rt.cfg.MaxPayload; len(item.Value) > most {
		return tooLarge("item", len(item.Value), most)
	}
	return e.rt.persist(e.halting, func() error {
		return e.rt.store.Append(context.Background(), e.claim, item, row)
	})
}

func (b *branch) write(item Item) error {
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	what := "write " + item.Stream
	path, p := b.past(store.KindWrite, item.Stream)
	if p.final != nil {
		_, err := settled(what, p.final)
		return err
	}
	if err := b.stopped(); err != nil {
		return err
	}
	item.Path = path
	row := &store.Step{Path: path, Attempt: 1, Kind: store.KindWrite, Name: item.Stream, Status: store.StepSucceeded, StartedAt: item.WrittenAt, EndedAt: item.WrittenAt}
	err := b.e.append(item, row)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, ErrTooLarge):
		b.e.fail(err)
	}
	row.Status, row.Error = store.StepFailed, recorded(err)
	b.record(row)
	_, err = settled(what, row)
	return err
}

// ReadOption changes how a stream is read.
type ReadOption interface{ applyRead(*readConfig) }

type readConfig struct{ from int64 }

type readFunc func(*readConfig)

func (f readFunc) applyRead(c *readConfig) { f(c) }

// From begins to read at an offset: the first item has 0, so who has read n of
// them goes on from n. Default 0.
func From(offset int64) ReadOption { return readFunc(func(c *readConfig) { c.from = offset }) }

// Read iterates over what a run writes to a stream, from the first item on or
// [From] an offset, waits for more, and ends when the run has ended. The last pair
// of an iteration that goes wrong holds the error: [ErrNotFound] for no such run,
// or that of an item that does not fit T.
//
// Inside a run each item is recorded, and a run that waits for one takes no
// memory. Outside, and inside a step, ctx ends the iteration with an error.
func Read[T any](ctx context.Context, runID, stream string, opts ...ReadOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rt, err := runtimeOf(ctx)
		if err != nil {
			yield(none, err)
			return
		}
		items := rt.Stream(ctx, runID, stream, opts...)
		if b := branchOf(ctx); b != nil {
			items = b.read(runID, stream, opts)
		}
		for item, err := range items {
			var out T
			if err == nil {
				if err = rt.decode(ctx, item.Value, &out); err != nil {
					err = fmt.Errorf("item %d of stream %q does not fit %T: %w", item.Offset, stream, out, err)
				}
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// pageItems bounds the items read from the store at a time.
const pageItems = 100

func readFrom(runID, stream string, opts []ReadOption) (int64, error) {
	var c readConfig
	for _, o := range opts {
		o.applyRead(&c)
	}
	if c.from < 0 {
		return 0, fmt.Errorf("%w: offset %d: want 0 or more", ErrInvalid, c.from)
	}
	if err := ValidateID(runID); err != nil {
		return 0, err
	}
	return c.from, checkName("stream", stream)
}

// Stream is [Read] from outside a run, for items that stay encoded.
func (rt *Runtime) Stream(ctx context.Context, runID, stream string, opts ...ReadOption) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		from, err := readFrom(runID, stream, opts)
		for err == nil {
			var ended bool
			var items []Item
			news, forget := rt.changes.watch(runID)
			items, ended, err = rt.itemsOf(ctx, runID, stream, from)
			if err == nil && len(items) == 0 && !ended {
				err = rt.awaitNews(ctx, news, nil)
			}
			forget()
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
				from = item.Offset + 1
			}
			if err == nil && len(items) == 0 && ended {
				return
			}
		}
		yield(Item{}, fmt.Errorf("read stream %q of run %s: %w", stream, runID, err))
	}
}

// CheckStream is the error that [Runtime.Stream] would begin with: [ErrNotFound],
// [ErrInvalid].
func (rt *Runtime) CheckStream(ctx context.Context, runID, stream string) error {
	if _, err := readFrom(runID, stream, nil); err != nil {
		return err
	}
	_, err := rt.Get(ctx, runID)
	return err
}

// itemsOf returns the next items, and whether the run has ended: without items
// there will be no more then.
func (rt *Runtime) itemsOf(ctx context.Context, runID, stream string, from int64) ([]Item, bool, error) {
	run, err := rt.Get(ctx, runID) // first: it may write and end in between
	if err != nil {
		return nil, false, err
	}
	items, err := rt.store.Items(ctx, runID, stream, from, pageItems)
	return items, run.Status.Ended(), err
}

// read is [Read] inside a run: each item is a row of history, and so is the end,
// without an output.
func (b *branch) read(runID, stream string, opts []ReadOption) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		from, err := readFrom(runID, stream, opts)
		if err != nil {
			yield(Item{}, err)
			return
		}
		r := &reader{branch: b, runID: runID, stream: stream, from: from}
		for {
			item, more, err := r.next()
			if err == nil && !more || !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// reader reads a stream inside a run.
type reader struct {
	*branch
	runID, stream string
	from          int64
	page          []Item // read from the store and not yet handed out
}

func (r *reader) next() (item Item, more bool, err error) {
	if err := r.enter(); err != nil {
		return item, false, err
	}
	defer r.leave()
	w, row := r.patience(store.KindRead, r.stream, r.runID, Forever)
	if row == nil {
		if row, err = r.await(w); err != nil {
			return item, false, err
		}
		r.record(row)
	}
	value, err := settled("read "+r.stream, row)
	if err != nil || value == nil {
		return item, false, err
	}
	item = Item{Stream: r.stream, Offset: r.from, Value: value}
	r.from++
	return item, true, nil
}

// await returns the row that settles the next item.
func (r *reader) await(w *patience) (*store.Step, error) {
	watching := false
	for {
		if err := r.stopped(); err != nil {
			return nil, err
		}
		seen := r.e.signalled()
		ended, err := false, error(nil)
		if len(r.page) == 0 || r.page[0].Offset != r.from {
			r.page, ended, err = r.e.rt.itemsOf(context.Background(), r.runID, r.stream, r.from)
		}
		switch {
		case errors.Is(err, ErrNotFound):
			return w.failed(err), nil
		case err != nil:
			r.e.fail(err)
		case len(r.page) > 0:
			row := w.row()
			row.Output = r.page[0].Value
			r.page = r.page[1:]
			return row, nil
		case ended:
			return w.row(), nil
		}
		if !watching {
			r.watch(r.runID, store.StreamKey(r.stream), w.open())
			watching = true
			continue // one may have come before we watched
		}
		r.e.waitSignal(seen)
		watching = false // the watch may be used up
	}
}
