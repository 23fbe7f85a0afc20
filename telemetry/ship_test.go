package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// shipping runs Ship until the function it returns is called.
func shipping(t *testing.T, tel *Telemetry, st store.Store) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tel.Ship(ctx, st) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { stop() })
	return stop
}

func mustStop(t *testing.T, stop func() error) {
	t.Helper()
	if err := stop(); err != nil {
		t.Fatalf("ship: %v", err)
	}
}

func TestShipsEveryCommittedAttempt(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *receiver{"http": newReceiver, "grpc": newGRPCReceiver} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			protocol := map[string]string{"http": "http/protobuf", "grpc": "grpc"}[name]
			tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+map[string]string{"http": "/v1/traces"}[name],
				"EXPORTER_OTLP_PROTOCOL="+protocol, "EXPORTER_OTLP_COMPRESSION=gzip")
			st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
			stop := shipping(t, tel, st)
			writeRuns(t, st, "early", 10, true)
			writeRuns(t, st, "dark", 10, false)
			tel.Notify()
			r.waitSpans(t, 10*spansOfRun)
			writeRuns(t, st, "late", 10, true)
			mustStop(t, stop) // the last flush, without Notify
			checkSpans(t, r, expected(t, st))
			if s := tel.Status(); s.Backlog != 0 || s.Shipped != 20*spansOfRun || s.Err != nil || s.LastSuccess.IsZero() {
				t.Errorf("status %+v", s)
			}
			if r.twice != 0 {
				t.Errorf("%d spans came twice", r.twice)
			}
			for key, s := range r.spans {
				if s.resource["service.name"] != "stepwell" || s.resource["process.pid"] != "" {
					t.Fatalf("span %x has resource %v", key.span, s.resource)
				}
			}
		})
	}
}

func TestContinuesTheCallersTrace(t *testing.T) {
	r := newReceiver(t)
	tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+"/v1/traces")
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	n := newRun("called", true)
	n.Trace.ParentSpan = [8]byte{1, 2, 3}
	if err := writeRun(t.Context(), st, n); err != nil {
		t.Fatal(err)
	}
	mustStop(t, shipping(t, tel, st))
	checkSpans(t, r, expected(t, st))
	root := r.spans[spanKey{n.Trace.TraceID, store.RunSpanID(n.Trace, n.ID)}]
	const remote = 0x100 | 0x200 // the flags of a parent known to be remote
	if root.Span == nil || [8]byte(root.ParentSpanId) != n.Trace.ParentSpan || root.Flags&remote != remote {
		t.Errorf("root %v", root.Span)
	}
}

func TestGoesOnFromTheCursor(t *testing.T) {
	r := newReceiver(t)
	path := filepath.Join(t.TempDir(), "s.db")
	endpoint := "EXPORTER_OTLP_TRACES_ENDPOINT=" + r.url + "/v1/traces"

	st := openStore(t, path)
	writeRuns(t, st, "before", 3, true) // before anything shipped
	mustStop(t, shipping(t, start(t, Config{}, endpoint), st))
	writeRuns(t, st, "between", 3, true) // while nobody ships
	st.Close()
	if len(r.spans) != 3*spansOfRun {
		t.Fatalf("%d spans", len(r.spans))
	}

	st = openStore(t, path)
	mustStop(t, shipping(t, start(t, Config{}, endpoint), st))
	checkSpans(t, r, expected(t, st))
	if r.twice != 0 {
		t.Errorf("%d spans came twice", r.twice)
	}
}

// heldStore is a store whose process is killed before the cursor moves.
type heldStore struct {
	store.Store
	reached chan struct{}
	once    sync.Once
}

func (s *heldStore) SetCursor(ctx context.Context, _ string, _ int64) error {
	s.once.Do(func() { close(s.reached) })
	<-ctx.Done()
	return ctx.Err()
}

func TestKilledBetweenExportAndCursor(t *testing.T) {
	r := newReceiver(t)
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	writeRuns(t, st, "run", 20, true)
	endpoint := "EXPORTER_OTLP_TRACES_ENDPOINT=" + r.url + "/v1/traces"

	held := &heldStore{Store: st, reached: make(chan struct{})}
	stop := shipping(t, start(t, Config{Executor: "first"}, endpoint), held)
	<-held.reached
	if _, found, err := st.Cursor(t.Context(), cursorName); found || err != nil {
		t.Fatalf("cursor moved: %v %v", found, err)
	}
	mustStop(t, stop)

	mustStop(t, shipping(t, start(t, Config{Executor: "second"}, endpoint), st))
	checkSpans(t, r, expected(t, st))
	if r.twice != 20*spansOfRun {
		t.Errorf("%d spans came twice, want all %d", r.twice, 20*spansOfRun)
	}
	if pos, _, _ := st.Cursor(t.Context(), cursorName); pos != st.Position() {
		t.Errorf("cursor %d, store is at %d", pos, st.Position())
	}
}

func TestCollectorComesBack(t *testing.T) {
	url, addr := downURL(t)
	complaint := make(complaints, 1)
	tel := start(t, Config{Log: slog.New(complaint)}, "EXPORTER_OTLP_TRACES_ENDPOINT="+url+"/v1/traces")
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	stop := shipping(t, tel, st)
	writeRuns(t, st, "run", 1000, true)
	tel.Notify()
	<-complaint
	s := tel.Status()
	if pos, found, err := st.Cursor(t.Context(), cursorName); found || err != nil {
		t.Errorf("cursor is at %d, %v, though nothing was exported", pos, err)
	}
	if s.Err == nil || s.Shipped != 0 || s.Backlog == 0 || !s.LastSuccess.IsZero() {
		t.Errorf("status %+v", s)
	}
	r := listenReceiver(t, addr)
	r.waitSpans(t, 1000*spansOfRun)
	mustStop(t, stop)
	checkSpans(t, r, expected(t, st))
	if s := tel.Status(); s.Err != nil || s.Backlog != 0 {
		t.Errorf("status %+v", s)
	}
}

// complaints is a log that tells when it is written to.
type complaints chan string

func (c complaints) Enabled(context.Context, slog.Level) bool { return true }
func (c complaints) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c complaints) WithGroup(string) slog.Handler            { return c }
func (c complaints) Handle(_ context.Context, r slog.Record) error {
	select {
	case c <- r.Message:
	default:
	}
	return nil
}

// TestPageTooLarge: a collector that refuses large requests still gets all.
func TestPageTooLarge(t *testing.T) {
	r := newReceiver(t)
	r.setAnswer(func(n int) (int, string) {
		if n > 300 {
			return http.StatusRequestEntityTooLarge, ""
		}
		return http.StatusOK, ""
	})
	tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+"/v1/traces")
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	writeRuns(t, st, "run", 100, true)
	stop := shipping(t, tel, st)
	r.waitSpans(t, 100*spansOfRun)
	mustStop(t, stop)
	checkSpans(t, r, expected(t, st))
}

func TestPartialSuccessIsNotSentAgain(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *receiver{"http/protobuf": newReceiver, "grpc": newGRPCReceiver} {
		r := open(t)
		r.setAnswer(func(int) (int, string) { return http.StatusOK, "no thanks" })
		tel := start(t, Config{}, "EXPORTER_OTLP_ENDPOINT="+r.url, "EXPORTER_OTLP_PROTOCOL="+name)
		st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
		writeRuns(t, st, "run", 3, true)
		mustStop(t, shipping(t, tel, st))
		if s := tel.Status(); s.Err != nil || s.Backlog != 0 || len(r.sizes) != 1 {
			t.Errorf("%s: status %+v after %d requests", name, s, len(r.sizes))
		}
	}
}

// TestShipsWhileRunsAreWritten: pages are read while commits go on, and none
// may slip through between two of them.
func TestShipsWhileRunsAreWritten(t *testing.T) {
	r := newReceiver(t)
	tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+"/v1/traces")
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	stop := shipping(t, tel, st)
	for i := range 10 {
		writeRuns(t, st, fmt.Sprint("round", i), 100, true)
		tel.Notify()
	}
	mustStop(t, stop)
	checkSpans(t, r, expected(t, st))
}

func TestClosedStoreEndsShipping(t *testing.T) {
	r := newReceiver(t)
	tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+r.url+"/v1/traces")
	st := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	st.Close()
	if err := tel.Ship(t.Context(), st); !errors.Is(err, store.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}
