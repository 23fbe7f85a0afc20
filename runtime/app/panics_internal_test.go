package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestPanicsOfHandlers are in the log with their place, and without what may be
// a payload; the client gets no answer, and the next one does.
func TestPanicsOfHandlers(t *testing.T) {
	var log, own lockedBuffer
	mux := http.NewServeMux()
	for path, v := range map[string]any{"/text": "PAYLOAD", "/error": errors.New("PAYLOAD"), "/gone": http.ErrAbortHandler} {
		mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) { panic(v) })
	}
	mux.HandleFunc("/index", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(r.Method[len(r.URL.Path)*9:])) })
	mux.HandleFunc("/fine", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewUnstartedServer(caught(mux, slog.New(slog.NewTextHandler(&log, nil))))
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(&own, nil), slog.LevelInfo)
	server.Start()
	for path, want := range map[string]string{"/text": "panic=string", "/error": "panic=*errors.errorString", "/index": "out of range", "/gone": ""} {
		log.take()
		if resp, err := server.Client().Post(server.URL+path, "", strings.NewReader("x")); err == nil {
			t.Errorf("%s: answered with %d", path, resp.StatusCode)
		}
		if resp, err := server.Client().Get(server.URL + "/fine"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("after %s: %v", path, err)
		}
		got := log.take()
		if !strings.Contains(got, want) || (got == "") != (want == "") || want != "" && (!strings.Contains(got, "level=ERROR") || !strings.Contains(got, "panics_internal_test.go")) || strings.Contains(got, "PAYLOAD") {
			t.Errorf("%s: the log says %q, want %q", path, got, want)
		}
	}
	server.Close()
	if said := own.take(); said != "" {
		t.Errorf("net/http says %q", said)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what was written since it was last called.
func (b *lockedBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}
