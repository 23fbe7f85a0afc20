package blackbox

import (
	"context"
	"flag"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	burners = flag.Int("burners", 20, "runs that take the CPU without saying so")
	burnN   = flag.Int("burn-n", 36, "what they compute: 36 takes some 0.1 s a step, 40 some 0.7 s")
)

// TestUnmarkedComputeIsFoundAndNamed floods the server with steps that take the
// CPU and do not say so. It says which, and isolates them: all runs end, and
// health answers all the while. How fast it answers is logged, second by
// second, not asserted.
func TestUnmarkedComputeIsFoundAndNamed(t *testing.T) {
	c := newWorld(t).start(t).ready()
	var wg sync.WaitGroup
	for range *burners {
		wg.Go(func() {
			if err := c.call(context.Background(), "POST", "/v1/workflows/burn/runs", *burnN, nil); err != nil {
				t.Error(err)
			}
		})
	}
	begin := time.Now()
	var seconds [][]time.Duration
	eventually(t, 300*time.Second, "all runs end", func() bool {
		took, n := c.probe(t)
		for s := int(time.Since(begin).Seconds()); len(seconds) <= s; {
			seconds = append(seconds, nil)
		}
		last := &seconds[len(seconds)-1]
		*last = append(*last, took)
		return n.Runs["succeeded"] == *burners
	})
	wg.Wait()
	if !strings.Contains(c.logged(), "burn/unmarked-fibonacci") {
		t.Errorf("the log does not name the step:\n%s", c.logged())
	}
	for s, took := range seconds {
		if slices.Sort(took); len(took) > 0 {
			t.Logf("second %2d: %2d probes, p50 %v, slowest %v", s, len(took), took[len(took)/2].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond))
		}
	}
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
}

// probe asks for health as a platform does, by a connection of its own.
func (c *child) probe(t *testing.T) (took time.Duration, n counts) {
	t.Helper()
	probing := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}}
	begin := time.Now()
	if err := callWith(t.Context(), probing, "GET", "http://"+c.hold+"/health", nil, &n); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin), n
}
