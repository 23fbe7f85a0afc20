package blackbox

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// failSyncs has every fsync of the process fail from now on, as a broken disk
// would. It returns when that is so.
func (c *child) failSyncs(t *testing.T) {
	t.Helper()
	tracer := exec.Command("strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO",
		"-p", strconv.Itoa(c.cmd.Process.Pid))
	if err := tracer.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tracer.Process.Kill(); tracer.Wait() })
}

// TestFailedSync breaks the disk under load. What a commit came to is not known
// then, so the process says so to everybody who waits and ends by itself; the
// next one has all that was acknowledged, and runs no recorded step again.
func TestFailedSync(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("needs strace, to have fsync fail")
	}
	w := newWorld(t)
	c := w.start(t).ready()
	var acked []string
	var refused error
	in := input{Steps: 4, SleepMS: 50, Branches: 2}
	start := func() {
		var run runReply
		if refused = c.call(t.Context(), "POST", "/v1/workflows/work/runs", in, &run); refused == nil {
			acked = append(acked, run.ID)
		}
	}
	for range 50 {
		if start(); refused != nil {
			t.Fatal(refused)
		}
	}
	c.failSyncs(t)
	eventually(t, 20*time.Second, "a start is refused", func() bool { start(); return refused != nil })
	select {
	case <-c.over:
	case <-time.After(30 * time.Second):
		t.Fatalf("the process goes on after a failed fsync; a start got %v\n%s", refused, c.logged())
	}
	if c.err == nil || !strings.Contains(c.logged(), "outcome of the commit is unknown") {
		t.Errorf("the process ended with %v, want an error and words about the unknown outcome\n%s", c.err, c.logged())
	}

	c = w.start(t).ready()
	for _, id := range acked {
		var run runReply
		eventually(t, 30*time.Second, "run "+id+" ends", func() bool {
			if err := c.call(t.Context(), "GET", "/v1/runs/"+id, nil, &run); err != nil {
				t.Fatalf("acknowledged run %s: %v", id, err)
			}
			return run.Status == "succeeded"
		})
	}
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
	checkIntegrity(t, w.database())
	var again []string
	for key, n := range readEffects(t, w.effects) {
		if n > 2 {
			again = append(again, fmt.Sprintf("%s ran %d times", key, n))
		}
	}
	if slices.Sort(again); len(again) > 0 {
		t.Errorf("over one end of the process: %v", again)
	}
	t.Logf("%d runs acknowledged; the last start got: %v", len(acked), refused)
}
