package blackbox

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	sleepers   = flag.Int("sleepers", 5000, "sleeping runs in the memory test")
	unfinished = flag.Int("unfinished", 2000, "unfinished runs in the recovery test, at most 10,000")
)

// memoryMB is the resident memory of the process.
func (c *child) memoryMB(t *testing.T, field string) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			var kb float64
			fmt.Sscan(rest, &kb)
			return kb / 1024
		}
	}
	t.Fatalf("no %s", field)
	return 0
}

// fill starts n runs from 20 clients.
func (c *child) fill(t *testing.T, n int, workflow string, in any) {
	t.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := c.call(context.Background(), "POST", "/v1/workflows/"+workflow+"/runs", in, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

type counts struct {
	Loaded int
	Runs   map[string]int
}

func (c *child) counts(t *testing.T) (n counts) {
	t.Helper()
	if err := call(t.Context(), "GET", "http://"+c.hold+"/health", nil, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSleepingRunsTakeNoMemory compares the memory of a process with many
// sleeping runs in its store with that of one without, both started afresh.
func TestSleepingRunsTakeNoMemory(t *testing.T) {
	w := newWorld(t)
	c := w.start(t).ready()
	none := c.memoryMB(t, "VmRSS")
	begin := time.Now()
	c.fill(t, *sleepers, "snooze", 3_600_000)
	took := time.Since(begin)
	eventually(t, 60*time.Second, "all sleep", func() bool { n := c.counts(t); return n.Loaded == 0 && n.Runs["waiting"] == *sleepers })
	after := c.memoryMB(t, "VmRSS")
	if err := c.terminate(); err != nil {
		t.Fatal(err)
	}
	c = w.start(t).ready()
	if n := c.counts(t); n.Loaded != 0 || n.Runs["waiting"] != *sleepers {
		t.Errorf("after a restart: %+v", n)
	}
	again := c.memoryMB(t, "VmRSS")
	t.Logf("%d sleeping runs, started at %.0f/s: %.1f MB; right after starting them %.1f MB; with none %.1f MB",
		*sleepers, float64(*sleepers)/took.Seconds(), again, after, none)
	if again > none+10 && !racing { // the race detector's own memory grows with what was touched
		t.Errorf("%d sleeping runs take %.1f MB more than none", *sleepers, again-none)
	}
}

// TestUnfinishedRunsAreDispatchedAfterAKill leaves many runs amid a step. What
// the next process needs until all are under way is logged, not asserted.
func TestUnfinishedRunsAreDispatchedAfterAKill(t *testing.T) {
	w := newWorld(t)
	c := w.start(t).ready()
	c.fill(t, *unfinished, "hold", struct{}{})
	underWay := func() int {
		fi, err := os.Stat(w.effects)
		if err != nil {
			t.Fatal(err)
		}
		return int(fi.Size()) / len(holdLine)
	}
	eventually(t, 60*time.Second, "all are under way", func() bool { return underWay() == *unfinished })
	c.kill()
	begin := time.Now()
	c = w.start(t).ready()
	serving := time.Since(begin)
	eventually(t, 60*time.Second, "all are under way again", func() bool { return underWay() == 2**unfinished })
	dispatched := time.Since(begin)
	t.Logf("%d unfinished runs: serving %v after the start of the process, all dispatched after %v", *unfinished, serving.Round(time.Millisecond), dispatched.Round(time.Millisecond))
	eventually(t, 10*time.Second, "health counts them", func() bool { return c.counts(t).Runs["running"] == *unfinished })
}
