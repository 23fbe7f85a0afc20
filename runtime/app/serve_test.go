package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServe(t *testing.T) {
	p := serve(t, t.TempDir())
	for path, want := range map[string]int{"/health": 200, "/livez": 200, "/readyz": 200, "/startupz": 200, "/metrics": 200, "/nope": 404} {
		if code, _ := p.request(p.health, "GET", path, ""); code != want {
			t.Errorf("health listener, %s: %d, want %d", path, code, want)
		}
	}
	if code, run := p.do("POST", "/v1/workflows/work/runs?wait=10s", `{"for":"1ms"}`); code != http.StatusOK || run["output"] != "done" {
		t.Errorf("a run: %d %v", code, run)
	}
	_, health := p.request(p.health, "GET", "/health", "")
	if health["status"] != "ok" || health["memory_mb"] == nil {
		t.Errorf("health: %v", health)
	}
	eventually(t, "health has asked the API", func() bool {
		_, health := p.request(p.health, "GET", "/health", "")
		api, _ := health["api"].(map[string]any)
		return api["ok"] == true
	})
	if code, body := p.do("GET", "/nope", ""); code != 404 || body["code"] != "not_found" {
		t.Errorf("unknown path: %d %v, want a problem", code, body)
	}
	p.stop()
	// What the log says is one JSON record a line, for machines.
	for line := range strings.Lines(p.logged()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON in the log: %s", line)
		}
	}
}

// TestStopWhileStepsRun follows a stop: not ready, no new runs, the step ends
// within the drain, then the API closes, health last, exit code 0.
func TestStopWhileStepsRun(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	id := p.start("?id=r", `{"for":"1500ms"}`)
	eventually(t, "the step runs", func() bool { return strings.Contains(p.logged(), "at work") })
	waiting := make(chan any, 1)
	go func() { _, run := p.do("GET", "/v1/runs/r?wait=60s", ""); waiting <- run["status"] }()
	p.signal(syscall.SIGTERM)
	eventually(t, "it is not ready", func() bool { code, _ := p.request(p.health, "GET", "/readyz", ""); return code == 503 })
	if code, _ := p.request(p.health, "GET", "/livez", ""); code != http.StatusOK {
		t.Errorf("livez during the drain: %d, want 200", code)
	}
	if code, h := p.request(p.health, "GET", "/health", ""); code != http.StatusOK || h["status"] != "degraded" {
		t.Errorf("health during the drain: %d %v", code, h)
	}
	if code, body := p.do("POST", "/v1/workflows/work/runs", "{}"); code != 503 || body["code"] != "draining" {
		t.Errorf("a start during the drain: %d %v, want 503", code, body)
	}
	if status := <-waiting; status != "running" {
		t.Errorf("the client that waited was told %v, want an answer at once: running", status)
	}
	if code := p.ended(10 * time.Second); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.logged())
	}
	again := serve(t, dir)
	if s := again.status(id); s != "succeeded" {
		t.Errorf("the run whose step was under way is %s: want it ended within the drain", s)
	}
	again.stop()
}

// TestDrainIsBounded: a step that does not heed its context does not hold up
// the stop, and its run goes on with the next process.
func TestDrainIsBounded(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "STEPWELL_DRAIN=0s")
	id := p.start("", `{"for":"3s","stubborn":true}`)
	eventually(t, "the step runs", func() bool { return strings.Contains(p.logged(), "at work") })
	began := time.Now()
	p.stop()
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("the stop took %v", took)
	}
	again := serve(t, dir)
	if code, run := again.do("GET", "/v1/runs/"+id+"?wait=20s", ""); code != http.StatusOK || run["status"] != "succeeded" || run["attempt"] == 1.0 {
		t.Errorf("the run, after a restart: %d %v", code, run)
	}
	again.stop()
}

func TestSecondSignal(t *testing.T) {
	for _, first := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := serve(t, t.TempDir(), "STEPWELL_DRAIN=1h")
		p.start("", `{"for":"1h"}`)
		eventually(t, "the step runs", func() bool { return strings.Contains(p.logged(), "at work") })
		p.signal(first)
		eventually(t, "it is stopping", func() bool { return strings.Contains(p.logged(), "stopping") })
		p.signal(syscall.SIGTERM)
		if code := p.ended(5 * time.Second); code != 1 {
			t.Errorf("exit code %d after a second signal, want 1", code)
		}
	}
}

func TestTokenIsMade(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "stepwell.db.token")
	env := []string{"STEPWELL_ADDR=0.0.0.0:0"}
	p := serve(t, dir, env...)
	secret := regexp.MustCompile(`\b[A-Z2-7]{26}\b`).FindString(p.logged())
	if secret == "" || strings.Count(p.logged(), secret) != 1 || !strings.Contains(p.logged(), "/ui/login\n") {
		t.Errorf("the token %q is not shown once, with where to log in:\n%s", secret, p.logged())
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), secret) {
		t.Errorf("the token's file: %v, %q", err, b)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the token's file: %v %v, want mode 0600", fi.Mode(), err)
	}
	p.api = strings.Replace(p.api, "[::]", "127.0.0.1", 1)
	if code, _ := p.do("GET", "/v1/runs", ""); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d, want 401", code)
	}
	if code, _ := p.do("GET", "/v1/ping", ""); code != http.StatusNoContent {
		t.Errorf("ping without a token: %d, want 204", code)
	}
	p.token = secret
	if code, _ := p.do("GET", "/v1/runs", ""); code != http.StatusOK {
		t.Errorf("with the token: %d, want 200", code)
	}
	p.stop()
	again := serve(t, dir, env...)
	if again.token = secret; strings.Contains(again.logged(), secret) {
		t.Errorf("the token is shown again:\n%s", again.logged())
	}
	if code, _ := again.do("GET", "/v1/runs", ""); code != http.StatusOK {
		t.Errorf("with the token, after a restart: %d, want 200", code)
	}
	again.stop()

	// An earlier version kept the secret itself.
	if err := os.WriteFile(file, []byte("OLDTOKENOFANEARLIERVERSION\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := serve(t, dir, env...)
	old.token = "OLDTOKENOFANEARLIERVERSION"
	if code, _ := old.do("GET", "/v1/runs", ""); code != http.StatusOK {
		t.Errorf("with the token of an earlier version: %d, want 200", code)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), old.token) || strings.Contains(old.logged(), old.token) {
		t.Errorf("the earlier version's token is still there: %v, %q, or shown:\n%s", err, b, old.logged())
	}
	old.stop()
}

func TestRoles(t *testing.T) {
	p := serve(t, t.TempDir(), "STEPWELL_TOKENS=admin:aaa,viewer:vvv,admin:bbb")
	for _, c := range []struct {
		token, method, path string
		want                int
	}{
		{"", "GET", "/v1/runs", 401}, {"x", "GET", "/v1/runs", 401}, {"aaav", "GET", "/v1/runs", 401},
		{"vvv", "GET", "/v1/runs", 200}, {"vvv", "POST", "/v1/workflows/work/runs", 403}, {"vvv", "GET", "/closed", 403},
		{"aaa", "GET", "/v1/runs", 200}, {"aaa", "POST", "/v1/workflows/work/runs", 202}, {"bbb", "POST", "/v1/workflows/work/runs", 202},
		{"aaa", "GET", "/closed", 200}, {"", "GET", "/closed", 401}, {"", "GET", "/open", 200}, {"", "GET", "/v1/ping", 204},
		{"", "GET", "/nope", 401}, {"", "GET", "/v1/../open", 404},
	} {
		p.token = c.token
		if code, _ := p.do(c.method, c.path, "{}"); code != c.want {
			t.Errorf("%s %s with token %q: %d, want %d", c.method, c.path, c.token, code, c.want)
		}
	}
	p.stop()
}

// TestWeakTokensAreWarnedOf at the start, long ones too, and no others.
func TestWeakTokensAreWarnedOf(t *testing.T) {
	for tokens, want := range map[string]int{
		"admin:stepwell-admin-password": 1, "admin:stepwell-admin-password,viewer:x": 2, "admin:" + adminToken + ",viewer:" + viewerToken: 0,
	} {
		p := serve(t, t.TempDir(), "STEPWELL_TOKENS="+tokens)
		p.stop()
		if n := strings.Count(p.logged(), "may be guessed"); n != want {
			t.Errorf("%s: %d warnings, want %d:\n%s", tokens, n, want, p.logged())
		}
	}
}

// TestLog: records of workflow code say where they come from.
func TestLog(t *testing.T) {
	p := serve(t, t.TempDir())
	if code, _ := p.do("POST", "/v1/workflows/work/runs?id=r&wait=10s", "{}"); code != http.StatusOK {
		t.Fatalf("start: %d", code)
	}
	_, run := p.do("GET", "/v1/runs/r", "")
	p.stop()
	for _, msg := range []string{"at work", "at work in a group"} {
		var rec map[string]any
		for line := range strings.Lines(p.logged()) {
			if strings.Contains(line, `"msg":"`+msg+`"`) {
				if err := json.Unmarshal([]byte(line), &rec); err != nil {
					t.Fatal(err)
				}
			}
		}
		group, _ := rec["group"].(map[string]any)
		if msg == "at work in a group" && group["key"] != "value" {
			t.Errorf("%s: %v", msg, rec)
		}
		delete(rec, "time")
		delete(rec, "span_id")
		delete(rec, "group")
		want := map[string]any{
			"level": "INFO", "msg": msg, "run_id": "r", "workflow": "work", "step": "work", "path": "0", "attempt": 1.0,
			"trace_id": run["trace_id"],
		}
		if diff := cmp.Diff(want, rec); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	}
}
