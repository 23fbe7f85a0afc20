package app_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestQueues(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	const head = `^QUEUE +DEPTH +RUNNING +STATE +CONCURRENCY +PER EXECUTOR +RATE +PER PARTITION +SETTINGS\n`
	for _, c := range []struct {
		args string
		code int
		want string // a pattern for stdout, or for stderr when the code is not 0
	}{
		{"queues list", 0, head + `one +0 +0 +open +1 +- +- +- +of the program\n$`},
		{"queues pause one", 0, head + `one +0 +0 +paused +1 +- +- +- +changed\n$`},
		{"runs start echo [1] --id a --queue one --partition acme", 0, `(?s)status +queued.*queue +one\npartition +acme\n`},
		{"queues list", 0, head + `one +1 +0 +paused `},
		{"queues set one --rate 100/1m+20 --concurrency 0 --per-executor 3 --partition-concurrency 2 --partition-rate 1/1s", 0, head + `one +1 +0 +paused +- +3 +100/1m\+20 +2 1/1s +changed\n$`},
		{"queues reset one", 0, `one +[01] +[01] +open +1 +- +- +- +of the program\n$`},
		{"runs wait a --timeout 10s", 0, `status +succeeded`},
		{"runs start sleeper --id b --dedup k", 0, `(?s)^id +b\n.*key +k\n`},
		{"runs start sleeper --dedup k", 0, `^id +b\n`},
		{"runs start sleeper --dedup k --on-duplicate reject", 1, `^run exists: run b has the key "k" and has not ended\n$`},
		{"runs start echo [1] --id c --debounce k --quiet 1h --max-wait 2h", 0, `(?s)^id +c\n.*status +delayed`},
		{"runs start echo [2] --debounce k --quiet 1h --max-wait 2h", 0, `(?s)^id +c\n.*input +\[2\]`},
		{"queues resume one", 0, `one +0 +0 +open `},
		{"queues pause two", 1, `^queue "two": not found; registered: one\n$`},
		{"queues set one", 2, `^nothing to set: want some of --concurrency, --per-executor, --rate, --partition-concurrency and --partition-rate\n`},
		{"queues set one --rate fast", 2, `rate "fast": want LIMIT/PER or LIMIT/PER\+BURST`},
		{"queues pause", 2, `takes QUEUE...`},
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
	if got := run(t, command(t, dir, env, "queues", "list", "-o", "json")); got.code != 0 || !json.Valid([]byte(got.stdout)) {
		t.Errorf("queues list -o json: exit code %d, no JSON:\n%s%s", got.code, got.stdout, got.stderr)
	}
	p.stop()
}
