package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a serving program with a store of its own.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string // without a slash at the end
	token string
	over  chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// serveStepwell starts the binary that users get.
func serveStepwell(t *testing.T, env ...string) *server {
	t.Helper()
	needChromium(t) // nobody waits for a build that is not used
	binary, err := stepwell()
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, binary, t.TempDir(), env...)
}

// serveShop starts the program of shop_test.go in dir; "" is a fresh one.
func serveShop(t *testing.T, dir string, env ...string) *server {
	t.Helper()
	needChromium(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		dir = t.TempDir()
	}
	return serve(t, exe, dir, append([]string{asShop + "=1"}, env...)...)
}

func serve(t *testing.T, binary, dir string, env ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: exec.Command(binary, "serve"), over: make(chan struct{})}
	s.cmd.Dir = dir
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "STEPWELL_") && !strings.HasPrefix(kv, "OTEL_") && !strings.HasPrefix(kv, "PORT=") {
			s.cmd.Env = append(s.cmd.Env, kv)
		}
	}
	s.cmd.Env = append(s.cmd.Env, "GORACE=atexit_sleep_ms=0", "STEPWELL_ADDR=127.0.0.1:0", "STEPWELL_HEALTH_ADDR=127.0.0.1:0", "STEPWELL_DRAIN=1s")
	s.cmd.Env = append(s.cmd.Env, env...)
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan string, 1)
	go func() {
		defer close(s.over)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			s.mu.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mu.Unlock()
			var rec struct{ Msg, API string }
			if json.Unmarshal(lines.Bytes(), &rec) == nil && rec.Msg == "serving" {
				up <- rec.API
			}
		}
		s.cmd.Wait()
	}()
	t.Cleanup(s.stop)
	select {
	case addr := <-up:
		s.url = "http://" + addr
	case <-s.over:
		t.Fatalf("the program ended before it served:\n%s", s.logged())
	case <-time.After(30 * time.Second):
		t.Fatalf("the program does not serve:\n%s", s.logged())
	}
	return s
}

// stop is SIGTERM. The program has to end well, and to have reported no error of its own. It may be called again.
func (s *server) stop() {
	s.t.Helper()
	select {
	case <-s.over:
		return
	default:
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(20*time.Second, func() { s.cmd.Process.Kill() })
	<-s.over
	kill.Stop()
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("exit code %d after SIGTERM:\n%s", code, s.logged())
	}
	for line := range strings.Lines(s.logged()) {
		// A run that is stuck is one that a test made so.
		if strings.Contains(line, `"level":"ERROR"`) && !strings.Contains(line, `"status":"stuck"`) || strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			s.t.Errorf("the program logged: %s", line)
		}
	}
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// do makes a request to the API and returns what it answered; want is the status.
func (s *server) do(want int, method, path, body string) map[string]any {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.logged())
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != want {
		s.t.Fatalf("%s %s: %s, want %d\n%s", method, path, resp.Status, want, data)
	}
	var m map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &m); err != nil {
			s.t.Fatalf("%s %s: %v\n%s", method, path, err, data)
		}
	}
	return m
}

// start starts a run of the workflow; query may give it an id.
func (s *server) start(workflow, query, input string) (id string) {
	s.t.Helper()
	id, _ = s.do(http.StatusAccepted, "POST", "/v1/workflows/"+workflow+"/runs"+query, input)["id"].(string)
	return id
}

func (s *server) status(id string) string {
	s.t.Helper()
	status, _ := s.do(http.StatusOK, "GET", "/v1/runs/"+id, "")["status"].(string)
	return status
}

// reaches waits until the run has one of the statuses.
func (s *server) reaches(id string, statuses ...string) {
	s.t.Helper()
	got := ""
	eventually(s.t, func() string { return "run " + id + " is " + got + ", want " + strings.Join(statuses, " or ") }, func() bool {
		got = s.status(id)
		for _, want := range statuses {
			if got == want {
				return true
			}
		}
		return false
	})
}

// patience bounds every wait. It is long, for the machine may be busy.
const patience = 30 * time.Second

// eventually waits until ok, and fails with what says.
func eventually(t *testing.T, says func() string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", patience, says())
		}
	}
}
