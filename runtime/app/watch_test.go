package app_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminal is a command in a terminal, looked at while it goes on.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	f    *os.File
	over chan struct{}

	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed when there is more text
}

func openTerminal(t *testing.T, cmd *exec.Cmd, rows, columns int) *terminal {
	t.Helper()
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(columns)})
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, cmd: cmd, f: f, over: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(x.over)
		buf := make([]byte, 4096)
		for {
			n, err := f.Read(buf)
			x.mu.Lock()
			x.text.Write(buf[:n])
			close(x.more)
			x.more = make(chan struct{})
			x.mu.Unlock()
			if err != nil {
				break
			}
		}
		cmd.Wait()
	}()
	t.Cleanup(func() { cmd.Process.Kill(); <-x.over; f.Close() })
	return x
}

func (x *terminal) shown() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.text.String()
}

// until waits for a text after what was shown at from, and returns where it
// ends.
func (x *terminal) until(from int, want string) int {
	x.t.Helper()
	end := time.After(20 * time.Second)
	for {
		x.mu.Lock()
		text, more := x.text.String(), x.more
		x.mu.Unlock()
		if i := strings.Index(text[from:], want); i >= 0 {
			return from + i + len(want)
		}
		select {
		case <-more:
		case <-end:
			x.t.Fatalf("the terminal does not show %q:\n%q", want, text[from:])
		}
	}
}

func (x *terminal) ended() int {
	x.t.Helper()
	select {
	case <-x.over:
	case <-time.After(20 * time.Second):
		x.t.Fatalf("it has not ended:\n%q", x.shown())
	}
	return x.cmd.ProcessState.ExitCode()
}

const secondScreen, firstScreen = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"

// TestWatchInATerminal: a list in its place, drawn anew where it changes and
// when the terminal changes; Ctrl-C puts all back.
func TestWatchInATerminal(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api, "LC_ALL=C.UTF-8", "NO_COLOR=1"}
	x := openTerminal(t, command(t, dir, env, "runs", "list", "--watch"), 24, 80)
	at := x.until(0, "no runs here")
	run(t, command(t, dir, env, "runs", "start", "sleeper", "--id", "a"))
	at = x.until(at, "a   sleeper   ")
	run(t, command(t, dir, env, "runs", "cancel", "a"))
	at = x.until(at, "cancelled")
	if err := pty.Setsize(x.f, &pty.Winsize{Rows: 24, Cols: 30}); err != nil {
		t.Fatal(err)
	}
	at = x.until(at, "\x1b[2J") // all of it, for another size
	x.until(at, "a   sleeper")
	if _, err := io.WriteString(x.f, "\x03"); err != nil {
		t.Fatal(err)
	}
	if code := x.ended(); code != 0 || !strings.HasPrefix(x.shown(), secondScreen) || !strings.HasSuffix(x.shown(), firstScreen) {
		t.Errorf("after Ctrl-C: exit code %d\n%q", code, x.shown())
	}

	// A run: it ends by itself, and stays to be seen.
	run(t, command(t, dir, env, "runs", "start", "talker", "1", "--id", "b"))
	x = openTerminal(t, command(t, dir, env, "runs", "get", "b", "-w"), 40, 100)
	at = x.until(0, "receive end")
	run(t, command(t, dir, env, "runs", "update", "b", "add", "2"))
	at = x.until(at, "update add")
	run(t, command(t, dir, env, "runs", "send", "b", "end", `"bye"`))
	x.until(at, firstScreen)
	if code := x.ended(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	_, last, _ := strings.Cut(x.shown(), firstScreen)
	for _, want := range []string{"status    succeeded", `output    "bye"`, "receive end"} {
		if !strings.Contains(last, want) {
			t.Errorf("after the end is shown no %q:\n%s", want, last)
		}
	}
	p.stop()
}

// lines starts a command and returns what reads the lines it prints.
func lines(t *testing.T, cmd *exec.Cmd) (next func() string, end func() error) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
	t.Cleanup(func() { stop.Stop(); cmd.Process.Kill() })
	in := bufio.NewScanner(out)
	return func() string {
			t.Helper()
			if !in.Scan() {
				t.Fatalf("%v printed no more lines", cmd.Args)
			}
			return in.Text()
		}, func() error {
			for in.Scan() {
			}
			return cmd.Wait()
		}
}

// TestWatchInAPipe: a line for each change, of JSON when asked for.
func TestWatchInAPipe(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	run(t, command(t, dir, env, "runs", "start", "echo", "1", "--id", "before", "--wait", "10s"))

	list := command(t, dir, env, "runs", "list", "-w", "-o", "json", "--status", "running,waiting,succeeded")
	next, _ := lines(t, list)
	status := func() (id, is string) {
		t.Helper()
		var v struct{ ID, Status, Gone string }
		if line := next(); json.Unmarshal([]byte(line), &v) != nil {
			t.Fatalf("no JSON: %s", line)
		}
		return v.ID, v.Status + v.Gone
	}
	if id, is := status(); id != "before" || is != "succeeded" {
		t.Fatalf("first %s %s", id, is)
	}
	run(t, command(t, dir, env, "runs", "start", "sleeper", "--id", "a"))
	for id, is := status(); is != "waiting"; id, is = status() {
		if id != "a" || is != "running" {
			t.Fatalf("then %s %s", id, is)
		}
	}
	run(t, command(t, dir, env, "runs", "cancel", "a"))
	if id, is := status(); id != "" || is != "a" {
		t.Fatalf("a run that fits no more: %s %s", id, is)
	}
	list.Process.Signal(os.Interrupt)

	table := command(t, dir, env, "queues", "-w")
	next, end := lines(t, table)
	if head, one := next(), next(); !strings.HasPrefix(head, "QUEUE ") || !strings.Contains(one, " open ") {
		t.Errorf("queues: %s\n%s", head, one)
	}
	run(t, command(t, dir, env, "queues", "pause", "one"))
	if one := next(); !strings.Contains(one, " paused ") {
		t.Errorf("after the pause: %s", one)
	}
	table.Process.Signal(os.Interrupt)
	if err := end(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}

	run(t, command(t, dir, env, "runs", "start", "talker", "1", "--id", "b"))
	get := command(t, dir, env, "runs", "get", "b", "-w", "-o", "json")
	next, end = lines(t, get)
	seen := map[string]bool{}
	for !seen["run waiting"] || !seen["step receive"] {
		var v struct {
			Run  *struct{ Status string }
			Step *struct{ Kind, Status string }
		}
		line := next()
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Run == nil && v.Step == nil {
			t.Fatalf("%v: %s", err, line)
		}
		if v.Run != nil {
			seen["run "+v.Run.Status] = true
		} else {
			seen["step "+v.Step.Kind] = true
		}
	}
	run(t, command(t, dir, env, "runs", "send", "b", "end", `""`))
	if err := end(); err != nil {
		t.Errorf("after the end of the run: %v", err)
	}
	if got := run(t, command(t, dir, env, "runs", "get", "nope", "-w")); got.code != 1 || !strings.HasPrefix(got.stderr, `run "nope": not found`) {
		t.Errorf("a run that is not there: %+v", got)
	}
	p.stop()
}
