package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime/app"
)

// childEnv makes this test binary the server instead.
const childEnv = "STEPWELL_BLACKBOX_EFFECTS"

func TestMain(m *testing.M) {
	if effects := os.Getenv(childEnv); effects != "" {
		os.Unsetenv(childEnv)
		app.Main(definitions(effects)...)
		return
	}
	os.Exit(m.Run())
}

// child is a server process.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string        // of the API; set when ready is closed
	hold string        // of the health listener
	up   chan struct{} // closed when it serves
	over chan struct{} // closed when the process has ended and err is set
	err  error

	mu  sync.Mutex
	log bytes.Buffer
}

// world is what outlives the processes: the database and the traces that
// effects leave.
type world struct {
	dir     string
	effects string
	env     []string
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	return &world{dir: dir, effects: filepath.Join(dir, "effects")}
}

func (w *world) database() string { return filepath.Join(w.dir, "stepwell.db") }

func (w *world) start(t *testing.T, env ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: exec.Command(exe), up: make(chan struct{}), over: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), childEnv+"="+w.effects,
		"STEPWELL_STORE=sqlite:"+w.database(), "STEPWELL_ADDR=127.0.0.1:0", "STEPWELL_HEALTH_ADDR=127.0.0.1:0")
	c.cmd.Env = append(append(c.cmd.Env, w.env...), env...)
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.watch(stderr)
	t.Cleanup(func() { c.kill() })
	return c
}

// watch reads the log, in which the process says where it serves.
func (c *child) watch(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c.mu.Lock()
		c.log.Write(lines.Bytes())
		c.log.WriteByte('\n')
		c.mu.Unlock()
		var rec struct{ Msg, API, Health string }
		if json.Unmarshal(lines.Bytes(), &rec) == nil && rec.Msg == "serving" {
			c.addr, c.hold = rec.API, rec.Health
			close(c.up)
		}
	}
	c.err = c.cmd.Wait()
	close(c.over)
}

func (c *child) logged() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log.String()
}

// ready waits until the process serves.
func (c *child) ready() *child {
	c.t.Helper()
	select {
	case <-c.up:
	case <-c.over:
		c.t.Fatalf("the server ended before it served: %v\n%s", c.err, c.logged())
	case <-time.After(30 * time.Second):
		c.t.Fatalf("the server does not serve\n%s", c.logged())
	}
	return c
}

// kill is SIGKILL, and waits until the process is gone.
func (c *child) kill() {
	c.cmd.Process.Kill()
	<-c.over
}

// terminate is SIGTERM; it returns how the process ended.
func (c *child) terminate() error {
	c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.over
	return c.err
}

// call talks JSON to the API. A status from 300 on is an error with the body.
func (c *child) call(ctx context.Context, method, path string, in, out any) error {
	return call(ctx, method, "http://"+c.addr+path, in, out)
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func call(ctx context.Context, method, url string, in, out any) error {
	return callWith(ctx, client, method, url, in, out)
}

func callWith(ctx context.Context, client *http.Client, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &statusError{resp.StatusCode, strings.TrimSpace(string(b))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// eventually asks until ok, with a deadline.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
