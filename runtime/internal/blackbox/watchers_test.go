package blackbox

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var (
	watchers = flag.Int("watchers", 40, "clients that watch, half the list and half a run each; and as many that wait for a result")
	watchFor = flag.Duration("watch-for", 2*time.Second, "how long each part of the test of watchers is measured")
)

// crunch takes the CPU and says so.
var crunch = runtime.Define("crunch", func(ctx context.Context, n int) (int, error) {
	for {
		if _, err := runtime.Step(ctx, "fibonacci", func(context.Context) (int, error) { return fibonacci(n), nil }, runtime.Compute()); err != nil {
			return 0, err
		}
	}
})

// follow reads a stream of events until ctx ends, and counts them.
func (c *child) follow(ctx context.Context, client *http.Client, path string, events *atomic.Int64, begun func()) error {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+c.addr+path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d", path, resp.StatusCode)
	}
	begun()
	lines := bufio.NewReaderSize(resp.Body, 4096)
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // the rest of a long one
		case err != nil:
			return err
		case strings.HasPrefix(string(line), "event: "):
			events.Add(1)
		}
	}
}

// measured is what a while was like from outside.
type measured struct {
	probes, missed int
	took           []time.Duration
	memoryMB       float64 // the most
	goroutines     string
}

func (m *measured) String() string {
	at := func(q float64) time.Duration {
		return m.took[min(int(q*float64(len(m.took))), len(m.took)-1)].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("%d of %d probes missed, p50 %v, p99 %v, max %v, %.1f MB at the most, %s goroutines",
		m.missed, m.probes, at(0.5), at(0.99), at(1), m.memoryMB, m.goroutines)
}

// measure probes health for a while, ten times a second, by connections of
// their own, as platforms do. Each probe has one second.
func (c *child) measure(t *testing.T, d time.Duration) *measured {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	m := &measured{}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		began := time.Now()
		m.probes++
		if err := callWith(t.Context(), client, "GET", "http://"+c.hold+"/health", nil, nil); err != nil {
			m.missed++
		}
		m.took = append(m.took, time.Since(began))
		m.memoryMB = max(m.memoryMB, c.memoryMB(t, "VmRSS"))
	}
	slices.Sort(m.took)
	m.goroutines = c.metric(t, "go_goroutines")
	return m
}

func (c *child) metric(t *testing.T, name string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+c.hold+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return v
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

// TestManyWatchers has many clients watch runs, and wait for results, while the
// server works and others take all the CPU there is; it says what that costs.
//
//	go test ./runtime/internal/blackbox -run ManyWatchers -v -watchers 1000 -watch-for 30s
func TestManyWatchers(t *testing.T) {
	c := newWorld(t).start(t).ready()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	idle := c.measure(t, *watchFor)
	var runs []string
	start := func(workflow string, in any) {
		var run struct{ ID string }
		if err := c.call(ctx, "POST", "/v1/workflows/"+workflow+"/runs", in, &run); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run.ID)
	}
	for range 20 {
		start("crunch", 32)
	}
	runs = nil
	for range 10 {
		start("work", input{Steps: 5000, SleepMS: 100})
	}
	before := c.measure(t, *watchFor)

	many := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	var events, steps atomic.Int64
	var wg, begun sync.WaitGroup
	for i := range *watchers {
		path, count := "/v1/runs:watch", &events
		if i%2 == 0 {
			path, count = "/v1/runs/"+runs[i/2%len(runs)]+"/watch", &steps
		}
		begun.Add(1)
		once := sync.OnceFunc(begun.Done)
		wg.Go(func() {
			if err := c.follow(ctx, many, path, count, once); err != nil && ctx.Err() == nil {
				t.Errorf("a watcher: %v", err)
			}
			once()
		})
	}
	begun.Wait()
	with := c.measure(t, *watchFor)
	cancel()
	wg.Wait()
	many.CloseIdleConnections()
	after := c.measure(t, *watchFor)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	for i := range *watchers {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := callWith(ctx, many, "GET", "http://"+c.addr+"/v1/runs/"+runs[i%len(runs)]+"?wait=60s", nil, nil); err != nil && ctx.Err() == nil {
					t.Errorf("one who waits: %v", err)
					return
				}
			}
		})
	}
	eventually(t, 30*time.Second, "all wait", func() bool {
		var n int
		_, err := fmt.Sscan(c.metric(t, "go_goroutines"), &n)
		return err == nil && n > *watchers
	})
	waiting := c.measure(t, *watchFor)
	cancel()
	wg.Wait()
	seconds := watchFor.Seconds()
	t.Logf("idle: %v\nat work: %v\n%d watch, %.0f events a second of the list and %.0f of runs: %v\nafter they left: %v\n%d wait: %v",
		idle, before, *watchers, float64(events.Load())/seconds, float64(steps.Load())/seconds, with, after, *watchers, waiting)
	if events.Load() < int64(*watchers) || steps.Load() < int64(*watchers) {
		t.Errorf("%d events of the list and %d of runs came to %d watchers", events.Load(), steps.Load(), *watchers)
	}
	for _, m := range []*measured{before, with, after, waiting} {
		if m.missed > 0 {
			t.Errorf("health missed %d of %d probes", m.missed, m.probes)
		}
	}
}
