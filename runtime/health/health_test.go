package health

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// quick makes a monitor that samples often and loses patience soon. What tune
// changes has to be changed before it runs.
func quick(t *testing.T, tune ...func(*Monitor)) *Monitor {
	m := New(Config{
		Logger: slog.New(slog.DiscardHandler), Every: 2 * time.Millisecond, Version: "v-test",
		Limits: Limits{
			WriteSlow: 20 * time.Millisecond, WriteStuck: 50 * time.Millisecond, WriteDead: 150 * time.Millisecond,
			APIDead: 100 * time.Millisecond, SchedLatency: time.Hour, DiskFree: 1, SampleOld: time.Minute,
		},
	})
	m.asker.every, m.canary.idle = 5*time.Millisecond, 5*time.Millisecond
	for _, fn := range tune {
		fn(m)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return m
}

// ask returns status and body of one of the monitor's paths.
func ask(m *Monitor, path string) (int, string) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// becomes waits until path answers the status, with the text in its body.
func becomes(t *testing.T, m *Monitor, path string, status int, text string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		code, body := ask(m, path)
		if code == status && strings.Contains(body, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s answers %d %s, want %d with %q", path, code, body, status, text)
		}
	}
}

// gatedStore is a real store whose writer can be made to stand still: in the
// middle of a commit's news, as a blocked disk would leave it.
type gatedStore struct {
	*sqlite.Store
	mu sync.Mutex // held: the writer stands still
}

func (s *gatedStore) Subscribe(fn func([]store.Event)) {
	s.Store.Subscribe(func(ev []store.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fn(ev)
	})
}

var noop = runtime.Define("noop", func(context.Context, int) (int, error) { return 0, nil })

// engine runs a real engine on a real database.
func engine(t *testing.T) (*runtime.Runtime, *gatedStore) {
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	gated := &gatedStore{Store: st}
	rt, err := runtime.New(gated, runtime.Config{Logger: slog.New(slog.DiscardHandler)}, noop)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rt.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, st.Close()); err != nil {
			t.Error(err)
		}
	})
	return rt, gated
}

func TestStoppedWriter(t *testing.T) {
	rt, st := engine(t)
	m := quick(t)
	m.Watch(rt)
	m.started.Store(true)
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)

	st.mu.Lock()
	stopped := true
	defer func() {
		if stopped {
			st.mu.Unlock()
		}
	}()
	started := make(chan error, 1)
	go func() {
		_, _, err := rt.Start(context.Background(), "noop", nil)
		started <- err
	}()
	becomes(t, m, "/health", http.StatusOK, `"status":"degraded","reasons":["a write has waited`)
	becomes(t, m, "/health", http.StatusServiceUnavailable, "a write has waited")
	becomes(t, m, "/readyz", http.StatusServiceUnavailable, "a write has waited")
	becomes(t, m, "/livez", http.StatusServiceUnavailable, "a write has waited")

	st.mu.Unlock()
	stopped = false
	if err := <-started; err != nil {
		t.Error(err)
	}
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	becomes(t, m, "/livez", http.StatusOK, "true")
	becomes(t, m, "/readyz", http.StatusOK, "true")
}

// TestDeadListener closes the API's port, lets it hang, and lets it answer
// nonsense.
func TestDeadListener(t *testing.T) {
	rt, _ := engine(t)
	m := quick(t)
	m.Watch(rt)
	ping := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	api := httptest.NewServer(ping)
	addr := api.Listener.Addr().String()
	m.Serving(addr)
	becomes(t, m, "/health", http.StatusOK, `"api":{"ok":true`)

	api.Close()
	becomes(t, m, "/health", http.StatusServiceUnavailable, "the API listener on "+addr+" has not answered")
	becomes(t, m, "/livez", http.StatusServiceUnavailable, "connection refused")

	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	back := httptest.NewUnstartedServer(ping)
	back.Listener.Close()
	back.Listener = l
	back.Start()
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	becomes(t, m, "/livez", http.StatusOK, "true")
	back.Close()

	wrong := httptest.NewServer(http.NotFoundHandler())
	defer wrong.Close()
	m.Serving(wrong.Listener.Addr().String())
	becomes(t, m, "/health", http.StatusServiceUnavailable, "404 Not Found")

	// That the listener closes at a stop is no failure.
	m.Draining()
	becomes(t, m, "/health", http.StatusOK, `"status":"degraded","reasons":["the process is draining"]`)
	becomes(t, m, "/livez", http.StatusOK, "true")
}

// TestHangingListener: a listener that takes connections and does not answer
// is dead, too.
func TestHangingListener(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for two requests to time out")
	}
	rt, _ := engine(t)
	m := quick(t)
	m.Watch(rt)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nobody accepts
	m.Serving(l.Addr().String())
	becomes(t, m, "/health", http.StatusServiceUnavailable, "no answer in time")
}

// fake is a source that says what it is told to.
type fake struct {
	mu     sync.Mutex
	health runtime.Health
	probe  func(context.Context) error
	probes int
}

func (f *fake) Health() runtime.Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.health
}

func (f *fake) Probe(ctx context.Context) error {
	f.mu.Lock()
	probe := f.probe
	f.probes++
	f.mu.Unlock()
	return probe(ctx)
}

func (f *fake) set(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

func wellFake() *fake {
	f := &fake{probe: func(context.Context) error { return nil }}
	f.health.Phase = "ready"
	f.health.Store.FreeBytes = 1 << 40
	f.health.Store.LastCommit = time.Now()
	return f
}

// TestFullDisk: no restart for a full disk, and the writes that show it is
// over come from here when nobody else writes.
func TestFullDisk(t *testing.T) {
	f, m := wellFake(), quick(t)
	m.Watch(f)
	m.started.Store(true)
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	f.set(func() {
		f.health.Store.Err = store.ErrFull
		f.probe = func(context.Context) error { return store.ErrFull }
	})
	becomes(t, m, "/health", http.StatusServiceUnavailable, "the store cannot write: store has no room")
	becomes(t, m, "/readyz", http.StatusServiceUnavailable, "no room")
	becomes(t, m, "/livez", http.StatusOK, "true")
	f.set(func() {
		f.probe = func(context.Context) error {
			f.set(func() { f.health.Store.Err = nil }) // a commit that succeeds clears the fault
			return nil
		}
	})
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
}

// TestCanary: while nothing is written a write of our own shows whether it
// could be; one that hangs does not hold up the samples.
func TestCanary(t *testing.T) {
	f, m := wellFake(), quick(t)
	release := make(chan struct{})
	f.probe = func(ctx context.Context) error {
		select {
		case <-release:
			return errors.New("it does not go")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	m.Watch(f)
	m.started.Store(true)
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	close(release)
	becomes(t, m, "/health", http.StatusServiceUnavailable, "a test write failed: it does not go")
	f.set(func() { f.probe = func(context.Context) error { return nil } })
	becomes(t, m, "/health", http.StatusOK, `"canary":{"ok":true`)
}

// TestIdleIsIdle: no test writes while others write, and few while none do.
func TestIdleIsIdle(t *testing.T) {
	f, m := wellFake(), quick(t, func(m *Monitor) { m.canary.idle = time.Hour })
	m.Watch(f)
	m.started.Store(true)
	for range 20 {
		m.sampleNow()
		becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	}
	var probes int
	if f.set(func() { probes = f.probes }); probes != 0 {
		t.Errorf("%d test writes, a moment after a commit", probes)
	}
}

func TestPhases(t *testing.T) {
	m := quick(t)
	expect := func(health, live, ready, startup int, text string) {
		t.Helper()
		becomes(t, m, "/health", health, text)
		becomes(t, m, "/livez", live, "")
		becomes(t, m, "/readyz", ready, "")
		becomes(t, m, "/startupz", startup, "")
	}
	const yes, no = http.StatusOK, http.StatusServiceUnavailable
	expect(yes, yes, no, no, `"reasons":["the process is starting"]`)
	f := wellFake()
	f.health.Phase = "recovering"
	m.Watch(f)
	expect(yes, yes, no, no, `"reasons":["the process is recovering"]`)
	f.set(func() { f.health.Phase = "ready" })
	expect(yes, yes, no, no, `"reasons":["the process is starting"]`)
	m.started.Store(true)
	expect(yes, yes, yes, yes, `"status":"ok"`)
	f.set(func() { f.health.Err = errors.New("lost") })
	expect(no, no, no, yes, "the engine has failed: lost")
	f.set(func() { f.health.Err = nil; f.health.Phase = "over" })
	expect(no, no, no, yes, "the engine has ended")
	m.Draining()
	expect(yes, yes, no, yes, "the process is draining")
}

// TestFindings judges each number at its limit and beyond.
func TestFindings(t *testing.T) {
	now := time.Now()
	l := Limits{}.withDefaults()
	for _, c := range []struct {
		name    string
		spoil   func(*sample)
		later   time.Duration
		want    status
		restart bool
		reason  string
	}{
		{"well", func(*sample) {}, 0, ok, false, ""},
		{"sample old", func(*sample) {}, 11 * time.Second, failing, false, "the numbers are 11s old"},
		{"sample dead", func(*sample) {}, 31 * time.Second, failing, true, "the numbers are 31s old"},
		{"store fails", func(s *sample) { s.run.Store.Err = store.ErrFull }, 0, failing, false, "cannot write"},
		{"store fails for good", func(s *sample) { s.run.Store.Err, s.run.Store.Fatal = store.ErrUnknownOutcome, true }, 0, failing, true, "cannot write"},
		{"write slow", func(s *sample) { s.run.Store.OldestWrite = now.Add(-2 * time.Second) }, 0, degraded, false, "waited 2s"},
		{"write stuck", func(s *sample) { s.run.Store.OldestWrite = now.Add(-6 * time.Second) }, 0, failing, false, "waited 6s"},
		{"writer dead", func(s *sample) { s.run.Store.OldestWrite = now.Add(-31 * time.Second) }, 0, failing, true, "waited 31s"},
		{"write waited only while nobody looked", func(s *sample) { s.run.Store.OldestWrite = now }, 9 * time.Second, ok, false, ""},
		{"many writes", func(s *sample) { s.run.Store.Pending = 1<<14 + 1 }, 0, degraded, false, "16385 writes wait"},
		{"disk", func(s *sample) { s.run.Store.FreeBytes = 100 << 20 }, 0, degraded, false, "100 MiB are left"},
		{"disk unknown", func(s *sample) { s.run.Store.FreeBytes = -1 }, 0, ok, false, ""},
		{"log", func(s *sample) { s.run.Store.LogBytes = 300 << 20 }, 0, degraded, false, "300 MiB"},
		{"one lost ask", func(s *sample) { s.api = result{err: errNoAnswer, fails: 1, since: now} }, 0, ok, false, ""},
		{"two lost asks", func(s *sample) { s.api = result{err: errNoAnswer, fails: 2, since: now.Add(-5 * time.Second)} }, 0, failing, false, "has not answered for 5s"},
		{"listener dead", func(s *sample) { s.api = result{err: errNoAnswer, fails: 9, since: now.Add(-21 * time.Second)} }, 0, failing, true, "has not answered for 21s"},
		{"processors", func(s *sample) { s.sched = time.Second }, 0, degraded, false, "wait 1s for a processor"},
		{"hungry a moment", func(s *sample) { s.hungry = now.Add(-time.Second) }, 0, ok, false, ""},
		{"hungry", func(s *sample) { s.hungry = now.Add(-2 * time.Minute) }, 0, degraded, false, "room in memory"},
		{"collector away a moment", func(s *sample) { s.traces = Traces{Backlog: 1, Err: errNoAnswer, LastSuccess: now.Add(-time.Minute)} }, 0, ok, false, ""},
		{"collector away", func(s *sample) { s.traces = Traces{Backlog: 9, Err: errNoAnswer, LastSuccess: now.Add(-time.Hour)} }, 0, degraded, false, "9 records wait"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sample{at: now, phase: "ready", run: wellFake().health}
			c.spoil(s)
			got, reasons := s.verdict(now.Add(c.later), &l)
			if got != c.want || !strings.Contains(strings.Join(reasons, "; "), c.reason) || (len(reasons) == 0) != (c.want == ok) {
				t.Errorf("%v %q, want %v %q", got, reasons, c.want, c.reason)
			}
			restart := false
			for _, f := range s.findings(now.Add(c.later), &l) {
				restart = restart || f.mendable
			}
			if restart != c.restart {
				t.Errorf("a restart is called for: %v, want %v", restart, c.restart)
			}
		})
	}
}

// TestAnswer holds /health to what the contract names.
func TestAnswer(t *testing.T) {
	f, m := wellFake(), quick(t)
	f.health.NextDue = time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	f.health.Store.Runs[store.Succeeded] = 12
	m.Watch(f)
	m.started.Store(true)
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	_, body := ask(m, "/health")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if mb, _ := got["memory_mb"].(float64); mb < 5 || mb > 2000 {
		t.Errorf("memory_mb is %v", got["memory_mb"])
	}
	if up, ok := got["uptime_s"].(float64); !ok || up > 60 {
		t.Errorf("uptime_s is %v", got["uptime_s"])
	}
	if got["next_wake_at"] != "2030-01-02T03:04:05.000006Z" {
		t.Errorf("next_wake_at is %v", got["next_wake_at"])
	}
	runs, _ := got["runs"].(map[string]any)
	if runs["succeeded"] != 12.0 || runs["stuck"] != 0.0 || len(runs) != 8 {
		t.Errorf("runs is %v", got["runs"])
	}
	if _, ok := got["store"].(map[string]any); !ok {
		t.Errorf("store is %v", got["store"])
	}
	if _, ok := got["reasons"]; ok {
		t.Errorf("reasons are given for nothing: %v", got["reasons"])
	}
}

func TestMetrics(t *testing.T) {
	f, m := wellFake(), quick(t)
	f.health.Store.Runs[store.Running] = 3
	f.health.Store.Commits = 7
	m.Watch(f)
	m.started.Store(true)
	for _, want := range []string{
		`stepwell_runs{status="running"} 3`, "stepwell_store_commits_total 7", `stepwell_health_status{status="ok"} 1`,
		`stepwell_info{version="v-test"} 1`, "stepwell_ready 1", "go_goroutines ", "process_resident_memory_bytes ",
	} {
		becomes(t, m, "/metrics", http.StatusOK, want)
	}
}

// TestNobodyWaits: the handlers answer while a part of the process holds
// everything up, and say so once the numbers are old.
func TestNobodyWaits(t *testing.T) {
	f := wellFake()
	m := quick(t, func(m *Monitor) {
		m.cfg.Limits.SampleOld, m.cfg.Limits.SampleDead = 30*time.Millisecond, 90*time.Millisecond
	})
	m.Watch(f)
	m.started.Store(true)
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
	f.mu.Lock() // the source does not answer any more
	becomes(t, m, "/health", http.StatusServiceUnavailable, "the numbers are")
	becomes(t, m, "/livez", http.StatusServiceUnavailable, "the numbers are")
	f.mu.Unlock()
	becomes(t, m, "/health", http.StatusOK, `"status":"ok"`)
}

func TestP99(t *testing.T) {
	buckets := []float64{math.Inf(-1), 0, 0.001, 0.1, math.Inf(1)}
	for _, c := range []struct {
		before, counts []uint64
		want           time.Duration
	}{
		{[]uint64{0, 0, 0, 0}, []uint64{0, 99, 1, 0}, 0},
		{[]uint64{0, 0, 0, 0}, []uint64{0, 98, 2, 0}, time.Millisecond},
		{[]uint64{0, 0, 0, 0}, []uint64{0, 980, 10, 10}, time.Millisecond},
		{[]uint64{0, 0, 0, 0}, []uint64{0, 980, 9, 11}, 100 * time.Millisecond},
		{[]uint64{0, 0, 0, 11}, []uint64{0, 989, 11, 11}, time.Millisecond},
		{[]uint64{0, 0, 0, 0}, []uint64{0, 0, 0, 99}, 0},
	} {
		if got := p99(c.before, c.counts, buckets); got != c.want {
			t.Errorf("p99 from %v to %v is %v, want %v", c.before, c.counts, got, c.want)
		}
	}
	// The runtime has the metric, in the form that is read.
	var l schedLatency
	l.read()
	if len(l.before) == 0 {
		t.Error("the runtime tells no scheduler latency")
	}
}
