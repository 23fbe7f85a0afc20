package isolate

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// lowest is the niceness of a lowered thread: the last to run, but it does
// run. SCHED_IDLE would run it only when nothing else wants to, and it may
// hold a lock of the Go runtime.
const lowest = 19

func threadID() int { return unix.Gettid() }

// onMainThread tells whether this is the thread whose priority tools show as
// that of the process, and which cannot end before it.
func onMainThread() bool { return unix.Gettid() == unix.Getpid() }

func lowerThread(id int) error { return unix.Setpriority(unix.PRIO_PROCESS, id, lowest) }

// threadCPU returns the CPU time of a thread of this process, from any other.
func threadCPU(id int) (time.Duration, bool) {
	const perThread, sched = 4, 2 // the kernel's CPUCLOCK_PERTHREAD_MASK, CPUCLOCK_SCHED
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^id<<3|perThread|sched), &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

// threadDelay returns how long a thread was ready to run while the kernel let
// others run, up to when it last ran. Not every kernel tells.
func threadDelay(id int) (time.Duration, bool) {
	b, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(id) + "/schedstat")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(b) // on CPU, waiting for it, time slices
	if len(fields) < 2 {
		return 0, false
	}
	ns, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return time.Duration(ns), err == nil
}

// threadSleeps tells whether a thread neither runs nor wants to. When in doubt
// it does not: what a thread waits for the CPU shows in threadDelay only
// afterwards.
func threadSleeps(id int) bool {
	b, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(id) + "/stat")
	if err != nil {
		return false
	}
	_, state, ok := bytes.Cut(b, []byte(") "))
	return ok && len(state) > 0 && state[0] != 'R'
}
