package app_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/runtime/app"
)

// commands returns all commands that can be run, and those of them that ask a
// server.
func commands() (all, clients []*cobra.Command) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Runnable() && c.HasParent() {
			all = append(all, c)
			if c.Flag("url") != nil {
				clients = append(clients, c)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(app.Tree())
	return all, clients
}

// words splits a line as a shell does, single quotes only.
func words(t *testing.T, line string) []string {
	t.Helper()
	var out []string
	var word strings.Builder
	quoted, open := false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, open = !quoted, true
		case r == ' ' && !quoted:
			if open {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quoted {
		t.Fatalf("a quote is not closed: %s", line)
	}
	if open {
		out = append(out, word.String())
	}
	return out
}

// TestExamples: each command has examples, and they are right.
func TestExamples(t *testing.T) {
	all, _ := commands()
	for _, c := range all {
		if c.Name() == "help" || strings.Contains(c.CommandPath(), " completion") {
			continue // cobra's, with a text of their own
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			args := words(t, strings.TrimSpace(line))
			root := app.Tree()
			if args[0] != "stepwell" {
				t.Errorf("%s: %s does not begin with the program", c.CommandPath(), line)
			}
			found, rest, err := root.Find(args[1:])
			if err != nil || found.CommandPath() != c.CommandPath() && !strings.HasPrefix(found.CommandPath(), c.CommandPath()) {
				t.Errorf("%s is not about %s: %v", line, c.CommandPath(), err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %v", line, err)
			} else if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			for _, a := range found.Flags().Args() {
				if strings.HasPrefix(a, "{") && !json.Valid([]byte(a)) {
					t.Errorf("%s: %s is no JSON", line, a)
				}
			}
		}
	}
}

// TestExitCodes: 2 is wrong usage, of every command; 1 that it failed.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	nowhere := []string{"STEPWELL_URL=http://127.0.0.1:1", "STEPWELL_HEALTH_ADDR=127.0.0.1:1"}
	exits := func(want int, says string, args ...string) {
		t.Helper()
		got := run(t, command(t, dir, nowhere, args...))
		if got.code != want || got.stdout != "" || !strings.Contains(got.stderr, says) {
			t.Errorf("%q: exit code %d, want %d and %q\nstdout: %s\nstderr: %s", args, got.code, want, says, got.stdout, got.stderr)
		}
	}
	all, clients := commands()
	for _, c := range all {
		path := strings.Fields(c.CommandPath())[1:]
		exits(2, "unknown flag: --nonsense", append(path, "--nonsense")...)
		if !strings.Contains(c.Use, "...") {
			exits(2, "", append(path, "a", "b", "c", "d", "e")...)
		}
		if slices.Contains(clients, c) && c.Name() != "export" && c.Name() != "runs" {
			exits(2, `want table or json`, append(words(t, strings.TrimSpace(strings.Split(c.Example, "\n")[0]))[1:], "-o", "xml")...)
		}
	}
	for _, c := range clients {
		for line := range strings.Lines(c.Example) {
			says := "no answer from http://127.0.0.1:1"
			if strings.Contains(line, "@") {
				says = "no such file"
			}
			exits(1, says, words(t, strings.TrimSpace(line))[1:]...)
		}
	}
	exits(2, "unknown command", "help", "nonsense")
	exits(2, "unknown command \"tcsh\"", "completion", "tcsh")
	exits(2, "unknown command \"lst\"", "help", "runs", "lst")
	exits(1, "no answer from the health listener", "healthcheck")
}
