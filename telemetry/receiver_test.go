package telemetry

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	logspb "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracespb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP collector that decodes and keeps what it is sent, and
// finds out whether an id ever came with two contents.
type receiver struct {
	tracespb.UnimplementedTraceServiceServer
	url string

	mu      sync.Mutex
	changed chan struct{}
	spans   map[spanKey]received
	order   []spanKey // of first arrival
	twice   int       // spans that came again
	sizes   []int     // spans of each request
	clashes []string
	metrics []*metricspb.ExportMetricsServiceRequest
	logs    []*logspb.ExportLogsServiceRequest
	// answer decides about a request of so many spans: a status other than 200
	// refuses it, a text alone is a partial success. Nil takes all.
	answer func(spans int) (status int, partial string)
}

type spanKey struct {
	trace [16]byte
	span  [8]byte
}

type received struct {
	*tracepb.Span
	resource map[string]string
	bytes    string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	return listenReceiver(t, "127.0.0.1:0")
}

func listenReceiver(t *testing.T, addr string) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{changed: make(chan struct{}), spans: map[spanKey]received{}}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: r}}
	srv.Start()
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// newGRPCReceiver serves traces by gRPC.
func newGRPCReceiver(t *testing.T) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{changed: make(chan struct{}), spans: map[spanKey]received{}, url: "http://" + l.Addr().String()}
	srv := grpc.NewServer()
	tracespb.RegisterTraceServiceServer(srv, r)
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(l) })
	t.Cleanup(func() { srv.Stop(); wg.Wait() })
	return r
}

// downURL is an endpoint where nobody listens, and its address.
func downURL(t *testing.T) (url, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	l.Close()
	return "http://" + addr, addr
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body := io.Reader(req.Body)
	if req.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(req.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = z
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return
	}
	resp := &tracespb.ExportTraceServiceResponse{}
	status := http.StatusOK
	switch req.URL.Path {
	case "/v1/traces":
		m := new(tracespb.ExportTraceServiceRequest)
		if err = proto.Unmarshal(b, m); err == nil {
			resp, status = r.take(m)
		}
	case "/v1/metrics":
		m := new(metricspb.ExportMetricsServiceRequest)
		if err = proto.Unmarshal(b, m); err == nil {
			r.update(func() { r.metrics = append(r.metrics, m) })
		}
	case "/v1/logs":
		m := new(logspb.ExportLogsServiceRequest)
		if err = proto.Unmarshal(b, m); err == nil {
			r.update(func() { r.logs = append(r.logs, m) })
		}
	default:
		status = http.StatusNotFound
	}
	if err != nil {
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(status)
	if b, err := proto.Marshal(resp); err == nil && status == http.StatusOK {
		w.Write(b)
	}
}

// Export implements the gRPC service.
func (r *receiver) Export(_ context.Context, m *tracespb.ExportTraceServiceRequest) (*tracespb.ExportTraceServiceResponse, error) {
	resp, status := r.take(m)
	if status != http.StatusOK {
		return nil, fmt.Errorf("status %d", status)
	}
	return resp, nil
}

func (r *receiver) update(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *receiver) take(m *tracespb.ExportTraceServiceRequest) (resp *tracespb.ExportTraceServiceResponse, status int) {
	resp, status = &tracespb.ExportTraceServiceResponse{}, http.StatusOK
	n := 0
	for _, rs := range m.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			n += len(ss.Spans)
		}
	}
	r.update(func() {
		r.sizes = append(r.sizes, n)
		if r.answer != nil {
			var partial string
			if status, partial = r.answer(n); status != http.StatusOK {
				return
			}
			if partial != "" {
				resp.PartialSuccess = &tracespb.ExportTracePartialSuccess{RejectedSpans: int64(n), ErrorMessage: partial}
				return
			}
		}
		for _, rs := range m.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					r.keep(rs, ss, s)
				}
			}
		}
	})
	return resp, status
}

func (r *receiver) keep(rs *tracepb.ResourceSpans, ss *tracepb.ScopeSpans, s *tracepb.Span) {
	one := &tracepb.ResourceSpans{Resource: rs.Resource, SchemaUrl: rs.SchemaUrl,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: ss.Scope, SchemaUrl: ss.SchemaUrl, Spans: []*tracepb.Span{s}}}}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(one)
	if err != nil {
		r.clashes = append(r.clashes, err.Error())
		return
	}
	key := spanKey{[16]byte(s.TraceId), [8]byte(s.SpanId)}
	old, again := r.spans[key]
	if !again {
		r.spans[key] = received{Span: s, resource: attrs(rs.Resource.Attributes), bytes: string(b)}
		r.order = append(r.order, key)
		return
	}
	r.twice++
	if old.bytes != string(b) {
		r.clashes = append(r.clashes, fmt.Sprintf("span %x came with two contents:\n%v\n%v", s.SpanId, old.Span, s))
	}
}

// wait returns when the receiver has what is asked for.
func (r *receiver) wait(t *testing.T, what string, enough func() bool) {
	t.Helper()
	timeout := time.After(60 * time.Second)
	for {
		r.mu.Lock()
		ok, changed := enough(), r.changed
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("waited in vain for %s: %d spans came", what, len(r.spans))
		}
	}
}

func (r *receiver) waitSpans(t *testing.T, n int) {
	t.Helper()
	r.wait(t, fmt.Sprintf("%d spans", n), func() bool { return len(r.spans) >= n })
}

// checkClashes fails the test when an id came with two contents.
func (r *receiver) checkClashes(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.clashes {
		t.Error(c)
	}
}

func (r *receiver) setAnswer(fn func(int) (int, string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

func attrs(kvs []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range kvs {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			m[kv.Key] = fmt.Sprint(v.IntValue)
		default:
			m[kv.Key] = fmt.Sprint(kv.Value)
		}
	}
	return m
}
