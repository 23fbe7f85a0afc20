package app_test

import (
	"strings"
	"testing"
)

// TestHints: an error says what to type instead.
func TestHints(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir, "STEPWELL_TOKENS=admin:secret,viewer:guest")
	url := "STEPWELL_URL=http://" + p.api
	admin := []string{url, "STEPWELL_TOKEN=secret"}
	run(t, command(t, dir, admin, "runs", "start", "echo", "1", "--id", "order-2026-0042", "--wait", "10s"))
	for _, c := range []struct {
		env  []string
		args string
		code int
		err  string // how stderr begins
		try  string
	}{
		{admin, "rnus list", 2, `unknown command "rnus": app.test takes completion, `, "app.test runs list"},
		{admin, "runs lsit", 2, `unknown command "lsit": app.test runs takes cancel, `, "app.test runs list"},
		{admin, "runs frobnicate", 2, `unknown command "frobnicate"`, ""},
		{admin, "runs list --stats failed", 2, `unknown flag: --stats; app.test runs list takes --`, "--status"},
		{admin, "runs list --status faild", 2, `unknown status "faild": want queued, `, "--status failed"},
		{admin, "runs cancel --status running,wating --yes", 2, `the body: unknown status "wating"`, "--status waiting"},
		{admin, "runs get order-2026-0043", 1, `run "order-2026-0043": not found`, "app.test runs get order-2026-0042"},
		{admin, "runs get order-2026", 1, `run "order-2026": not found`, "app.test runs get order-2026-0042"},
		{admin, "runs fork order-2026-0042 --step 9", 1, `step 9 of run`, ""},
		{admin, "runs get something-else", 1, `run "something-else": not found`, "app.test runs list"},
		{admin, "runs start ehco {}", 1, `workflow "ehco": not found; registered: `, "app.test runs start echo '{}'"},
		{admin, "runs start work {", 2, `input of work: malformed JSON at byte 1`, `app.test runs start work '{`},
		{admin, "runs start work {\"for\":1}", 2, `input of work: `, `app.test runs start work '{`},
		{admin, "queues pause oen", 1, `queue "oen": not found`, "app.test queues pause one"},
		{admin, "schedules trigger yeraly", 1, `schedule "yeraly": not found`, "app.test schedules trigger yearly"},
		{[]string{url}, "runs list", 1, `want a token`, "a token, in STEPWELL_TOKEN or --token"},
		{[]string{url, "STEPWELL_TOKEN=wrong"}, "runs list", 1, `want a token`, "another token in STEPWELL_TOKEN or --token"},
		{[]string{url, "STEPWELL_TOKEN=guest"}, "runs cancel x", 1, ``, "the token of an admin, in STEPWELL_TOKEN or --token"},
		{[]string{"STEPWELL_URL=http://127.0.0.1:1"}, "runs list", 1, `no answer from http://127.0.0.1:1: `, "app.test serve, or say where the server is with --url or STEPWELL_URL"},
		{[]string{"STEPWELL_URL=nowhere"}, "runs list", 2, `STEPWELL_URL is "nowhere": want a URL such as`, ""},
		{admin, "runs list -o yaml", 2, `--output is "yaml": want table or json`, ""},
	} {
		got := run(t, command(t, dir, c.env, strings.Fields(c.args)...))
		first, rest, _ := strings.Cut(got.stderr, "\n")
		try, _ := strings.CutPrefix(strings.TrimSpace(rest), "try: ")
		if got.code != c.code || got.stdout != "" || !strings.HasPrefix(first, c.err) || !strings.HasPrefix(try, c.try) || (try == "") != (c.try == "") {
			t.Errorf("%s: exit code %d, want %d, %q and %q\nstdout: %s\nstderr: %s", c.args, got.code, c.code, c.err, c.try, got.stdout, got.stderr)
		}
	}
	p.stop()
}

// TestHintOfMany: what is offered is about the argument that was not found, does
// nothing again, and for a command that destroys is never ready to be pasted.
func TestHintOfMany(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	for _, id := range []string{"p-1", "p-2", "p-2:8.2.0", "order-17", "order-18", "order-19"} {
		if got := run(t, command(t, dir, env, "runs", "start", "echo", "1", "--id", id, "--wait", "10s")); got.code != 0 {
			t.Fatal(got.stderr)
		}
	}
	for _, c := range []struct {
		args []string
		want string // the second line of stderr
	}{
		{[]string{"runs", "delete", "p-2", "nope", "p-1"}, "try: app.test runs list"},
		{[]string{"runs", "delete", "order-16", "order-19"}, "near: order-18, order-17"},
		{[]string{"runs", "cancel", "ordre-17"}, "near: order-17, order-19, order-18"},
		{[]string{"runs", "fork", "order-170"}, "near: order-17, order-19, order-18"},
		{[]string{"runs", "resume", "ordr-17"}, "near: order-17, order-19, order-18"},
		{[]string{"runs", "delte", "order-17"}, "near: delete"},
		{[]string{"queues", "pause", "one", "oen", "two"}, ""},
		{[]string{"runs", "start", "ehco", `{"n":1}`}, `try: app.test runs start echo '{"n":1}'`},
		{[]string{"runs", "strat", "echo", `"it's"`}, `try: app.test runs start echo '"it'\''s"'`},
		{[]string{"runs", "send", "order-20", "topic", "--", "-1"}, "try: app.test runs send -- order-19 topic -1"},
	} {
		got := run(t, command(t, dir, env, c.args...))
		_, rest, _ := strings.Cut(got.stderr, "\n")
		if rest = strings.TrimSpace(rest); got.code == 0 || rest != c.want {
			t.Errorf("%q: exit code %d, want %q\nstderr: %s", c.args, got.code, c.want, got.stderr)
		}
	}
	if got := run(t, command(t, dir, env, "runs", "get", "p-1")); got.code != 0 {
		t.Errorf("a run behind the one that was not found is gone: %s", got.stderr)
	}
	p.stop()
}
