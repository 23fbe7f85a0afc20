package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestRuns(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "STEPWELL_TOKENS=admin:secret")
	if err := os.WriteFile(filepath.Join(dir, "in.json"), []byte(`{"for":"1ms"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"STEPWELL_URL=http://" + p.api, "STEPWELL_TOKEN=secret"}
	for _, c := range []struct {
		args string
		code int
		want string // a pattern for stdout, or for stderr when the code is not 0
	}{
		{"runs start work @in.json --id a --label team=red --priority 3 --wait 10s", 0, `(?s)^id +a\nworkflow +work\nstatus +succeeded\ninput +\{"for":"1ms"\}\noutput +"done"\npriority +3\nlabels +team=red\n`},
		{"runs start work {\"fail\":true} --id b", 0, `status +(running|failed)`},
		{"runs wait b --timeout 10s", 1, `^run b is failed\ntry: app.test runs get b\n$`},
		{"runs start sleeper --id c", 0, `^id +c\n`},
		{"runs wait c --timeout 10ms", 1, `^run c is (running|waiting)\ntry: app.test runs wait c\n$`},
		{"runs start echo [1] --id d --delay 1h --queue one", 0, `status +delayed`},
		{"runs list", 0, `^ID +WORKFLOW +STATUS +QUEUE +CREATED +TOOK +ERROR\nd +echo +delayed +one .*\nc .*\nb +work +failed .*told to fail\na +work +succeeded`},
		{"runs list --label team=red", 0, `^ID.*\na +work .*\n$`},
		{"runs list --limit 1", 0, `^ID.*\nd .*\nmore with --cursor \S+\n$`},
		{"runs list --status done", 2, `^unknown status "done": want queued`},
		{"runs get b", 0, `error +step "work" failed at attempt 1: told to fail\n`},
		{"runs get nope", 1, `^run "nope": not found\ntry: app.test runs list\n$`},
		{"runs steps a", 0, `^PATH +KIND +NAME +STATUS +ATTEMPTS +STARTED +TOOK +RESULT\n0 +step +work +succeeded +1 .*"done"\n$`},
		{"runs cancel c d", 0, `(?s)^id +c\n.*id +d\n`},
		{"runs wait c", 1, `^run c is cancelled\n$`},
		{"runs fork c --id h", 0, `^id +h\n`},
		{"runs steps h", 0, `\n0 +sleep +- +waiting \(copied\) `},
		{"runs list --version nope", 0, `^ID.*\n$`},
		{"runs set-version h v9", 0, `(?s)^id +h\n.*version +v9\n`},
		{"runs list --version v9", 0, `^ID.*\nh .*\n$`},
		{"runs set-version d v9", 1, `it has ended: cancelled\n$`},
		{"runs set-version h", 2, `takes RUN-ID VERSION`},
		{"runs resume c", 0, `^id +c\n`},
		{"runs resume a", 1, `only a stuck or cancelled run can be resumed`},
		{"runs fork b --id f", 0, `(?s)^id +f\n.*forked from +b\n`},
		{"runs delete a", 0, `^run a is deleted\n$`},
		{"runs get a", 1, `^run "a": not found\ntry: app.test runs list\n$`},
		{"runs delete c", 1, `only a run that has ended can be deleted`},
		{"runs delete", 2, `^runs delete takes RUN-ID\.\.\. or a filter such as --status or --label; --all means all\n$`},
		{"runs delete b -o json", 0, `(?s)^\{\n  "deleted": "b"\n\}\n$`},
		{"runs start work @in.json --id a --wait 10s", 0, `status +succeeded`},
		{"runs fork a --step 0 --id g", 0, `^id +g\n`},
		{"runs wait g", 0, `status +succeeded`},
		{"runs fork a", 2, `^run a is succeeded: name the step to fork it at\n$`},
		{"runs fork a --step work", 2, `^step "work": want the path of a step`},
		{"runs fork a --step 5", 1, `^step 5 of run "a": not found\n$`},
		{"runs start nope", 1, `^workflow "nope": not found; registered: changing, echo, sleeper, talker, work\n`},
		{"runs start work {", 2, `^input of work: malformed JSON at byte 1`},
		{"runs list --token wrong", 1, `^want a token: Authorization: Bearer SECRET\ntry: another token in STEPWELL_TOKEN`},
	} {
		got := run(t, command(t, dir, env, strings.Fields(c.args)...))
		text := got.stdout
		if c.code != 0 {
			text = got.stderr
		}
		if got.code != c.code || !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%s: exit code %d, want %d and %s\nstdout: %s\nstderr: %s", c.args, got.code, c.code, c.want, got.stdout, got.stderr)
		}
	}
	// The code that made them fits, other code does not.
	for _, id := range []string{"a", "c", "d"} {
		if got := run(t, command(t, dir, env, "runs", "export", id, "-o", id+".json")); got.code != 0 || got.stdout != "" {
			t.Fatalf("export: %+v", got)
		}
	}
	printed := run(t, command(t, dir, env, "runs", "export", "a"))
	data, err := os.ReadFile(filepath.Join(dir, "a.json"))
	if err != nil || printed.code != 0 || printed.stdout != string(data) {
		t.Errorf("export to standard output: %+v, %v; want what the file holds:\n%s", printed, err, data)
	}
	for name, text := range map[string]string{
		"other.json": strings.Replace(string(data), `"name": "work"`, `"name": "toil"`, 1),
		"newer.json": strings.Replace(string(data), `"stepwell_history": 1`, `"stepwell_history": 2`, 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := "a.json: ok: run a of work, 1 rows\n" +
		`other.json: FAILED: replay run a of work: code does not match the history: at 0 the history has step "toil", the code came with step "work"` + "\n" +
		"newer.json: FAILED: not a history this version can read: it is of format 2, this version reads 1 to 1\n" +
		"none.json: FAILED: open none.json: no such file or directory\n"
	if got := run(t, command(t, dir, nil, "replay", "a.json", "other.json", "newer.json", "none.json")); got.code != 1 || got.stdout != want || got.stderr != "3 of 4 histories do not fit\n" {
		t.Errorf("replay: %+v; want\n%s", got, want)
	}
	if got := run(t, command(t, dir, nil, "replay", "a.json", "c.json", "d.json")); got.code != 0 || strings.Count(got.stdout, ": ok: ") != 3 {
		t.Errorf("replay: %+v", got)
	}
	if got := run(t, command(t, dir, nil, "replay", "a.json", "other.json", "-o", "json")); got.code != 1 || !json.Valid([]byte(got.stdout)) || strings.Count(got.stdout, `"ok": true`) != 1 {
		t.Errorf("replay as JSON: %+v", got)
	}
	if got := run(t, command(t, dir, nil, "replay")); got.code != 2 {
		t.Errorf("replay without a file: %+v", got)
	}
	for _, args := range []string{"runs list -o json", "runs get a -o json", "runs steps a -o json", "runs start work {} -o json"} {
		if got := run(t, command(t, dir, env, strings.Fields(args)...)); got.code != 0 || !json.Valid([]byte(got.stdout)) {
			t.Errorf("%s: exit code %d, no JSON:\n%s%s", args, got.code, got.stdout, got.stderr)
		}
	}
	p.stop()
}

// TestRetentionDeletes: what the setting says happens in a whole process.
func TestRetentionDeletes(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "STEPWELL_RETENTION=succeeded=1s")
	env := []string{"STEPWELL_URL=http://" + p.api}
	for _, args := range []string{"runs start echo 1 --id a --wait 10s", "runs start work {\"fail\":true} --id b --wait 10s"} {
		run(t, command(t, dir, env, strings.Fields(args)...))
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		resp, err := http.Get("http://" + p.api + "/v1/runs/a")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusNotFound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the run is still there after 20 s")
		}
	}
	if got := run(t, command(t, dir, env, "runs", "get", "b")); got.code != 0 {
		t.Errorf("a run that is to be kept: %+v", got)
	}
	p.stop()
}

func TestHealthcheck(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	check := func() result {
		return run(t, command(t, dir, []string{"STEPWELL_HEALTH_ADDR=" + p.health}, "healthcheck"))
	}
	if got := check(); got.code != 0 || got.stdout != "ok\n" {
		t.Errorf("healthcheck: %+v", got)
	}
	// It finds a listener on all interfaces, too.
	any := strings.Replace(p.health, "127.0.0.1", "0.0.0.0", 1)
	if got := run(t, command(t, dir, nil, "healthcheck", "--health-addr", any)); got.code != 0 {
		t.Errorf("healthcheck of %s: %+v", any, got)
	}
	// The wrong listener.
	if got := run(t, command(t, dir, nil, "healthcheck", "--health-addr", p.api)); got.code != 1 {
		t.Errorf("healthcheck of the API: %+v", got)
	}
	p.stop()
	if got := check(); got.code != 1 {
		t.Errorf("healthcheck after the stop: %+v", got)
	}
}

func TestHelp(t *testing.T) {
	got := run(t, command(t, t.TempDir(), nil, "help", "config"))
	for _, name := range []string{
		"STEPWELL_ADDR", "PORT", "STEPWELL_HEALTH_ADDR", "STEPWELL_STORE", "STEPWELL_REPLICA", "STEPWELL_REPLICA_ACK", "STEPWELL_TOKENS",
		"STEPWELL_AUTH", "STEPWELL_VERSION", "STEPWELL_RETENTION", "STEPWELL_DRAIN", "STEPWELL_URL", "STEPWELL_TOKEN", "OTEL_",
	} {
		if !strings.Contains(got.stdout, name) {
			t.Errorf("help config does not show %s:\n%s", name, got.stdout)
		}
	}
	if got := run(t, command(t, t.TempDir(), nil, "version")); got.code != 0 || !strings.HasPrefix(got.stdout, "app.test ") {
		t.Errorf("version: %+v", got)
	}
	if got := run(t, command(t, t.TempDir(), nil, "runs")); got.code != 0 || !strings.Contains(got.stdout, "list") {
		t.Errorf("runs: %+v", got)
	}
}

// TestRunsInBulk: the filter of a list, put to use.
func TestRunsInBulk(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	for i := range 1100 {
		resp, err := http.Post(fmt.Sprintf("http://%s/v1/workflows/echo/runs?id=e%d&delay=1h&label.part=%d", p.api, i, i%10), "application/json", strings.NewReader("1"))
		if err != nil || resp.StatusCode != http.StatusAccepted {
			t.Fatal(err, resp)
		}
		resp.Body.Close()
	}
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string // patterns
	}{
		{"runs list --status delayed --workflow echo --label part=3 --since 1h --until 0s --limit 2", 0, `^ID.*\ne1093 .*\ne1083 .*\nmore with --cursor`, `^$`},
		{"runs list --queue one", 0, `^ID.*\n$`, `^$`},
		{"runs list --parent e1", 0, `^ID.*\n$`, `^$`},
		{"runs list --since 0s", 0, `^ID.*\n$`, `^$`},
		{"runs cancel --label part=3 --dry-run", 0, `^110 runs fit\n$`, `^$`},
		{"runs cancel --label part=3", 1, `^110 runs fit\n$`, `^nothing was cancelled: add --yes to do it\n$`},
		{"runs cancel --label part=3 --yes", 0, `^110 runs cancelled\n$`, `^$`},
		{"runs list --status cancelled --label part=4", 0, `^ID.*\n$`, `^$`},
		{"runs resume --label part=3 --yes", 0, `^0 runs resumed\n$`, `^$`},
		{"runs resume --label part=3 --status cancelled --yes -o json", 0, `"changed": 110,`, `^$`},
		{"runs cancel --status delayed,waiting --yes", 0, `^990 runs cancelled\n$`, `^$`},
		{"runs wait e3 --timeout 10s", 0, `succeeded`, `^$`},
		{"runs delete --all --yes", 0, `^1100 runs deleted\n$`, `^$`},
		{"runs delete --status done --yes", 2, `^$`, `unknown status "done"`},
		{"runs delete --status running --yes", 2, `^$`, `^a run that is running cannot be deleted: want succeeded, failed, cancelled\n$`},
		{"runs delete e1 --all", 2, `^$`, `^runs delete takes ids or a filter, not both\n$`},
		{"runs delete --yes", 2, `^$`, `takes RUN-ID... or a filter`},
		{"runs cancel --label x", 2, `^$`, `^--label is "x": want NAME=VALUE\n$`},
	} {
		got := run(t, command(t, dir, env, strings.Fields(c.args)...))
		if got.code != c.code || !regexp.MustCompile(c.stdout).MatchString(got.stdout) || !regexp.MustCompile(c.stderr).MatchString(got.stderr) {
			t.Errorf("%s: exit code %d, want %d, %s and %s\nstdout: %s\nstderr: %s", c.args, got.code, c.code, c.stdout, c.stderr, got.stdout, got.stderr)
		}
	}
	p.stop()
}
