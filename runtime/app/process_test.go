package app_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app"
)

// asProgram makes this test binary a program with workflows instead.
const asProgram = "APP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		program().Main()
	}
	os.Exit(m.Run())
}

// changedStep renames a step of "changing", as a new version of the code would.
const changedStep = "APP_TEST_STEP"

func changing(ctx context.Context, _ any) (any, error) {
	name := cmp.Or(os.Getenv(changedStep), "a")
	if _, err := runtime.Step(ctx, name, func(context.Context) (int, error) { return 1, nil }); err != nil {
		return nil, err
	}
	return nil, runtime.Sleep(ctx, time.Hour)
}

type workInput struct {
	For      string `json:"for"`      // how long the step takes
	Stubborn bool   `json:"stubborn"` // whatever its context says
	Fail     bool   `json:"fail"`
}

func program() *app.App {
	echo := runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil })
	a := &app.App{
		Definitions: []runtime.Definition{
			runtime.Define("work", work),
			runtime.Cron("yearly", "0 3 1 1 *", echo),
			echo,
			runtime.Define("sleeper", func(ctx context.Context, _ any) (any, error) { return nil, runtime.Sleep(ctx, time.Hour) }),
			runtime.Define("changing", changing),
			runtime.Define("talker", talker),
			runtime.NewQueue("one", runtime.QueueConfig{Concurrency: 1}),
		},
		Open: []string{"/open"},
	}
	switch os.Getenv(asProgram) {
	case "talk":
		a.Definitions = append(a.Definitions, runtime.Define("talk", talk))
	case "setup":
		a.Definitions = append(a.Definitions, runtime.Setup(func(context.Context, *sql.Tx) error { return errors.New("no room for tables") }))
	case "nil":
		a.Definitions = []runtime.Definition{nil}
	}
	a.Routes = func(r *mux.Router, _ *runtime.Runtime) {
		say := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, a.URL()) }
		r.HandleFunc("/open", say)
		r.HandleFunc("/closed", say)
	}
	return a
}

// talker answers "add", tells how much it has, and ends with what comes under
// "end".
func talker(ctx context.Context, total int) (string, error) {
	note := func(ctx context.Context) error {
		if err := runtime.Write(ctx, "log", map[string]int{"total": total}); err != nil {
			return err
		}
		return runtime.SetEvent(ctx, "total", total)
	}
	add := func(ctx context.Context, n int) (int, error) { total += n; return total, note(ctx) }
	positive := func(_ context.Context, n int) error {
		if n <= 0 {
			return errors.New("want more than 0")
		}
		return nil
	}
	if err := note(ctx); err != nil {
		return "", err
	}
	// From here on the total is the handler's: the order of what both do is not
	// recorded.
	if err := runtime.OnUpdate(ctx, "add", add, runtime.Validate(positive)); err != nil {
		return "", err
	}
	return runtime.Receive[string](ctx, "end", runtime.Forever)
}

func work(ctx context.Context, in workInput) (string, error) {
	d, err := time.ParseDuration("0" + in.For)
	if err != nil {
		return "", fmt.Errorf("for %s: %w", in.For, err)
	}
	return runtime.Step(ctx, "work", func(ctx context.Context) (string, error) {
		slog.InfoContext(ctx, "at work")
		slog.Default().WithGroup("group").InfoContext(ctx, "at work in a group", "key", "value")
		if in.Fail {
			return "", errors.New("told to fail")
		}
		end := ctx.Done()
		if in.Stubborn {
			end = nil
		}
		select {
		case <-time.After(d):
			return "done", nil
		case <-end:
			return "", context.Cause(ctx)
		}
	})
}

// process is a serving program.
type process struct {
	t           *testing.T
	cmd         *exec.Cmd
	api, health string
	token       string
	over        chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func command(t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = dir
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "STEPWELL_") && !strings.HasPrefix(kv, "OTEL_") && !strings.HasPrefix(kv, "PORT=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1", "GORACE=atexit_sleep_ms=0", "STEPWELL_ADDR=127.0.0.1:0", "STEPWELL_HEALTH_ADDR=127.0.0.1:0"), env...)
	return cmd
}

// serve starts the program in dir and waits until it serves.
func serve(t *testing.T, dir string, env ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, dir, env), over: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	go func() {
		defer close(p.over)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			p.mu.Lock()
			p.log.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
			var rec struct{ Msg, API, Health string }
			if json.Unmarshal(lines.Bytes(), &rec) == nil && rec.Msg == "serving" {
				p.api, p.health = rec.API, rec.Health
				close(up)
			}
		}
		p.cmd.Wait()
	}()
	t.Cleanup(func() { p.cmd.Process.Kill(); <-p.over })
	select {
	case <-up:
	case <-p.over:
		t.Fatalf("the program ended before it served:\n%s", p.logged())
	case <-time.After(20 * time.Second):
		t.Fatalf("the program does not serve:\n%s", p.logged())
	}
	return p
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// ended waits for the end of the process and returns its exit code.
func (p *process) ended(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.over:
	case <-time.After(within):
		p.t.Fatalf("the process has not ended after %v:\n%s", within, p.logged())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(s syscall.Signal) { p.cmd.Process.Signal(s) }

// stop is SIGTERM; the exit code has to be 0.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.ended(20 * time.Second); code != 0 {
		p.t.Errorf("exit code %d after SIGTERM:\n%s", code, p.logged())
	}
}

// do makes a request to the API. Status 0 means that there was no answer.
func (p *process) do(method, path, body string) (int, map[string]any) {
	p.t.Helper()
	return p.request(p.api, method, path, body)
}

func (p *process) request(addr, method, path, body string) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var m map[string]any
	json.NewDecoder(resp.Body).Decode(&m)
	return resp.StatusCode, m
}

func (p *process) start(query, body string) string {
	p.t.Helper()
	code, run := p.do("POST", "/v1/workflows/work/runs"+query, body)
	id, _ := run["id"].(string)
	if id == "" {
		p.t.Fatalf("start: %d %v", code, run)
	}
	return id
}

func (p *process) status(id string) string {
	_, run := p.do("GET", "/v1/runs/"+id, "")
	s, _ := run["status"].(string)
	return s
}

// result is what a command came to.
type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A program that serves where it should refuse must not hang the test.
	stop := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer stop.Stop()
	cmd.Wait()
	name := filepath.Base(cmd.Path) + ": "
	return result{cmd.ProcessState.ExitCode(), stdout.String(), strings.TrimPrefix(stderr.String(), name)}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come about within 10 s that %s", what)
		}
	}
}
