package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestReplayGate upgrades a server whose run sleeps to code that does not fit
// it: the new process says so and touches nothing; the old code goes on.
func TestReplayGate(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	if code, _ := p.do("POST", "/v1/workflows/changing/runs?id=old", "{}"); code != http.StatusAccepted {
		t.Fatalf("start: %d", code)
	}
	eventually(t, "the run waits", func() bool { return p.status("old") == "waiting" })
	p.stop()

	p = serve(t, dir, changedStep+"=z", "STEPWELL_REPLAY_GATE=10")
	code, ready := p.request(p.health, "GET", "/readyz", "")
	if got := fmt.Sprint(ready["reasons"]); code != http.StatusServiceUnavailable || !strings.Contains(got, "replay gate") ||
		!strings.Contains(got, `replay run old of changing: code does not match the history: at 0 the history has step "a", the code came with step "z"`) {
		t.Errorf("readyz: %d %v", code, ready)
	}
	eventually(t, "it is failing", func() bool {
		code, h := p.request(p.health, "GET", "/health", "")
		return code == http.StatusServiceUnavailable && h["status"] == "failing" && h["phase"] == "held"
	})
	for _, path := range []string{"/livez", "/startupz"} {
		if code, body := p.request(p.health, "GET", path, ""); code != http.StatusOK {
			t.Errorf("%s: %d %v; a restart mends nothing", path, code, body)
		}
	}
	// What is started is durable and waits; the history is there to mend by.
	if code, run := p.do("POST", "/v1/workflows/echo/runs?id=new&wait=50ms", "{}"); code != http.StatusAccepted || run["status"] != "queued" {
		t.Errorf("a start: %d %v", code, run)
	}
	if code, h := p.do("GET", "/v1/runs/old/history", ""); code != http.StatusOK || h["stepwell_history"] == nil || p.status("old") != "waiting" {
		t.Errorf("history: %d %v; the run is %s", code, h, p.status("old"))
	}
	p.stop()

	p = serve(t, dir, "STEPWELL_REPLAY_GATE=10")
	if !strings.Contains(p.logged(), `"msg":"the replay gate is passed","runs":1`) {
		t.Errorf("not passed:\n%s", p.logged())
	}
	eventually(t, "it is ready", func() bool { code, _ := p.request(p.health, "GET", "/readyz", ""); return code == http.StatusOK })
	eventually(t, "what was started then is executed", func() bool { return p.status("new") == "succeeded" })
	p.stop()
}
