package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/stepwell/stepwell/store"
)

// fakeExporter notes when it was called and with how much.
type fakeExporter struct {
	mu    sync.Mutex
	err   error
	hang  bool
	calls []time.Time
	sizes []int
	ids   []string
}

func (e *fakeExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	e.calls = append(e.calls, time.Now())
	e.sizes = append(e.sizes, len(spans))
	err, hang := e.err, e.hang
	if err == nil && !hang {
		for _, s := range spans {
			e.ids = append(e.ids, s.SpanContext().SpanID().String())
		}
	}
	e.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (e *fakeExporter) Shutdown(context.Context) error { return nil }

func (e *fakeExporter) set(err error, hang bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err, e.hang = err, hang
}

func (e *fakeExporter) reset() (calls []time.Time, sizes []int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls, sizes = e.calls, e.sizes
	e.calls, e.sizes = nil, nil
	return calls, sizes
}

// inBubble runs fn in fake time, with a store and a shipper that is running.
func inBubble(t *testing.T, e sdktrace.SpanExporter, log io.Writer, fn func(st *fakeStore, s *shipper, stop func())) {
	synctest.Test(t, func(t *testing.T) {
		st := new(fakeStore)
		s := newShipper(e, resource.Empty(), slog.New(slog.NewTextHandler(log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.run(ctx, st) }()
		stop := sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
		})
		defer stop()
		synctest.Wait()
		fn(st, s, stop)
	})
}

func gaps(calls []time.Time) (out []time.Duration) {
	for i := range len(calls) - 1 {
		out = append(out, calls[i+1].Sub(calls[i]))
	}
	return out
}

func TestBackoff(t *testing.T) {
	e := &fakeExporter{err: errors.New("away")}
	log := new(logBuffer)
	inBubble(t, e, log, func(st *fakeStore, s *shipper, _ func()) {
		st.write(800, true)
		s.notify()
		time.Sleep(60 * time.Minute)
		calls, sizes := e.reset()
		second := time.Second
		want := []time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second, 30 * second, 30 * second}
		if diff := cmp.Diff(want, gaps(calls)[:len(want)]); diff != "" {
			t.Errorf("gaps between tries: %s", diff)
		}
		if want := []int{512, 256, 128, 64, 32, 16, 8, 4, 2, 1, 1}; !slices.Equal(sizes[:len(want)], want) {
			t.Errorf("sizes of tries: %v", sizes[:len(want)])
		}
		// News must not hurry it.
		for range 100 {
			s.notify()
			time.Sleep(100 * time.Millisecond)
		}
		if calls, _ := e.reset(); len(calls) > 1 {
			t.Errorf("%d tries in 10 s of news while the collector is away", len(calls))
		}
		// One line a minute, with what was left out.
		if n := strings.Count(log.String(), "away"); n < 30 || n > 61 || !strings.Contains(log.String(), "suppressed=5") {
			t.Errorf("%d lines in an hour:\n%.600s", n, log.String())
		}
		if st := s.status(); st.Err == nil || st.Shipped != 0 || st.Backlog == 0 {
			t.Errorf("status %+v", st)
		}

		e.set(nil, false)
		time.Sleep(time.Minute)
		calls, sizes = e.reset()
		if want := []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 289}; !slices.Equal(sizes, want) {
			t.Errorf("sizes after it came back: %v, want %v", sizes, want)
		}
		for _, g := range gaps(calls) {
			if g != pageGap {
				t.Errorf("gaps between pages: %v", gaps(calls))
				break
			}
		}
		if st := s.status(); st.Err != nil || st.Shipped != 800 || st.Backlog != 0 {
			t.Errorf("status %+v", st)
		}
		if !strings.Contains(log.String(), "spans are exported again") {
			t.Error("the log does not say that it works again")
		}
		// The next trouble begins at the shortest pause.
		e.set(errors.New("away again"), false)
		st.write(1, true)
		s.notify()
		time.Sleep(gather + 2*time.Second)
		if calls, _ := e.reset(); len(calls) != 2 || gaps(calls)[0] != time.Second {
			t.Errorf("tries %v", gaps(calls))
		}
	})
}

func TestNewsIsGathered(t *testing.T) {
	e := new(fakeExporter)
	inBubble(t, e, io.Discard, func(st *fakeStore, s *shipper, _ func()) {
		time.Sleep(time.Second)
		for range 100 {
			st.write(4, true)
			s.notify()
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		_, sizes := e.reset()
		if len(sizes) > 6 || len(e.ids) != 400 {
			t.Errorf("%d spans in %d requests: %v", len(e.ids), len(sizes), sizes)
		}
		// Idle is idle: nothing happens without news.
		time.Sleep(24 * time.Hour)
		if calls, _ := e.reset(); len(calls) != 0 {
			t.Errorf("%d exports of nothing", len(calls))
		}
	})
}

func TestUnsampledRunsCostNoCommit(t *testing.T) {
	e := new(fakeExporter)
	inBubble(t, e, io.Discard, func(st *fakeStore, s *shipper, _ func()) {
		for range 10 {
			st.write(10, false)
			s.notify()
			time.Sleep(time.Second)
		}
		calls, _ := e.reset()
		if _, saves := st.kept(); saves != 0 || len(calls) != 0 {
			t.Errorf("the cursor moved %d times, %d exports", saves, len(calls))
		}
		if b := s.status().Backlog; b != 0 {
			t.Errorf("backlog %d", b)
		}
	})
}

func TestStopBoundsAHangingExport(t *testing.T) {
	inBubble(t, &fakeExporter{hang: true}, io.Discard, func(st *fakeStore, s *shipper, stop func()) {
		st.write(1, true)
		s.notify()
		time.Sleep(time.Second)
		begun := time.Now()
		stop()
		if took := time.Since(begun); took != flushTimeout {
			t.Errorf("took %v to stop, want %v", took, flushTimeout)
		}
		if _, saves := st.kept(); saves > 0 {
			t.Error("the cursor moved though nothing was exported")
		}
	})
}

func TestExportInFlightMayEnd(t *testing.T) {
	e := &slowExporter{takes: flushTimeout / 2}
	inBubble(t, e, io.Discard, func(st *fakeStore, s *shipper, stop func()) {
		st.write(1, true)
		s.notify()
		time.Sleep(gather + 1) // it has begun
		stop()
		if pos, _ := st.kept(); pos != 1 || e.calls != 1 {
			t.Errorf("cursor %d after %d exports", pos, e.calls)
		}
	})
}

type slowExporter struct {
	fakeExporter
	takes time.Duration
	calls int
}

func (e *slowExporter) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	e.calls++
	pause(ctx, e.takes)
	return ctx.Err()
}

func TestFullStoreDoesNotFloodTheCollector(t *testing.T) {
	e := new(fakeExporter)
	inBubble(t, e, io.Discard, func(st *fakeStore, s *shipper, _ func()) {
		st.write(1, true)
		st.refuse(5)
		s.notify()
		time.Sleep(10 * time.Second)
		if err := s.status().Err; !errors.Is(err, store.ErrFull) {
			t.Errorf("status says %v", err)
		}
		time.Sleep(time.Hour)
		if calls, _ := e.reset(); len(calls) != 1 {
			t.Errorf("exported %d times", len(calls))
		}
		if pos, _ := st.kept(); pos != 1 || s.status().Err != nil {
			t.Errorf("cursor %d, %v", pos, s.status().Err)
		}
	})
}
