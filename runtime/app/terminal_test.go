package app_test

import (
	"errors"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// inTerminal runs a command in a terminal of so many columns and returns what
// was written to it.
func inTerminal(t *testing.T, cmd *exec.Cmd, columns int) string {
	t.Helper()
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 30, Cols: uint16(columns)})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stop := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer stop.Stop()
	out, err := io.ReadAll(f)
	if err != nil && !errors.Is(err, syscall.EIO) { // how Linux ends a terminal
		t.Fatal(err)
	}
	cmd.Wait()
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

var painted = regexp.MustCompile(`\x1b\[[0-9]*m`)

// TestTerminal: what a person sees fits the terminal, is coloured unless that
// was declined, and is ASCII where nothing else can be shown; nothing that users
// wrote commands the terminal.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api, "LC_ALL=C.UTF-8", "NO_COLOR="}
	for _, args := range [][]string{
		{"runs", "start", "work", "{}", "--id", "a", "--wait", "10s"},
		{"runs", "start", "work", `{"fail":true}`, "--id", "b", "--wait", "10s"},
		{"runs", "start", "sleeper", "--id", "c", "--wait", "1ms"},
		{"runs", "start", "work", `{"for":"\u001b[2J"}`, "--id", "d", "--wait", "10s"},
	} {
		run(t, command(t, dir, env, args...))
	}
	for _, c := range []struct {
		args  []string
		env   string
		wants []string
		never string
	}{
		{[]string{"runs", "list"}, "", []string{"\x1b[1mID\x1b[0m", "\x1b[31mfailed\x1b[0m", "\x1b[32msucceeded\x1b[0m", "…", "now"}, "\x1b[2J"},
		{[]string{"runs", "list"}, "NO_COLOR=1", []string{"ID  WORKFLOW", "succeeded", "…"}, "\x1b"},
		{[]string{"runs", "list"}, "LC_ALL=C", []string{"..."}, "…"},
		{[]string{"runs", "list", "--utc"}, "", []string{"T", "Z"}, " ago"},
		{[]string{"runs", "list", "--workflow", "none"}, "", []string{"no runs here; try: app.test runs start"}, "WORKFLOW  "},
		{[]string{"runs", "get", "b"}, "", []string{"\x1b[31m", "0 work  ", "failed"}, "\x1b[2J"},
		{[]string{"runs", "get", "d"}, "", []string{"for \uFFFD[2J: "}, "\x1b[2J"},
		{[]string{"runs", "get", "a"}, "LC_ALL=C", []string{"0 work  ", "="}, "█"},
		{[]string{"runs", "get", "c"}, "", []string{"0 sleep  ", "─", "waiting"}, ""},
		{[]string{"runs", "steps", "a"}, "", []string{"PATH", "\"done\""}, ""},
		{[]string{"queues"}, "", []string{"QUEUE", "one", "open"}, ""},
		{[]string{"schedules"}, "", []string{"yearly", "in "}, ""},
		{[]string{"workflows"}, "", []string{"WORKFLOW", "sleeper"}, ""},
	} {
		got := inTerminal(t, command(t, dir, append(env, c.env), c.args...), 60)
		for _, want := range c.wants {
			if !strings.Contains(got, want) {
				t.Errorf("%v %s shows no %q:\n%s", c.args, c.env, want, got)
			}
		}
		if c.never != "" && strings.Contains(got, c.never) {
			t.Errorf("%v %s shows %q:\n%q", c.args, c.env, c.never, got)
		}
		for line := range strings.Lines(painted.ReplaceAllString(got, "")) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 60 && c.args[1%len(c.args)] != "get" && !strings.HasPrefix(line, "no runs here") {
				t.Errorf("%v: %d columns in a terminal of 60: %s", c.args, n, line)
			}
		}
	}
	// Where somebody looks, a bulk change counts before it begins.
	for _, id := range []string{"x1", "x2", "x3"} {
		run(t, command(t, dir, env, "runs", "start", "echo", "1", "--id", id, "--delay", "1h", "--label", "bulk=1"))
	}
	got := inTerminal(t, command(t, dir, env, "runs", "cancel", "--label", "bulk=1", "--yes"), 60)
	if !strings.HasSuffix(got, "3 runs cancelled\n") {
		t.Errorf("a bulk change: %q", got)
	}
	p.stop()
}
