package ticks

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustParse(tb testing.TB, spec, zone string) *Ticks {
	tb.Helper()
	t, err := Parse(spec, zone)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func moment(tb testing.TB, s string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		name, spec, zone, from string
		want                   []string // in the zone
	}{
		{"five fields", "30 2 * * *", "UTC", "2026-01-01T02:30:00Z", []string{"2026-01-02T02:30:00Z", "2026-01-03T02:30:00Z"}},
		{"six fields", "15 30 2 * * *", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-01T02:30:15Z"}},
		{"within a second", "* * * * * *", "UTC", "2026-01-01T00:00:00.9Z", []string{"2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"}},
		{"descriptor", "@weekly", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		{"every", "@every 90s", "UTC", "2026-01-01T00:00:10Z", []string{"2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"}},
		{"zone", "0 3 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", []string{"2026-01-02T03:00:00+05:30"}},
		{"leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},

		// In spring 02:00 to 03:00 does not exist in Berlin: what was due then
		// comes at once when the clock goes on, and only once.
		{"spring, within the gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"spring, often within the gap", "*/20 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"spring, the end of the gap too", "0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"spring, outside the gap", "0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"}},
		{"spring, every hour", "30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"}},
		{"spring at midnight", "@daily", "Asia/Beirut", "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T01:00:00+03:00", "2026-03-30T00:00:00+03:00"}},

		// In autumn 02:00 to 03:00 comes twice: a time of day counts the first
		// time, what runs every hour runs in both.
		{"autumn, not twice", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"autumn, from between the two", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z",
			[]string{"2026-10-26T02:30:00+01:00"}},
		{"autumn, behind the repeated hour", "0 3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00"}},
		{"autumn, every hour", "30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z",
			[]string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"autumn, every second hour", "0 */2 * * *", "America/New_York", "2026-11-01T04:30:00Z",
			[]string{"2026-11-01T02:00:00-05:00", "2026-11-01T04:00:00-05:00"}},
		{"half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			[]string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ticks := mustParse(t, c.spec, c.zone)
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			at := moment(t, c.from)
			for range c.want {
				at = ticks.After(at)
				got = append(got, at.In(zone).Format(time.RFC3339))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":                   "five cron fields",
		"* * * *":            "five cron fields",
		"61 * * * *":         "above maximum",
		"@reboot":            "descriptor",
		"@every":             "five cron fields",
		"@every soon":        "whole seconds",
		"@every 10ms":        "whole seconds",
		"@every 1500ms":      "whole seconds",
		"TZ=UTC":             "beside the expression",
		"CRON_TZ=UTC * * *":  "beside the expression",
		"0 0 30 2 *":         "no such day",
		"* * * * * * 2026 1": "five cron fields",
	} {
		if _, err := Parse(spec, "UTC"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want it to say %q", spec, err, want)
		}
	}
	for _, zone := range []string{"", "Local", "Mars/Olympus", "../etc"} {
		if _, err := Parse("@daily", zone); err == nil || !strings.Contains(err.Error(), "IANA") {
			t.Errorf("zone %q: got %v", zone, err)
		}
	}
}

func TestLatest(t *testing.T) {
	for _, c := range []struct{ spec, at, want string }{
		{"0 3 * * *", "2026-05-10T12:00:00Z", "2026-05-10T03:00:00Z"},
		{"0 3 * * *", "2026-05-10T03:00:00Z", "2026-05-10T03:00:00Z"},
		{"0 3 * * *", "2026-05-10T02:59:59Z", "2026-05-09T03:00:00Z"},
		{"* * * * * *", "2026-05-10T02:59:59.5Z", "2026-05-10T02:59:59Z"},
		{"0 0 29 2 *", "2026-05-10T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"@every 1h30m", "2026-05-10T02:00:00Z", "2026-05-10T01:30:00Z"},
	} {
		if got := mustParse(t, c.spec, "UTC").Latest(moment(t, c.at)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.spec, c.at, got, c.want)
		}
	}
}

// FuzzTicks: whatever is accepted gives ticks that grow, each after the moment
// asked for, and Latest agrees with After.
func FuzzTicks(f *testing.F) {
	for _, spec := range []string{"30 2 * * *", "*/7 * * * * *", "@every 61s", "0 0 31 * 1", "@monthly", "5/13 1-3,9 L * *", "TZ=a", "*/0 * * * *"} {
		f.Add(spec, "Europe/Berlin", int64(1_774_742_400))
		f.Add(spec, "America/St_Johns", int64(1_793_491_200))
	}
	f.Fuzz(func(t *testing.T, spec, zone string, sec int64) {
		ticks, err := Parse(spec, zone)
		if err != nil {
			return
		}
		at := time.Unix(mod(sec, 4_000_000_000), 0)
		for range 20 {
			next := ticks.After(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("%q in %s: %v after %v", spec, zone, next, at)
			}
			if last := ticks.Latest(next); !last.Equal(next) {
				t.Fatalf("%q in %s: the latest at %v is %v", spec, zone, next, last)
			}
			at = next
		}
	})
}
