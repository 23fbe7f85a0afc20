package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/stepwell/stepwell/store"
)

const (
	cursorName = store.SpanCursor
	// pageSize is the most spans of one export.
	pageSize = 512
	// gather is how long news may wait for more of it, pageGap the pause
	// between pages while there is more to ship: shipping is never in a hurry,
	// the runs are. A page takes some 6 ms of a core, so this is about a tenth
	// of one and 9,000 spans a second; who makes more for long should sample.
	gather  = 200 * time.Millisecond
	pageGap = 50 * time.Millisecond
	// exportTimeout bounds one export with the retries of the exporter itself.
	exportTimeout = 30 * time.Second
	// flushTimeout is how long shipping goes on after it was told to end.
	// Little is lost by a short one: the rest waits in the store.
	flushTimeout = 2 * time.Second
	minBackoff   = time.Second
	maxBackoff   = 30 * time.Second
)

// shipper exports the spans of committed rows.
type shipper struct {
	exporter sdktrace.SpanExporter
	res      *resource.Resource
	log      *slog.Logger
	wake     chan struct{} // capacity 1

	// Of the goroutine in run.
	limit   int           // spans of the next page
	backoff time.Duration // zero while all is well
	unsaved bool          // sent is ahead of the cursor in the store

	store       atomic.Pointer[store.Store]
	sent        atomic.Int64 // all up to this position is exported
	shipped     atomic.Uint64
	lastSuccess atomic.Int64 // unix nanoseconds
	lastError   atomic.Pointer[error]
}

func newShipper(exporter sdktrace.SpanExporter, res *resource.Resource, log *slog.Logger) *shipper {
	return &shipper{
		exporter: exporter, res: res, log: slog.New(newLimited(log.Handler())),
		wake: make(chan struct{}, 1), limit: pageSize,
	}
}

func (s *shipper) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *shipper) run(ctx context.Context, st store.Store) error {
	work, cancel := outlive(ctx, flushTimeout)
	defer cancel()
	for ctx.Err() == nil {
		more, err := s.page(work, st)
		switch {
		case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrUnknownOutcome):
			return fmt.Errorf("ship spans: %w", err)
		case err != nil:
			s.failed(err)
			pause(ctx, s.backoff)
			continue
		}
		s.succeeded()
		if more {
			pause(ctx, pageGap)
		} else {
			s.rest(ctx)
		}
	}
	s.flush(work, st)
	return nil
}

// begin finds where the last process stopped. Without a position there is no
// older tracing than what the store holds: a run is marked as sampled only
// while tracing is on, so the beginning is the right place, and nothing depends
// on who is first, the shipper or the first run.
func (s *shipper) begin(ctx context.Context, st store.Store) error {
	if s.store.Load() != nil {
		return nil
	}
	pos, _, err := st.Cursor(ctx, cursorName)
	if err != nil {
		return fmt.Errorf("read cursor: %w", err)
	}
	s.sent.Store(pos)
	s.store.Store(&st)
	return nil
}

// rest waits for news, and for what comes right after it.
func (s *shipper) rest(ctx context.Context) {
	select {
	case <-s.wake:
		pause(ctx, gather)
		select {
		case <-s.wake:
		default:
		}
	case <-ctx.Done():
	}
}

// page exports the next rows. Each attempt reads them anew, so a collector
// that is away costs no memory.
func (s *shipper) page(ctx context.Context, st store.Store) (more bool, err error) {
	if err := s.begin(ctx, st); err != nil {
		return false, err
	}
	if err := s.save(ctx, st); err != nil {
		return false, err
	}
	page, err := st.Spans(ctx, s.sent.Load(), s.limit)
	if err != nil {
		return false, fmt.Errorf("read spans: %w", err)
	}
	if len(page.Records) == 0 {
		// Not worth a commit: a process that begins before here finds nothing
		// here either.
		s.sent.Store(page.Next)
		return page.More, nil
	}
	if err := s.export(ctx, page.Records); err != nil {
		return false, err
	}
	// From here on a crash sends these spans once more, and they are the same.
	s.sent.Store(page.Next)
	s.unsaved = true
	return page.More, s.save(ctx, st)
}

func (s *shipper) export(ctx context.Context, recs []store.SpanRecord) error {
	spans := make([]sdktrace.ReadOnlySpan, len(recs))
	for i := range recs {
		spans[i] = spanOf(&recs[i], s.res)
	}
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	err := s.exporter.ExportSpans(ctx, spans)
	if err != nil && !tookPart(err) {
		// Smaller next time: it may be the size that is refused, and a
		// collector that comes back is better not met with all at once.
		s.limit = max(1, s.limit/2)
		return fmt.Errorf("export spans: %w", err)
	}
	if err != nil {
		s.log.Warn("collector refused some spans for good", "error", err)
	}
	s.limit = min(pageSize, s.limit*2)
	s.shipped.Add(uint64(len(spans)))
	s.lastSuccess.Store(time.Now().UnixNano())
	return nil
}

// tookPart reports whether the collector answered with a partial success:
// it has decided, and what it refused must not be sent again. The exporters
// keep the type of this error to themselves.
func tookPart(err error) bool { return strings.Contains(err.Error(), "OTLP partial success: ") }

// save moves the cursor in the store to what was exported.
func (s *shipper) save(ctx context.Context, st store.Store) error {
	if !s.unsaved {
		return nil
	}
	if err := st.SetCursor(ctx, cursorName, s.sent.Load()); err != nil {
		return fmt.Errorf("move cursor: %w", err)
	}
	s.unsaved = false
	return nil
}

// flush exports what is left until work ends or something fails.
func (s *shipper) flush(work context.Context, st store.Store) {
	for more, err := true, error(nil); more; {
		if more, err = s.page(work, st); err != nil {
			s.lastError.Store(&err)
			s.log.Info("spans wait in the store for the next start", "error", err, "backlog", s.status().Backlog)
			return
		}
	}
}

func (s *shipper) failed(err error) {
	s.lastError.Store(&err)
	s.backoff = min(max(minBackoff, 2*s.backoff), maxBackoff)
	s.log.Warn("spans wait in the store", "error", err, "backlog", s.status().Backlog, "retry_in", s.backoff)
}

func (s *shipper) succeeded() {
	s.backoff = 0
	if s.lastError.Swap(nil) != nil {
		s.log.Info("spans are exported again", "backlog", s.status().Backlog)
	}
}

// outlive returns a context that ends the given time after ctx does.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(by):
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { stop(); cancel() }
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
