package blackbox

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestUnmarkedComputeIsFoundAndNamed floods the server with steps that take the
// CPU and do not say so. It says which, and isolates them: all runs end, and
// health answers all the while. How fast it answers is measured by the
// experiment, not asserted here.
func TestUnmarkedComputeIsFoundAndNamed(t *testing.T) {
	c := newWorld(t).start(t).ready()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			var run runReply
			if err := c.call(context.Background(), "POST", "/v1/workflows/burn/runs", 36, &run); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	eventually(t, 60*time.Second, "the log names the step", func() bool {
		c.health(t)
		return strings.Contains(c.logged(), "burn/unmarked-fibonacci")
	})
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
}
