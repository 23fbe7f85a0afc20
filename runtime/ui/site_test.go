package ui_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store/sqlite"
)

// hostile is what somebody might put into anything that is shown.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)>` + "\u202e{{.}}"

// site is the web UI on a real engine and a real database.
type site struct {
	t    testing.TB
	rt   *runtime.Runtime
	ui   *ui.UI
	url  string
	gate chan struct{} // closed: runs of "gated" may end
	log  *lockedBuffer
	c    *http.Client // follows no redirect
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

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newSite(t testing.TB, cfg ui.Config, more ...runtime.Definition) *site {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, gate: make(chan struct{}), log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.rt, err = runtime.New(st, runtime.Config{Logger: log, Version: "v-test", Drain: -1}, append(s.definitions(), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.rt.Run(ctx) }()
	cfg.Logger = log
	s.ui = ui.New(s.rt, cfg)
	hs := httptest.NewServer(s.ui)
	s.url = hs.URL
	s.c = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: time.Minute}
	t.Cleanup(func() {
		hs.CloseClientConnections()
		hs.Close()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run the engine: %v", err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(s.log.String(), "does not render") {
			t.Errorf("a page did not render:\n%s", s.log)
		}
	})
	select {
	case <-s.rt.Recovered():
	case err := <-done:
		done <- err
		t.Fatalf("the engine ended: %v", err)
	}
	return s
}

func (s *site) definitions() []runtime.Definition {
	return []runtime.Definition{
		runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil }),
		runtime.Define("gated", func(ctx context.Context, in any) (any, error) {
			return runtime.Step(ctx, "gate", func(ctx context.Context) (any, error) {
				select {
				case <-s.gate:
					return in, nil
				case <-ctx.Done():
					return nil, context.Cause(ctx)
				}
			})
		}),
		runtime.Define("fail", func(_ context.Context, in string) (any, error) { return nil, &failure{in} }),
		runtime.Define("sleep", func(ctx context.Context, in any) (any, error) { return in, runtime.Sleep(ctx, time.Hour) }),
	}
}

type failure struct{ text string }

func (f *failure) Error() string { return f.text }

// start starts a run and returns it.
func (s *site) start(workflow, input string, opts ...runtime.StartOption) runtime.Run {
	s.t.Helper()
	run, _, err := s.rt.Start(s.t.Context(), workflow, []byte(input), opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

// ended starts a run and waits for its end.
func (s *site) ended(workflow, input string, opts ...runtime.StartOption) runtime.Run {
	s.t.Helper()
	run, err := s.rt.Wait(s.t.Context(), s.start(workflow, input, opts...).ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return run
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (s *site) get(path string, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, "", header...)
}

// post sends a form.
func (s *site) post(path string, form url.Values, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (s *site) do(method, path, body string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// page gets a page that must be there and well made, and returns it parsed.
func (s *site) page(path string, header ...string) *html.Node {
	s.t.Helper()
	a := s.get(path, header...)
	if a.code != http.StatusOK {
		s.t.Fatalf("%s: %d, want 200\n%s", path, a.code, a.body)
	}
	return s.check(path, a)
}

// check parses a page and reports what it must not have.
func (s *site) check(path string, a answer) *html.Node {
	s.t.Helper()
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	for _, p := range faults(doc) {
		s.t.Errorf("%s: %s", path, p)
	}
	return doc
}

func record(h http.Handler) answer {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return answer{w.Code, w.Header(), w.Body.String()}
}
