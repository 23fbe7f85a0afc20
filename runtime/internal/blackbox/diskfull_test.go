package blackbox

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type healthReply struct {
	Status  string
	Reasons []string
}

func (c *child) health(t *testing.T) (h healthReply) {
	err := call(t.Context(), "GET", "http://"+c.hold+"/health", nil, &h)
	if se, ok := errors.AsType[*statusError](err); ok && se.status == 503 {
		return healthReply{"failing", []string{se.body}}
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// limitFiles bounds the size to which the process may write a file, which is
// how a full disk looks to it.
func (c *child) limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	lim := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
	if err := unix.Prlimit(c.cmd.Process.Pid, unix.RLIMIT_FSIZE, &lim, nil); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk takes the room away under load and gives it back: starts are
// refused clearly, health fails and recovers, and nothing acknowledged is lost.
func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	c := w.start(t).ready()
	var acked []string
	start := func() error {
		var run runReply
		err := c.call(t.Context(), "POST", "/v1/workflows/work/runs", input{Steps: 5, SleepMS: 300, Branches: 2}, &run)
		if err == nil {
			acked = append(acked, run.ID)
		}
		return err
	}
	for range 50 {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Stat(w.database() + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	c.limitFiles(t, uint64(log.Size())+20_000)
	var refused error
	eventually(t, 20*time.Second, "a start is refused", func() bool { refused = start(); return refused != nil })
	se, ok := errors.AsType[*statusError](refused)
	if !ok || se.status != 503 && se.status != 507 || !strings.Contains(se.body, "room") {
		t.Errorf("refused with %v; want 503 or 507 and words about room", refused)
	}
	eventually(t, 10*time.Second, "health fails", func() bool { return c.health(t).Status == "failing" })
	if h := c.health(t); !strings.Contains(h.Reasons[0], "room") {
		t.Errorf("health says %v; want words about room", h.Reasons)
	}
	c.limitFiles(t, unix.RLIM_INFINITY)
	eventually(t, 20*time.Second, "health recovers", func() bool { return c.health(t).Status == "ok" })
	for _, id := range acked {
		var run runReply
		eventually(t, 30*time.Second, "run "+id+" ends", func() bool {
			if err := c.call(t.Context(), "GET", "/v1/runs/"+id, nil, &run); err != nil {
				t.Fatalf("acknowledged run %s: %v", id, err)
			}
			return run.Status == "succeeded"
		})
	}
	for key, n := range readEffects(t, w.effects) {
		if n > 1 {
			t.Errorf("step %s ran %d times: its record was retried, not the step", key, n)
		}
	}
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
	checkIntegrity(t, w.database())
	t.Logf("%d runs acknowledged; refused with: %v", len(acked), refused)
}
