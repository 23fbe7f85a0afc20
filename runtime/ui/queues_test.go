package ui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
)

// TestQueuePages pauses, changes and resets a queue.
func TestQueuePages(t *testing.T) {
	s := newSite(t, ui.Config{}, runtime.NewQueue("mails", runtime.QueueConfig{Concurrency: 1, Rate: runtime.Rate{Limit: 100, Per: time.Minute, Burst: 20}}))
	config := func() runtime.QueueConfig {
		t.Helper()
		all, err := s.rt.Queues(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatalf("queues: %v, %v", all, err)
		}
		return all[0].Config
	}
	do := func(path string, v url.Values, code int) answer {
		t.Helper()
		a := s.post("/ui/queues/"+path, v)
		if a.code != code {
			t.Fatalf("%s: %d, want %d\n%s", path, a.code, code, a.body)
		}
		return a
	}
	if body := text(s.page("/ui/queues")); !strings.Contains(body, "1 at once; 100 every min, up to 20 at once") {
		t.Errorf("the bounds: %s", body)
	}
	s.page("/ui/queues/mails/pause")
	do("mails/pause", nil, http.StatusSeeOther)
	if !config().Paused {
		t.Error("it is not paused")
	}
	s.start("gated", `{}`, runtime.OnQueueNamed("mails"))
	if body := text(s.page("/ui/queues")); !strings.Contains(body, "paused") || !strings.Contains(body, "ResumeReset") || !strings.Contains(body, " s ago") {
		t.Errorf("a paused queue: %s", body)
	}
	_, v := s.queueForm(s.get("/ui/queues/mails"), http.StatusOK)
	if v.Get("rate") != "100/1m+20" || v.Get("concurrency") != "1" {
		t.Errorf("the form: %v", v)
	}
	v.Set("rate", "often")
	v.Set("per_executor", "-1")
	body, v := s.queueForm(do("mails", v, http.StatusBadRequest), http.StatusBadRequest)
	if !strings.Contains(body, "want LIMIT/PER") || !strings.Contains(body, "0 or more") || v.Get("rate") != "often" {
		t.Errorf("bounds that are none: %s %v", body, v)
	}
	v.Set("rate", "5/1h")
	v.Set("per_executor", "")
	v.Set("partition_concurrency", "2")
	do("mails", v, http.StatusSeeOther)
	if got := config(); got.Rate.Limit != 5 || got.PartitionConcurrency != 2 || got.Concurrency != 1 || !got.Paused {
		t.Errorf("changed: %+v", got)
	}
	do("mails/reset", nil, http.StatusSeeOther)
	if got := config(); got.Rate.Limit != 100 || got.Paused {
		t.Errorf("reset: %+v", got)
	}
	for path, code := range map[string]int{"none": 404, "none/pause": 404} {
		if a := s.get("/ui/queues/" + path); a.code != code {
			t.Errorf("%s: %d, want %d", path, a.code, code)
		}
	}
}

func (s *site) queueForm(a answer, code int) (string, url.Values) {
	s.t.Helper()
	if a.code != code {
		s.t.Fatalf("%d, want %d", a.code, code)
	}
	forms := find(s.check("the form", a), "form", "action", "/ui/queues/mails")
	if len(forms) != 1 {
		s.t.Fatalf("%d forms\n%s", len(forms), a.body)
	}
	return text(forms[0]), typed(forms[0])
}
