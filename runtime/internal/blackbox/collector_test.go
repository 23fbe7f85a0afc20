package blackbox

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector receives spans by OTLP over HTTP.
type collector struct {
	mu     sync.Mutex
	spans  map[string]*tracepb.Span // by trace and span id
	clash  []string                 // the same id with another content
	traces map[string][]*tracepb.Span
}

func (k *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, err := io.ReadAll(body)
	var req coltracepb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(b, &req)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				k.keep(s)
			}
		}
	}
}

func (k *collector) keep(s *tracepb.Span) {
	trace := hex.EncodeToString(s.TraceId)
	key := trace + hex.EncodeToString(s.SpanId)
	if old, ok := k.spans[key]; ok {
		if !proto.Equal(old, s) {
			k.clash = append(k.clash, fmt.Sprintf("%s %s: %v\nand %v", trace, s.Name, old, s))
		}
		return
	}
	k.spans[key] = s
	k.traces[trace] = append(k.traces[trace], s)
}

func (k *collector) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.spans)
}

// TestCollectorDownThenUp runs 1,000 runs while nobody takes their spans, kills
// the server amid them, and lets the collector come: every recorded step has
// its span, in one trace per run, under the run's own.
func TestCollectorDownThenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	w := newWorld(t)
	w.env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + addr, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none"}

	const runs = 1000
	c := w.start(t).ready()
	acked := &ids{}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range runs / 10 {
				var run runReply
				if err := c.call(context.Background(), "POST", "/v1/workflows/work/runs", input{Steps: 3, SleepMS: 20, Branches: 2}, &run); err != nil {
					t.Error(err)
					return
				}
				acked.add(run.ID)
			}
		})
	}
	wg.Wait()
	c.kill() // the last ones are under way

	c = w.start(t).ready()
	for _, id := range acked.all() {
		var run runReply
		eventually(t, 60*time.Second, "run "+id+" ends", func() bool {
			if err := c.call(t.Context(), "GET", "/v1/runs/"+id, nil, &run); err != nil {
				t.Fatal(err)
			}
			return run.Status == "succeeded"
		})
	}
	k := &collector{spans: map[string]*tracepb.Span{}, traces: map[string][]*tracepb.Span{}}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: k}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	// A run, an id, three steps and as many sleeps, two branches.
	const perRun = 1 + 1 + 3 + 3 + 2
	eventually(t, 90*time.Second, "all spans arrive", func() bool { return k.count() >= runs*perRun })
	if err := c.terminate(); err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.clash) > 0 {
		t.Errorf("%d spans came twice with different content, such as %s", len(k.clash), k.clash[0])
	}
	if len(k.traces) != runs {
		t.Errorf("%d traces, want one per run: %d", len(k.traces), runs)
	}
	for id, spans := range k.traces {
		checkTrace(t, id, spans, perRun)
	}
}

func checkTrace(t *testing.T, id string, spans []*tracepb.Span, want int) {
	t.Helper()
	root := slices.IndexFunc(spans, func(s *tracepb.Span) bool { return len(s.ParentSpanId) == 0 })
	if len(spans) != want || root < 0 {
		t.Errorf("trace %s has %d spans (want %d), root at %d", id, len(spans), want, root)
		return
	}
	if spans[root].Name != "work" {
		t.Errorf("trace %s: the root is %q", id, spans[root].Name)
	}
	for i, s := range spans {
		if i != root && !slices.Equal(s.ParentSpanId, spans[root].SpanId) {
			t.Errorf("trace %s: span %s has parent %x, want the run's %x", id, s.Name, s.ParentSpanId, spans[root].SpanId)
		}
	}
}
