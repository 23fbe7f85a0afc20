package ui_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
)

// TestSchedulePages triggers, pauses, resumes and backfills a schedule.
func TestSchedulePages(t *testing.T) {
	tell := runtime.Define("tell", func(_ context.Context, t runtime.Tick) (runtime.Tick, error) { return t, nil })
	s := newSite(t, ui.Config{}, runtime.Cron("nightly", "0 3 * * *", tell, runtime.InZone("Europe/Berlin"), runtime.Overlap(runtime.OverlapSkip), runtime.Jitter(time.Minute)))
	do := func(what string, v url.Values, code int) answer {
		t.Helper()
		a := s.post("/ui/schedules/nightly/"+what, v)
		if a.code != code {
			t.Fatalf("%s: %d, want %d\n%s", what, a.code, code, a.body)
		}
		return a
	}
	doc := s.page("/ui/schedules")
	if body := text(doc); !strings.Contains(body, "every day at 03:00 · 0 3 * * *") || !strings.Contains(body, "A tick while a run is under way is left out") {
		t.Errorf("a schedule: %s", body)
	}
	if ticks := find(find(doc, "ol", "class", "ticks")[0], "li"); len(ticks) != 5 || !strings.Contains(text(ticks[0]), "03:00:00 CE") {
		t.Errorf("%d ticks", len(ticks))
	}
	key := typed(find(s.page("/ui/schedules/nightly/trigger"), "form", "id", "ask")[0])
	to := do("trigger", key, http.StatusSeeOther).header.Get("Location")
	if again := do("trigger", key, http.StatusSeeOther).header.Get("Location"); again != to || !strings.HasPrefix(to, "/ui/runs/nightly@") {
		t.Errorf("triggered %s, and sent twice %s", to, again)
	}
	s.page("/ui/schedules/nightly/pause")
	do("pause", nil, http.StatusSeeOther)
	if body := text(s.page("/ui/schedules")); !strings.Contains(body, "paused") || !strings.Contains(body, "once it is resumed") {
		t.Errorf("paused: %s", body)
	}
	do("resume", nil, http.StatusSeeOther)
	for _, c := range []struct{ from, until, want string }{
		{"", "x", "a date and a time"}, {"2026-01-05 00:00", "2026-01-01 00:00", "after the first"},
		{"2026-01-01 00:00", "2126-01-01 00:00", "has passed"}, {"2000-01-01 00:00", "2026-01-01 00:00", "More than 1"},
	} {
		a := do("backfill", url.Values{"from": {c.from}, "until": {c.until}, "do": {"start"}}, http.StatusBadRequest)
		if doc := s.check("backfill", a); !strings.Contains(text(doc), c.want) {
			t.Errorf("backfill from %q until %q lacks %q:\n%s", c.from, c.until, c.want, text(doc))
		}
	}
	v := url.Values{"from": {"2026-01-01 00:00"}, "until": {"2026-01-11 00:00"}, "do": {"count"}}
	if body := text(s.check("backfill", do("backfill", v, http.StatusOK))); !strings.Contains(body, "10 ticks, from 2026-01-01 02:00:00 to 2026-01-10 02:00:00") || strings.Contains(body, "started, of") {
		t.Errorf("counted: %s", body)
	}
	if runs, err := s.rt.List(t.Context(), runtime.Filter{Workflow: "tell"}); err != nil || len(runs) != 1 {
		t.Errorf("counting started %d runs: %v", len(runs)-1, err)
	}
	v.Set("do", "start")
	if body := text(s.check("backfill", do("backfill", v, http.StatusOK))); !strings.Contains(body, "10 runs started, of 10 ticks") {
		t.Errorf("backfilled: %s", body)
	}
	if body := text(s.check("backfill", do("backfill", v, http.StatusOK))); !strings.Contains(body, "0 runs started, of 10 ticks") {
		t.Errorf("backfilled again: %s", body)
	}
	if a := s.get("/ui/schedules/none/pause"); a.code != http.StatusNotFound {
		t.Errorf("no such schedule: %d", a.code)
	}
}
