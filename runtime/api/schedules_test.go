package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestSchedules(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	list := s.do(t, "GET", "/v1/schedules", "")
	all, _ := list.json(t)["schedules"].([]any)
	if list.status != 200 || len(all) != 1 {
		t.Fatalf("list: %d %s", list.status, list.body)
	}
	got, _ := all[0].(map[string]any)
	at, err := time.Parse(time.RFC3339, fmt.Sprint(got["next_at"]))
	if err != nil || at.Before(time.Now()) || at.Day() != 1 || at.Month() != time.January {
		t.Errorf("next_at is %v", got["next_at"])
	}
	delete(got, "next_at")
	want := map[string]any{
		"name": "yearly", "workflow": "echo", "spec": "0 3 1 1 *", "zone": "Europe/Berlin", "defined": true, "paused": false,
		"started": 0.0, "skipped": 0.0, "missed": "all", "within": "48h0m0s", "overlap": "skip", "jitter": "1m0s",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	if a := s.do(t, "POST", "/v1/schedules/yearly/pause", ""); a.status != 200 || a.json(t)["paused"] != true || a.get(t, "next_at") != "" {
		t.Errorf("pause: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/schedules/yearly/resume", ""); a.status != 200 || a.json(t)["paused"] != false || a.get(t, "next_at") == "" {
		t.Errorf("resume: %d %s", a.status, a.body)
	}
	for range 2 { // the same key is the same run
		a := s.do(t, "POST", "/v1/schedules/yearly/trigger", "", "Idempotency-Key", "now")
		if a.status != 202 || a.get(t, "id") != "now" || a.get(t, "workflow") != "echo" || a.header.Get("Location") != "/v1/runs/now" {
			t.Errorf("trigger: %d %s", a.status, a.body)
		}
	}
	if a := s.do(t, "POST", "/v1/schedules/yearly/trigger", ""); a.status != 202 || !strings.HasPrefix(a.get(t, "id"), "yearly@") {
		t.Errorf("trigger without a key: %d %s", a.status, a.body)
	}
	if a := s.do(t, "POST", "/v1/schedules/yearly/trigger?id=now", ""); a.status != 202 || a.get(t, "id") != "now" {
		t.Errorf("trigger with an id: %d %s", a.status, a.body)
	}
	for _, created := range []float64{3, 0} {
		a := s.do(t, "POST", "/v1/schedules/yearly/backfill", `{"from":"2020-01-01T00:00:00Z","until":"2022-06-01T00:00:00+02:00"}`)
		want := map[string]any{"created": created, "runs": []any{"yearly@2020-01-01T02:00:00Z", "yearly@2021-01-01T02:00:00Z", "yearly@2022-01-01T02:00:00Z"}}
		if d := cmp.Diff(want, a.json(t)); a.status != 202 || d != "" {
			t.Errorf("backfill: %d %s", a.status, d)
		}
	}
	if a := s.do(t, "POST", "/v1/schedules/yearly/backfill", `{"from":"24h"}`); a.status != 202 {
		t.Errorf("backfill until now: %d %s", a.status, a.body)
	}
	if got := s.page(t, "?label.stepwell.schedule=yearly").ids; len(got) < 5 {
		t.Errorf("runs of the schedule: %q", got)
	}
}
