package sqlite

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// maxBatch bounds the writes of one transaction, and with it how long one
	// commit can take.
	maxBatch = 4096
	// maxPending bounds the writes that may wait. Each is a blocked caller.
	maxPending = 1 << 16
)

// write is one request to the writer.
type write struct {
	fn func(*tx) error
	// single: fn runs at most one statement that writes, so SQLite undoes it
	// alone without a savepoint.
	single bool
	// alone: it has a transaction to itself, and no savepoint.
	alone bool
	done  chan error
	at    time.Time
}

// writer owns the connection that writes.
//
// Callers put requests into pending; the goroutine in run swaps the whole of it
// out, runs it as one transaction, and answers everybody after the commit.
type writer struct {
	conn *conn
	tx   tx
	wake chan struct{} // capacity 1: there is something in pending, or closed

	mu      sync.Mutex
	pending []*write
	lone    int   // of the pending writes, those that are alone
	closed  error // set once: why no write is taken any more

	batch     []*write      // of the goroutine
	free      sync.Pool     // of *write
	done      chan struct{} // closed when run has returned
	publish   func([]store.Event)
	logWrites func(pages int) // told of each commit's pages
	// commit is the durability barrier, a field so that tests can make it fail.
	commit func() error

	lastCommit  atomic.Int64 // unix nanoseconds
	oldestWrite atomic.Int64
	commits     atomic.Uint64
	writes      atomic.Uint64
	counts      [9]atomic.Int64
	position    atomic.Int64
	fault       atomic.Pointer[fault]
}

// fault is why the store cannot write.
type fault struct {
	err   error
	fatal bool
}

func newWriter(c *conn, path string, logWrites func(int)) *writer {
	return &writer{
		conn: c, tx: tx{conn: c, log: path + "-wal"}, wake: make(chan struct{}, 1), done: make(chan struct{}), logWrites: logWrites,
		commit: func() error { _, err := c.exec(commit); return err },
	}
}

// do hands fn to the writer and waits for its commit. When ctx ends first it
// returns at once; fn may still be committed.
func (w *writer) do(ctx context.Context, single bool, fn func(*tx) error) error {
	return w.submit(ctx, single, maxPending, fn)
}

// offer is do for work from outside, which is refused when more than half of
// the places are taken: what has begun must be able to end.
func (w *writer) offer(ctx context.Context, single bool, fn func(*tx) error) error {
	return w.submit(ctx, single, maxPending/2, fn)
}

// valued is do for a write with a result. The result is read only when the
// write was answered: after a cancelled wait fn may still be running.
func valued[T any](ctx context.Context, w *writer, fn func(*tx) (T, error)) (T, error) {
	var v T
	err := w.do(ctx, false, func(tx *tx) (err error) {
		v, err = fn(tx)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// alone is do for a write that has a transaction to itself, because it may
// break it.
func (w *writer) alone(ctx context.Context, fn func(*tx) error) error {
	r := w.request()
	r.fn, r.alone = fn, true
	return w.hand(ctx, maxPending, r)
}

func (w *writer) submit(ctx context.Context, single bool, limit int, fn func(*tx) error) error {
	r := w.request()
	r.fn, r.single = fn, single
	return w.hand(ctx, limit, r)
}

// hand hands in r and waits for it.
func (w *writer) hand(ctx context.Context, limit int, r *write) error {
	r.at = time.Now()
	w.mu.Lock()
	if err := w.closed; err != nil {
		w.mu.Unlock()
		return err
	}
	if len(w.pending) >= limit {
		w.mu.Unlock()
		return fmt.Errorf("%w: %d writes are waiting", store.ErrOverloaded, limit)
	}
	w.pending = append(w.pending, r)
	if r.alone {
		w.lone++
	}
	first := len(w.pending) == 1
	w.mu.Unlock()
	if first {
		w.signal()
	}
	if ctx.Done() == nil {
		err := <-r.done
		w.release(r)
		return err
	}
	select {
	case err := <-r.done:
		w.release(r)
		return err
	case <-ctx.Done():
		return context.Cause(ctx) // r stays with the writer
	}
}

// request returns a write to fill in. The free ones belong to the writer, not
// to the process: a channel made inside a testing/synctest bubble must stay in
// it.
func (w *writer) request() *write {
	if r, ok := w.free.Get().(*write); ok {
		return r
	}
	return &write{done: make(chan error, 1)}
}

func (w *writer) release(r *write) {
	r.fn, r.single, r.alone = nil, false, false
	w.free.Put(r)
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run is the writer's goroutine. It returns when the writer was closed and all
// that was handed in before is answered, or at a fatal error.
func (w *writer) run() {
	defer close(w.done)
	for range w.wake {
		for {
			w.gather()
			closed := w.take()
			if len(w.batch) == 0 {
				if closed {
					return
				}
				break
			}
			if err := w.transact(); err != nil {
				w.stop(err)
				return
			}
		}
	}
}

// gather lets those just answered hand in their next write, so that the next
// commit carries more of them. It waits for nobody: it ends when a round
// brought nothing, and a write alone finds nobody to let run.
func (w *writer) gather() {
	answered, pending := len(w.batch), 0
	for range 4 {
		if answered < 2 || pending >= answered {
			return
		}
		goruntime.Gosched()
		now := w.waiting()
		if now == pending {
			return
		}
		pending = now
	}
}

// take moves what is pending into the batch.
func (w *writer) take() (closed bool) {
	clear(w.batch)
	w.mu.Lock()
	defer w.mu.Unlock()
	if most := w.mostLocked(); len(w.pending) > most {
		w.batch = append(w.batch[:0], w.pending[:most]...)
		n := copy(w.pending, w.pending[most:])
		clear(w.pending[n:])
		w.pending = w.pending[:n]
	} else {
		w.batch, w.pending = w.pending, w.batch[:0]
	}
	return w.closed != nil
}

// mostLocked is how many of the pending writes can be in one transaction.
func (w *writer) mostLocked() int {
	if w.lone == 0 {
		return maxBatch
	}
	for i, r := range w.pending[:min(maxBatch, len(w.pending))] {
		if !r.alone {
			continue
		}
		if i == 0 {
			w.lone--
			return 1
		}
		return i
	}
	return maxBatch
}

// transact commits the batch and answers it. The error it returns is fatal.
func (w *writer) transact() error {
	w.oldestWrite.Store(w.batch[0].at.UnixNano())
	defer w.oldestWrite.Store(0)
	errs, err, fatal := w.tx.runBatch(w.batch, w.commit)
	if err != nil {
		if own, ok := errors.AsType[*refusal](err); ok {
			err = own.err // nothing is wrong with the store
		} else {
			w.fault.Store(&fault{err, fatal})
		}
		for _, r := range w.batch {
			r.done <- err
		}
		if fatal {
			return err
		}
		return nil
	}
	// From here on a crash loses nothing of the batch.
	w.lastCommit.Store(time.Now().UnixNano())
	w.commits.Add(1)
	w.writes.Add(uint64(len(w.batch)))
	w.fault.Store(nil)
	w.reveal()
	if len(w.tx.events) > 0 && w.publish != nil {
		w.publish(w.tx.events)
	}
	w.oldestWrite.Store(0) // before anybody who was answered can look
	for i, r := range w.batch {
		r.done <- errs[i]
	}
	w.logWrites(w.tx.pagesWritten())
	return nil
}

// reveal shows readers of the counters what is committed.
func (w *writer) reveal() {
	for i := range w.counts {
		w.counts[i].Store(w.tx.state.runs[i])
	}
	w.position.Store(w.tx.state.pos)
}

// stop refuses everything from now on and answers what waits with err.
func (w *writer) stop(err error) {
	w.mu.Lock()
	w.closed = err
	left := w.pending
	w.pending = nil
	w.mu.Unlock()
	for _, r := range left {
		r.done <- err
	}
}

// close lets what was handed in be committed and refuses the rest.
func (w *writer) close() {
	w.mu.Lock()
	if w.closed == nil {
		w.closed = store.ErrClosed
	}
	w.mu.Unlock()
	w.signal()
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending)
}
