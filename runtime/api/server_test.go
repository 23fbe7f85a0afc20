package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
	"github.com/stepwell/stepwell/store/sqlite"
)

// server is the API on a real engine and a real database.
type server struct {
	url  string
	rt   *runtime.Runtime
	gate chan struct{} // closed: runs of "gated" may end
	log  *syncBuffer
	stop func() // drains the engine
	// contract is what the server says of itself, and is held to.
	contract *contract
	handler  http.Handler
	host     string // under which it is asked by send; default localhost
	logger   *slog.Logger
	test     testing.TB
	// close ends everything.
	close func()
}

type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

func newServer(t testing.TB, cfg api.Config, rcfg runtime.Config) *server {
	t.Helper()
	return newServerOn(t, filepath.Join(t.TempDir(), "test.db"), cfg, rcfg)
}

// newServerOn serves a database. It can be stopped, and another started on the
// same one.
func newServerOn(t testing.TB, path string, cfg api.Config, rcfg runtime.Config) *server {
	t.Helper()
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{gate: make(chan struct{}), log: &syncBuffer{}, test: t}
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.logger = cfg.Logger
	rcfg.Logger, rcfg.Version = cfg.Logger, "v-test"
	rcfg.Drain = -1 // runs left over are nobody's concern
	s.rt, err = runtime.New(st, rcfg, s.definitions()...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.rt.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run the engine: %v", err)
		}
	})
	s.handler = api.New(s.rt, cfg)
	hs := httptest.NewServer(s.handler)
	s.url = hs.URL
	s.close = sync.OnceFunc(func() {
		hs.Close()
		s.stop()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.close)
	eventually(t, "the engine is ready", s.rt.Ready)
	description, err := s.request(t.Context(), "GET", "/v1/openapi.json", nil)
	if err == nil {
		s.contract, err = contractOf(description.body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) definitions() []runtime.Definition {
	echo := runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil })
	return []runtime.Definition{
		echo,
		runtime.Cron("yearly", "0 3 1 1 *", echo, runtime.InZone("Europe/Berlin"), runtime.Overlap(runtime.OverlapSkip),
			runtime.Missed(runtime.MissedAll, 48*time.Hour), runtime.Jitter(time.Minute)),
		runtime.Define("order", func(ctx context.Context, o order) (int, error) {
			return runtime.Step(ctx, "count", func(context.Context) (int, error) { return o.Count, nil })
		}),
		runtime.Define("broken", func(ctx context.Context, _ any) (any, error) {
			return runtime.Step(ctx, "break", func(context.Context) (any, error) { return nil, errors.New("it broke") },
				runtime.Retry{Max: 2, Initial: time.Millisecond})
		}),
		runtime.Define("gated", func(ctx context.Context, _ any) (string, error) {
			return runtime.Step(ctx, "wait", func(ctx context.Context) (string, error) {
				select {
				case <-s.gate:
					return "through", nil
				case <-ctx.Done():
					return "", context.Cause(ctx)
				}
			})
		}),
		runtime.Define("sleeper", func(ctx context.Context, _ any) (any, error) {
			return nil, runtime.Sleep(ctx, time.Hour)
		}),
		runtime.Define("again", again),
		runtime.Define("lost", func(ctx context.Context, _ any) (any, error) {
			return runtime.Define("nowhere", func(context.Context, any) (any, error) { return nil, nil }).Call(ctx, nil) // it gets stuck
		}),
		runtime.Define("counter", count),
		runtime.Define("listener", listen),
		runtime.Define("tangled", tangled),
		runtime.Define("teller", tell),
		runtime.NewQueue("one", runtime.QueueConfig{Concurrency: 1}),
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string

	request *http.Request
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	return m
}

func (a answer) get(t testing.TB, field string) string {
	t.Helper()
	s, _ := a.json(t)[field].(string)
	return s
}

// do makes a request; headers are name and value in turn.
func (s *server) do(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	a, err := s.try(t.Context(), method, path, strings.NewReader(body), headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is do for other goroutines than the test's. Request and answer are held to the contract.
func (s *server) try(ctx context.Context, method, path string, body io.Reader, headers ...string) (answer, error) {
	sent := &syncBuffer{} // the answer may come before all is sent
	if body != nil {
		body = io.TeeReader(body, sent)
	}
	a, err := s.request(ctx, method, path, body, headers...)
	if err == nil && a.request != nil {
		if err := s.contract.check(a.request, sent.String(), a); err != nil {
			s.test.Error(err)
		}
	}
	return a, err
}

func (s *server) request(ctx context.Context, method, path string, body io.Reader, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b), req}, err
}

// begun starts a run and returns its id.
func (s *server) begun(t testing.TB, workflow, query, body string) string {
	t.Helper()
	a := s.do(t, "POST", "/v1/workflows/"+workflow+"/runs"+query, body)
	if a.status != http.StatusAccepted && a.status != http.StatusOK {
		t.Fatalf("start %s: %d %s", workflow, a.status, a.body)
	}
	return a.get(t, "id")
}

func (s *server) status(t *testing.T, id string) string {
	t.Helper()
	return s.do(t, "GET", "/v1/runs/"+id, "").get(t, "status")
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about within 10 s that %s", what)
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
