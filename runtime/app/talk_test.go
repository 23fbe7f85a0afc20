package app_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTalk: messages, updates, events and streams from the command line.
func TestTalk(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	for _, c := range []struct {
		args string
		code int
		want string // a pattern for stdout, or for stderr when the code is not 0
	}{
		{"runs start talker 1 --id a", 0, `^id +a\n`},
		{"runs event a total --wait 10s", 0, `^1\n$`},
		{"runs event a nothing", 1, `^the run has not set the event yet\n`},
		{"runs event a nothing --wait 10ms", 1, `^the run has not set the event yet\n`},
		{"runs event nope total", 1, `^run "nope": not found\ntry: app.test runs list\n$`},
		{"runs update a add 2", 0, `^3\n$`},
		{"runs update a add 4 --key k", 0, `^7\n$`},
		{"runs update a add 4 --key k", 0, `^7\n$`},
		{"runs update a add -1", 2, `shorthand`}, // a flag; after -- it is an argument
		{"runs update a add -- -1", 1, `want more than 0\n`},
		{"runs update a multiply 2 --wait 50ms", 1, `^the run has not answered within 50ms; it will\ntry: app.test runs update a multiply --key `},
		{"runs event a total", 0, `^7\n$`},
		{"runs event a total -o json", 0, `(?s)^\{\n  "run_id": "a",\n.*"value": 7,\n`},
		{"runs stream a log", 0, `^\{"total":1\}\n\{"total":3\}\n\{"total":7\}\n$`},
		{"runs stream a log --offset 2 -o json", 0, `^\{"offset":2,"value":\{"total":7\}\}\n$`},
		{"runs stream a log --offset x", 2, `invalid argument "x"`},
		{"runs send a end \"now\" --key m", 0, `^sent\n$`},
		{"runs wait a --timeout 10s", 0, `output +"now"\n`},
		{"runs stream a log --follow", 0, `^\{"total":1\}\n\{"total":3\}\n\{"total":7\}\n$`},
		{"runs send a end \"now\"", 1, `ended`},
		{"runs send nope end 1", 1, `^run "nope": not found\n`},
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
	p.stop()
}

// TestJSON: every command that asks a server answers JSON when told to, one
// value or one a line.
func TestJSON(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	big := `{"for":"0s","n":12345678901234567890}`
	run(t, command(t, dir, env, "runs", "start", "echo", big, "--id", "big", "--wait", "10s"))
	_, clients := commands()
	var left []string
	for _, c := range clients {
		if c.Name() != "runs" { // prints help
			left = append(left, strings.TrimPrefix(c.CommandPath(), "stepwell "))
		}
	}
	for _, args := range []string{
		"workflows", "workflows list", "queues", "queues list", "queues set one --rate 9/1s", "queues pause one", "queues resume one", "queues reset one",
		"schedules", "schedules list", "schedules pause yearly", "schedules resume yearly", "schedules trigger yearly", "schedules backfill yearly --from 24h",
		"runs list", "runs list --status stuck", "runs start talker 1 --id a", "runs start echo 1 --wait 10s", "runs get a", "runs event a total --wait 10s",
		"runs update a add 1", "runs stream a log", "runs send a end \"x\"", "runs wait a", "runs steps a", "runs fork a --step 0 --id f", "runs set-version f v9",
		"runs cancel f", "runs resume f", "runs cancel --all --yes", "runs wait big", "runs delete --workflow talker --status succeeded --yes", "runs export big",
	} {
		command := command(t, dir, env, append(strings.Fields(args), "-o", "json")...)
		if strings.HasPrefix(args, "runs export") {
			command.Args = command.Args[:len(command.Args)-2] // prints nothing else
		}
		got := run(t, command)
		dec := json.NewDecoder(strings.NewReader(got.stdout))
		values := 0
		for dec.More() {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Errorf("%s: %v\n%s", args, err, got.stdout)
				break
			}
			values++
		}
		if got.code != 0 || values == 0 {
			t.Errorf("%s: exit code %d, %d values of JSON:\n%s%s", args, got.code, values, got.stdout, got.stderr)
		}
		left = slices.DeleteFunc(left, func(c string) bool { return args == c || strings.HasPrefix(args, c+" ") })
	}
	if len(left) > 0 {
		t.Errorf("not tried: %v", left)
	}
	if got := run(t, command(t, dir, env, "runs", "get", "big", "-o", "json")); !strings.Contains(got.stdout, "12345678901234567890") {
		t.Errorf("a large number was rounded:\n%s", got.stdout)
	}
	p.stop()
}
