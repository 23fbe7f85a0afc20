package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestCompletion: what a shell offers, asked as its script asks.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	for _, args := range []string{
		"runs start work {} --id good --label team=red --wait 10s",
		`runs start work {"fail":true} --id bad --label team=blue --wait 10s`,
		"runs start sleeper --id asleep --wait 1ms",
	} {
		run(t, command(t, dir, env, strings.Fields(args)...))
	}
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	const none, files = ":36", ":0"
	for _, c := range []struct {
		args string // the last word is what was typed so far; - stands for nothing
		want string // values, and the directive
	}{
		{"runs get -", "asleep bad good " + none},
		{"runs get g", "good " + none},
		{"runs get good -", ":4"},
		{"runs cancel -", "asleep " + none},
		{"runs cancel asleep -", none},
		{"runs delete -", "bad good " + none},
		{"runs delete good -", "bad " + none},
		{"runs wait -", "asleep " + none},
		{"runs send -", "asleep " + none},
		{"runs start -", "changing echo sleeper talker work " + none},
		{"runs start work -", "@ - " + none},
		{"runs start work @i", "@in.json " + none},
		{"runs start work --queue -", "one " + none},
		{"runs start work --id -", ":4"},
		{"runs list --status -", "queued delayed running waiting succeeded failed cancelled stuck " + none},
		{"runs list --status failed,s", "failed,succeeded failed,stuck " + none},
		{"runs list --workflow s", "sleeper " + none},
		{"runs list --label -", "team=blue team=red " + none},
		{"runs list --output -", "table json " + none},
		{"runs list -", ":4"},
		{"runs fork bad --step -", "0 " + none},
		{"runs export good -o -", files},
		{"queues pause -", "one " + none},
		{"schedules trigger -", "yearly " + none},
		{"completion -", "bash fish powershell zsh :4"},
		{"replay -", files},
		{"runs lis", "list :4"},
	} {
		args := strings.Fields(c.args)
		if args[len(args)-1] == "-" {
			args[len(args)-1] = ""
		}
		got := run(t, command(t, dir, env, append([]string{"__completeNoDesc"}, args...)...))
		if diff := cmp.Diff(strings.Fields(c.want), strings.Fields(got.stdout)); diff != "" || got.code != 0 {
			t.Errorf("%s: exit code %d (-want +got):\n%s", c.args, got.code, diff)
		}
	}
	got := run(t, command(t, dir, env, "__complete", "runs", "get", "b"))
	if !strings.HasPrefix(got.stdout, "bad\twork failed ") {
		t.Errorf("no description of a run: %q", got.stdout)
	}
	p.stop()

	// Without a server there is nothing to offer, at once, and nothing is said.
	for _, args := range []string{"runs get", "runs list --workflow", "queues pause", "runs fork x --step"} {
		began := time.Now()
		got := run(t, command(t, dir, env, append(append([]string{"__completeNoDesc"}, strings.Fields(args)...), "")...))
		if strings.TrimSpace(got.stdout) != none || strings.Contains(got.stderr, "no answer") || time.Since(began) > 5*time.Second {
			t.Errorf("%s without a server: %+v after %v", args, got, time.Since(began))
		}
	}
	// The scripts are there, and speak of this program.
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := run(t, command(t, dir, nil, "completion", shell)); got.code != 0 || !strings.Contains(got.stdout, "app.test") {
			t.Errorf("completion %s: %d, %d bytes", shell, got.code, len(got.stdout))
		}
	}
	if got := run(t, command(t, dir, nil, "--help")); !slices.Contains(strings.Fields(got.stdout), "completion") {
		t.Error("the help does not show completion")
	}
}
