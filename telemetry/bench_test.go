package telemetry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// BenchmarkPage is the work for one full page: read, make spans, send by HTTP
// to a server that throws them away, move the cursor.
func BenchmarkPage(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	defer srv.Close()
	tel := start(b, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+srv.URL)
	st := openStore(b, filepath.Join(b.TempDir(), "s.db"))
	writeRuns(b, st, "run", 1000, true)
	s := tel.shipper
	if err := s.begin(b.Context(), st); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.sent.Store(0)
		if _, err := s.page(b.Context(), st); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(pageSize, "spans/op")
}

func BenchmarkNotify(b *testing.B) {
	tel := start(b, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:9")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			tel.Notify()
		}
	})
}
