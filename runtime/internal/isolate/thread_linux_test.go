package isolate

import (
	"fmt"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func canWatch(t *testing.T) {
	if _, ok := threadCPU(threadID()); !ok {
		t.Skip("this kernel does not tell the CPU time of a thread")
	}
}

// niceOf returns the niceness of a thread of this process.
func niceOf(id int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", id))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strconv.Atoi(strings.Fields(rest)[16]) // field 19 of proc(5), the third is the first here
}

func lowered() bool {
	n, err := niceOf(threadID())
	return err == nil && n == lowest
}

// threads returns how many this process has, and how many of them are lowered.
func threads(t *testing.T) (all, low int) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		id, _ := strconv.Atoi(e.Name())
		n, err := niceOf(id)
		if err != nil {
			continue // ended meanwhile
		}
		if all++; n == lowest {
			low++
		}
	}
	return all, low
}

// burn takes CPU time on this thread.
func burn(d time.Duration) {
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	for start, _ := threadCPU(threadID()); ; {
		_ = fib(15)
		if now, _ := threadCPU(threadID()); now-start >= d {
			return
		}
	}
}

func burnUntil(t *testing.T, done func() bool) {
	for start := time.Now(); !done(); burn(time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Error("it never came")
			return
		}
	}
}

func TestThreadClock(t *testing.T) {
	canWatch(t)
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	id := threadID()
	before, _ := threadCPU(id)
	burn(5 * time.Millisecond)
	read, slept := make(chan time.Duration), make(chan bool)
	go func() { // it is another thread: this one is locked
		now, _ := threadCPU(id)
		read <- now
		for start := time.Now(); !threadSleeps(id) && time.Since(start) < 10*time.Second; {
			goruntime.Gosched()
		}
		slept <- threadSleeps(id)
	}()
	if got := <-read - before; got < 5*time.Millisecond {
		t.Errorf("%v seen from outside, burnt 5 ms", got)
	}
	if !<-slept {
		t.Error("a thread that waits is not seen to sleep")
	}
	if threadSleeps(id) {
		t.Error("a thread that runs is seen to sleep")
	}
	if _, ok := threadCPU(1<<22 - 1); ok {
		t.Error("a thread that does not exist has a clock")
	}
}

func TestComputeThreads(t *testing.T) {
	canWatch(t)
	before := goruntime.GOMAXPROCS(0)
	i := newIsolator(t, Config{Threads: 3})
	noneLowered(t)
	var wg sync.WaitGroup
	var sum atomic.Int32
	for range 20 {
		wg.Go(func() {
			i.Do(t.Context(), "k", true, func() {
				burn(5 * time.Millisecond)
				if sum.Add(1); !lowered() {
					t.Error("a compute step runs at normal priority")
				}
				if got := goruntime.GOMAXPROCS(0); got <= before {
					t.Errorf("GOMAXPROCS is %d, was %d without compute threads", got, before)
				}
			})
		})
	}
	wg.Wait()
	if _, low := threads(t); low != 3 || sum.Load() != 20 {
		t.Errorf("%d lowered threads, %d ran", low, sum.Load())
	}
	i.Close()
	if got := goruntime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is %d after close, was %d", got, before)
	}
	noneLowered(t)
}

// noneLowered waits for the kernel to bury the threads that have ended.
func noneLowered(t *testing.T) {
	t.Helper()
	for start := time.Now(); ; goruntime.Gosched() {
		if _, low := threads(t); low == 0 {
			return
		} else if time.Since(start) > 10*time.Second {
			t.Fatalf("%d lowered threads, want none", low)
		}
	}
}

func TestWaitingStepsTakeNoThread(t *testing.T) {
	canWatch(t)
	i := newIsolator(t, Config{Threads: 2})
	before, _ := threads(t)
	end := make(chan struct{})
	var begun, done sync.WaitGroup
	begun.Add(1000)
	for range 1000 {
		done.Go(func() { i.Do(t.Context(), "k", false, func() { begun.Done(); <-end }) })
	}
	begun.Wait()
	if now, _ := threads(t); now > before+8*i.cores+10 {
		t.Errorf("%d threads for 1000 steps that wait, %d before", now, before)
	}
	close(end)
	done.Wait()
}

func TestUsersProcsAreKept(t *testing.T) {
	defer goruntime.SetDefaultGOMAXPROCS()
	var p procs
	goruntime.GOMAXPROCS(5)
	p.add(1)
	if got := goruntime.GOMAXPROCS(0); got <= 5 || p.cores() != 5 {
		t.Errorf("raised to %d, %d cores; want more than 5, and 5", got, p.cores())
	}
	p.add(1)
	p.add(-2)
	if got := goruntime.GOMAXPROCS(0); got != 5 {
		t.Errorf("back to %d, was 5", got)
	}
	p.add(-1) // an end before its raise
	p.add(1)
	if got := goruntime.GOMAXPROCS(0); got != 5 {
		t.Errorf("%d, was 5", got)
	}
	p.add(1)
	goruntime.GOMAXPROCS(9) // the user changes it meanwhile
	p.add(100)
	p.add(-101)
	if got := goruntime.GOMAXPROCS(0); got > 9 {
		t.Errorf("back to %d, the user had set 9", got)
	}
}
