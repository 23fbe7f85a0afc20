package blackbox

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var (
	scale    = flag.Int("scale", 4000, "sleeping runs in the test of waking; from 100,000 on memory and lateness have to keep the bounds")
	wakeRate = flag.Int("wake-rate", 0, "runs that wake in a second; 0: 1000, or fewer at a small scale")
)

// wakeLine is what a run of wakeAt leaves when it goes on: microseconds after
// the moment it was to wake. All are of one length.
const wakeLine = "woke %12d\n"

// wakeAt sleeps until a moment and says how late it was.
func wakeAt(file *os.File) runtime.Definition {
	return runtime.Define("wake", func(ctx context.Context, at time.Time) (int, error) {
		if err := runtime.SleepUntil(ctx, at); err != nil {
			return 0, err
		}
		return runtime.Step(ctx, "awake", func(context.Context) (int, error) {
			return fmt.Fprintf(file, wakeLine, time.Since(at).Microseconds())
		})
	})
}

// TestSleepersWakeInTime has many runs sleep in one process, most of them for
// days, and some wake at a steady rate meanwhile.
//
//	go test ./runtime/internal/blackbox -run SleepersWake -v -timeout 30m -scale 1000000
func TestSleepersWakeInTime(t *testing.T) {
	rate, window := *wakeRate, 20
	if *scale < 100_000 {
		window = 3
	}
	if rate == 0 {
		rate = min(1000, *scale/10)
	}
	wakes := rate * window
	w := newWorld(t)
	c := w.start(t).ready()

	var peak atomic.Int64 // kB
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak.Store(max(peak.Load(), int64(c.memoryMB(t, "VmRSS")*1024)))
			case <-stop:
				return
			}
		}
	})
	begin := time.Now()
	c.fill(t, *scale-wakes, "wake", time.Now().Add(48*time.Hour))
	took := time.Since(begin)
	filling := float64(peak.Swap(0)) / 1024

	// These come last, and none is due before all sleep.
	first := time.Now().Add(5*time.Second + time.Duration(wakes)*time.Second/2000)
	var next atomic.Int64
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for i := next.Add(1); i <= int64(wakes); i = next.Add(1) {
				at := first.Add(time.Duration(i) * time.Second / time.Duration(rate))
				if err := c.call(context.Background(), "POST", "/v1/workflows/wake/runs", at, nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	eventually(t, time.Minute, "all sleep", func() bool { n := c.counts(t); return n.Loaded == 0 && n.Runs["waiting"] == *scale })
	if time.Now().After(first) {
		t.Fatal("the first was to wake before all slept: the machine is too slow for this test")
	}
	asleep := c.memoryMB(t, "VmRSS")
	peak.Store(0)
	eventually(t, time.Until(first)+time.Duration(window)*time.Second+time.Minute, "all have woken", func() bool {
		return c.counts(t).Runs["succeeded"] == wakes
	})
	waking := float64(peak.Load()) / 1024
	close(stop)
	watching.Wait()

	late := lateness(t, w.effects, wakes)
	p50, p99, worst := late[wakes/2], late[wakes*99/100], late[wakes-1]
	if err := c.terminate(); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	c = w.start(t).ready()
	restart := time.Since(begin)
	again := c.memoryMB(t, "VmRSS")
	t.Logf("%d sleeping runs, started at %.0f/s with a peak of %.1f MB: %.1f MB; %d of them woke at %d/s: late by p50 %v, p99 %v, at most %v, with a peak of %.1f MB; after a restart, which took %v, %.1f MB",
		*scale, float64(*scale-wakes)/took.Seconds(), filling, asleep, wakes, rate, p50, p99, worst, waking, restart.Round(time.Millisecond), again)
	if late[0] < 0 {
		t.Errorf("one woke %v early", -late[0])
	}
	if *scale < 100_000 || racing {
		return
	}
	if m := max(filling, asleep, waking, again); m > 150 {
		t.Errorf("%.1f MB: want less than 150 MB all the time", m)
	}
	if worst > time.Second {
		t.Errorf("one woke %v late: want at most 1 s", worst)
	}
}

// lateness reads what the runs left, in ascending order.
func lateness(t *testing.T, effects string, want int) (late []time.Duration) {
	t.Helper()
	b, err := os.ReadFile(effects)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var us int64
		if _, err := fmt.Sscanf(line, wakeLine, &us); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		late = append(late, time.Duration(us)*time.Microsecond)
	}
	if len(late) != want {
		t.Fatalf("%d woke, want %d, each once", len(late), want)
	}
	slices.Sort(late)
	return late
}
