package app_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestScheduleCommands(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	env := []string{"STEPWELL_URL=http://" + p.api}
	for _, c := range []struct {
		args string
		code int
		want string // a pattern for stdout, or for stderr when the code is not 0
	}{
		{"schedules list", 0, `^NAME +WORKFLOW +SPEC +ZONE +STATE +NEXT +LAST RUN +STARTED +SKIPPED\nyearly +echo +0 3 1 1 \* +UTC +active +\S+ \S+ +- +0 +0\n$`},
		{"schedules pause yearly", 0, `\nyearly .* paused +- +- `},
		{"schedules resume yearly", 0, `\nyearly .* active +[0-9]`},
		{"schedules trigger yearly --id a", 0, `^id +a\nworkflow +echo\n`},
		{"runs wait a", 0, `status +succeeded`},
		{"schedules backfill yearly --from 2020-01-01T00:00:00Z --until 2022-01-01T00:00:00Z", 0,
			`^yearly@2020-01-01T03:00:00Z\nyearly@2021-01-01T03:00:00Z\n2 ticks, 2 runs started\n$`},
		{"schedules backfill yearly --from 1s", 0, `^(yearly.*\n)?[01] ticks, [01] runs started\n$`},
		{"schedules backfill yearly", 2, `^schedules backfill takes --from, a time or a duration such as 24h before now\n$`},
		{"schedules backfill yearly --from soon", 2, `^from is "soon": want a time`},
		{"schedules pause nope", 1, `^schedule "nope": not found; known: yearly\n$`},
		{"schedules pause", 2, `takes SCHEDULE`},
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
	got := run(t, command(t, dir, env, "schedules", "list", "-o", "json"))
	var list struct{ Schedules []map[string]any }
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list.Schedules) != 1 || list.Schedules[0]["started"] != 3.0 {
		t.Errorf("as JSON: %v\n%s", err, got.stdout)
	}
}
