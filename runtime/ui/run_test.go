package ui_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store"
)

// flaky fails twice, in the words of an enemy, then waits for a message.
func flaky() runtime.Definition {
	var tries atomic.Int64
	return runtime.Define("flaky", func(ctx context.Context, in any) (any, error) {
		if err := runtime.Compensate(ctx, "undo", func(context.Context) error { return nil }); err != nil {
			return nil, err
		}
		if _, err := runtime.Step(ctx, hostile, func(context.Context) (any, error) {
			if tries.Add(1) < 3 {
				return nil, errors.New("refused: " + hostile)
			}
			return hostile, nil
		}, runtime.Retry{Max: 3, Initial: time.Millisecond}); err != nil {
			return nil, err
		}
		if err := runtime.SetEvent(ctx, "progress", hostile); err != nil {
			return nil, err
		}
		_, err := runtime.Map(ctx, []int{0, 1}, 0, func(ctx context.Context, i int) (int, error) {
			for range 2 {
				if _, err := runtime.Step(ctx, "in a branch", func(context.Context) (int, error) { return i, nil }); err != nil {
					return i, err
				}
			}
			return i, nil
		})
		if err != nil {
			return nil, err
		}
		return runtime.Receive[any](ctx, "go", time.Hour)
	})
}

// waitFor polls until ok.
func (s *site) waitFor(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			s.t.Fatalf("it did not come about that %s", what)
		}
	}
}

// inStep waits until a run has a row of the kind that waits.
func (s *site) inStep(id string, kind store.Kind) {
	s.t.Helper()
	s.waitFor("the run "+id+" waits in a step of the kind "+kind.String(), func() bool {
		rows, err := s.rt.Steps(s.t.Context(), id)
		if err != nil {
			s.t.Fatal(err)
		}
		return len(rows) > 0 && rows[len(rows)-1].Kind == kind && rows[len(rows)-1].Status == store.StepWaiting
	})
}

// TestRunPage shows a run that waits, with all that it did before.
func TestRunPage(t *testing.T) {
	s := newSite(t, ui.Config{TraceURL: "https://traces.example/trace/{trace_id}"}, flaky())
	s.start("flaky", `{"a":1}`, runtime.ID("r"), runtime.Labels(map[string]string{"team": hostile}))
	s.inStep("r", store.KindReceive)
	a := s.get("/ui/runs/r")
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	all := text(doc)
	for _, want := range []string{
		"3 attempts", "branches 4 steps", "It waits for a message on go until", "team=" + hostile, "set event progress", "0 " + hostile,
		"attempt 1 failed after", "before the next attempt", "attempt 3 succeeded in",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("the page lacks %q:\n%s", want, all)
		}
	}
	if bars := len(find(doc, "rect", "class", "b-fail")); bars != 2 {
		t.Errorf("%d bars of failed attempts, want 2", bars)
	}
	if len(find(doc, "line", "class", "b-retry")) != 2 || len(find(doc, "rect", "class", "b-wait")) != 1 {
		t.Error("the pauses between attempts, or the wait, are not drawn")
	}
	run, err := s.rt.Get(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("https://traces.example/trace/%x", run.Trace.TraceID); len(find(doc, "a", "href", want)) != 1 {
		t.Errorf("no link to %s", want)
	}
	for _, c := range []struct{ path, want string }{
		{"0", "refused: " + hostile}, {"0", "The error allows another attempt"}, {"0", "Fork from here"},
		{"1", "set event progress"}, {"2.1.1", "in a branch"}, {"3", "receive go"},
	} {
		if body := text(s.page("/ui/runs/r/steps/" + c.path)); !strings.Contains(body, c.want) {
			t.Errorf("step %s lacks %q:\n%s", c.path, c.want, body)
		}
	}
	for _, path := range []string{"7", "2", "2.1", hostile} {
		if a := s.get("/ui/runs/r/steps/" + url.PathEscape(path)); a.code != http.StatusNotFound {
			t.Errorf("step %q: %d, want 404", path, a.code)
		}
	}
	for path, want := range map[string]string{"input": `{"a":1}`, "output": ``, "steps/0/output": `"alert(1)`} {
		a := s.get("/ui/runs/r/" + path)
		if a.code != http.StatusOK || a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.body, strings.TrimPrefix(want, `"`)) {
			t.Errorf("%s: %d %v\n%s", path, a.code, a.header, a.body)
		}
	}
}

// TestEveryIDIsReachable: a run's page is at its link, whatever is allowed in
// an id, words of our own paths too.
func TestEveryIDIsReachable(t *testing.T) {
	s := newSite(t, ui.Config{})
	for _, id := range []string{"watch", "ask", "do", "bulk", "a:b@c=d+e.f-g_h", "a..b", "1.", "runs:ask", "a:cancel", "x%2e"[:1] + "..", strings.Repeat("a", 200)} {
		s.ended("echo", `1`, runtime.ID(id))
	}
	list := s.page("/ui/runs?limit=100")
	n := 0
	for _, a := range find(list, "a") {
		href := attr(a, "href")
		if !strings.HasPrefix(href, "/ui/runs/") {
			continue
		}
		n++
		if body := text(s.page(href)); !strings.Contains(body, "Run "+text(a)) {
			t.Errorf("%s leads to %.100s", href, body)
		}
	}
	if n != 11 {
		t.Errorf("%d runs in the list, want 11", n)
	}
}

// TestRunIsBounded: much in a run makes no large page.
func TestRunIsBounded(t *testing.T) {
	s := newSite(t, ui.Config{}, runtime.Define("many", func(ctx context.Context, n int) (int, error) {
		for range n {
			if _, err := runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil }); err != nil {
				return 0, err
			}
		}
		return n, nil
	}))
	s.ended("many", "1000", runtime.ID("many"))
	s.ended("echo", `"`+strings.Repeat("<b>", 200_000)+`"`, runtime.ID("large"))
	for _, path := range []string{"/ui/runs/many", "/ui/runs/many?skip=400", "/ui/runs/many?skip=999999", "/ui/runs/large"} {
		a := s.get(path)
		s.check(path, a)
		if len(a.body) > 400_000 {
			t.Errorf("%s has %d bytes", path, len(a.body))
		}
	}
	if body := text(s.page("/ui/runs/many?skip=400")); !strings.Contains(body, "Lines 401 to 600 of 1 000") {
		t.Errorf("the third window: %s", body)
	}
	for _, q := range []string{"skip=-1", "skip=x", "only=nothing"} {
		if a := s.get("/ui/runs/many?" + q); a.code != http.StatusBadRequest {
			t.Errorf("?%s: %d, want 400", q, a.code)
		}
	}
}

// events reads a stream until it ends, or until stop says so; it returns what
// came by event.
func (s *site) events(path string, until func(event, data string) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", path, resp.Status)
	}
	var event string
	var data []string
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		name, value, _ := strings.Cut(sc.Text(), ": ")
		switch {
		case name == "event":
			event = value
		case name == "data" || name == "data:":
			data = append(data, value)
		case name == "" && event != "":
			if until(event, strings.Join(data, "\n")) {
				return
			}
			event, data = "", nil
		}
	}
	s.t.Fatalf("%s ended before what was awaited", path)
}

// TestRunIsLive: what happens to a run comes to its page, in pieces, and ends
// with it.
func TestRunIsLive(t *testing.T) {
	s := newSite(t, ui.Config{}, runtime.Define("two", func(ctx context.Context, _ any) (any, error) {
		for _, topic := range []string{"first", "second"} {
			if _, err := runtime.Receive[any](ctx, topic, runtime.Forever); err != nil {
				return nil, err
			}
		}
		return "<done>", nil
	}))
	s.start("two", `{}`, runtime.ID("r"))
	s.inStep("r", store.KindReceive)
	send := func(topic string) {
		if _, err := s.rt.Send(t.Context(), "r", topic, []byte(`1`)); err != nil {
			t.Error(err)
		}
	}
	phase := "begin"
	seen := map[string]string{}
	s.events("/ui/runs/r/watch", func(event, data string) bool {
		seen[event] = data
		switch {
		case phase == "begin" && event == "lines":
			if !strings.Contains(data, "receive first") || strings.Contains(data, "hx-swap-oob") {
				t.Errorf("the first lines: %s", data)
			}
			phase = "first"
			send("first")
		case phase == "first" && event == "changed" && strings.Contains(data, "receive second"):
			if !strings.Contains(data, `id="l-0" class="tl-line d0" hx-swap-oob="true"`) || !strings.Contains(data, `hx-swap-oob="afterend:#l-0"`) {
				t.Errorf("a line that changed and one that is new: %s", data)
			}
			phase = "second"
			send("second")
		}
		return event == "over"
	})
	if phase != "second" || !strings.Contains(seen["head"], "status-succeeded") || !strings.Contains(seen["result"], "&lt;done&gt;") || seen["said"] != "The run is succeeded." {
		t.Errorf("phase %s, at the end the page had %v", phase, seen)
	}
}

// TestRunActions does all that can be done to a run, through its page.
func TestRunActions(t *testing.T) {
	s := newSite(t, ui.Config{}, flaky())
	offered := func(id string) string {
		var names []string
		doc := s.page("/ui/runs/" + id)
		for _, a := range find(doc, "a") {
			if strings.Contains(attr(a, "class"), "button") && strings.HasPrefix(attr(a, "href"), "/ui/runs/"+id+"/") {
				names = append(names, text(a))
				s.page(attr(a, "href")) // it asks
			}
		}
		return strings.Join(names, ", ")
	}
	do := func(id, what string, code int, form url.Values) answer {
		t.Helper()
		a := s.post("/ui/runs/"+id+"/"+what, form)
		if a.code != code {
			t.Fatalf("%s of %s: %d, want %d\n%s", what, id, a.code, code, a.body)
		}
		return a
	}
	s.start("flaky", `{}`, runtime.ID("r"))
	s.inStep("r", store.KindReceive)
	if got, want := offered("r"), "Cancel, Send a message"; got != want {
		t.Errorf("a run that waits is offered %q, want %q", got, want)
	}
	if doc := s.page("/ui/runs/r/send"); attr(find(doc, "input", "name", "name")[0], "value") != "go" {
		t.Error("the topic that the run waits for is not filled in")
	}
	do("r", "delete", http.StatusConflict, nil)
	do("r", "resume", http.StatusConflict, nil)
	for _, bad := range []struct{ name, body, want string }{
		{"go", `{"a":`, "This is not JSON"}, {"go", ``, "null if that is meant"}, {"go", "  ", "null if that is meant"}, {"no/topic" + hostile, `1`, "want 1 to 128 letters"},
	} {
		a := do("r", "send", http.StatusBadRequest, url.Values{"kind": {"message"}, "name": {bad.name}, "body": {bad.body}})
		doc := s.check("send", a)
		if !strings.Contains(text(doc), bad.want) || attr(find(doc, "input", "name", "name")[0], "value") != bad.name || text(find(doc, "textarea")[0]) != strings.TrimSpace(bad.body) {
			t.Errorf("send %q to %q: %s", bad.body, bad.name, a.body)
		}
	}
	do("r", "cancel", http.StatusSeeOther, nil)
	run, err := s.rt.Wait(t.Context(), "r")
	if err != nil || run.Status != store.Cancelled {
		t.Fatalf("cancelled: %s, %v", run.Status, err)
	}
	do("r", "cancel", http.StatusConflict, nil)
	do("r", "send", http.StatusConflict, url.Values{"kind": {"message"}, "name": {"go"}, "body": {`1`}})
	if got, want := offered("r"), "Resume, Fork, Delete"; got != want {
		t.Errorf("a cancelled run is offered %q, want %q", got, want)
	}
	a := do("r", "fork", http.StatusSeeOther, url.Values{"step": {"3"}, "key": {"forked"}})
	if to := a.header.Get("Location"); to != "/ui/runs/forked?note=forked" {
		t.Errorf("the fork is at %s", to)
	}
	do("r", "fork", http.StatusSeeOther, url.Values{"step": {"3"}, "key": {"forked"}}) // sent twice
	do("r", "fork", http.StatusNotFound, url.Values{"step": {"99"}})
	s.inStep("forked", store.KindReceive)
	if body := text(s.page("/ui/runs/forked")); !strings.Contains(body, "copied") || !strings.Contains(body, "Forked fromr") {
		t.Errorf("the fork's page: %s", body)
	}
	do("forked", "send", http.StatusSeeOther, url.Values{"kind": {"message"}, "name": {"go"}, "body": {`"now"`}, "key": {"k"}})
	if run, err := s.rt.Wait(t.Context(), "forked"); err != nil || string(run.Output) != `"now"` {
		t.Errorf("the fork: %s %v", run.Output, err)
	}
	do("forked", "delete", http.StatusSeeOther, nil)
	if a := s.get("/ui/runs/forked"); a.code != http.StatusNotFound {
		t.Errorf("a deleted run: %d", a.code)
	}
	if a := s.get("/ui/runs/forked/watch"); a.code != http.StatusNotFound {
		t.Errorf("the watch of a deleted run: %d", a.code)
	}
}

// TestStuckRunFromPage: it is not cancelled by the way, for nothing would be undone.
func TestStuckRunFromPage(t *testing.T) {
	nowhere := runtime.Define("nowhere", func(context.Context, any) (any, error) { return nil, nil })
	s := newSite(t, ui.Config{}, runtime.Define("lost", func(ctx context.Context, _ any) (any, error) { return nowhere.Call(ctx, nil) }))
	s.start("lost", `{}`, runtime.ID("r"))
	if run, err := s.rt.Wait(t.Context(), "r"); err != nil || run.Status != store.Stuck {
		t.Fatalf("it is %s, %v", run.Status, err)
	}
	page := s.page("/ui/runs/r")
	for what, want := range map[string]bool{"/ui/runs/r/end": true, "/ui/runs/r/resume": true, "/ui/runs/r/cancel": false} {
		if got := len(find(page, "a", "href", what)) > 0; got != want {
			t.Errorf("%s is offered: %t", what, got)
		}
	}
	if body := text(s.page("/ui/runs/r/end")); !strings.Contains(body, "Its compensations do not run") {
		t.Errorf("the question does not say what it means: %s", body)
	}
	if a := s.post("/ui/runs/r/cancel", nil); a.code != http.StatusConflict || !strings.Contains(a.body, "its compensations cannot") {
		t.Errorf("cancelled by the way: %d", a.code)
	}
	if a := s.post("/ui/runs/r/end", nil); a.code != http.StatusSeeOther {
		t.Errorf("ended: %d %s", a.code, a.body)
	}
	if run, err := s.rt.Get(t.Context(), "r"); err != nil || run.Status != store.Cancelled {
		t.Errorf("it is %s, %v", run.Status, err)
	}
}

// TestUpdateFromPage sends an update, which is answered or refused in place.
func TestUpdateFromPage(t *testing.T) {
	s := newSite(t, ui.Config{}, runtime.Define("counter", func(ctx context.Context, _ any) (any, error) {
		sum := 0
		if err := runtime.OnUpdate(ctx, "add", func(_ context.Context, n int) (int, error) {
			if n < 0 {
				return 0, errors.New("only up: " + hostile)
			}
			sum += n
			return sum, nil
		}); err != nil {
			return nil, err
		}
		return runtime.Receive[any](ctx, "stop", runtime.Forever)
	}))
	s.start("counter", `{}`, runtime.ID("r"))
	a := s.post("/ui/runs/r/send", url.Values{"kind": {"update"}, "name": {"add"}, "body": {"41"}})
	if a.code != http.StatusOK || !strings.Contains(text(s.check("update", a)), "The run has answered.41") {
		t.Errorf("an update: %d\n%s", a.code, a.body)
	}
	a = s.post("/ui/runs/r/send", url.Values{"kind": {"update"}, "name": {"add"}, "body": {""}})
	if a.code != http.StatusBadRequest || !strings.Contains(text(s.check("update", a)), "the JSON field is empty") {
		t.Errorf("an update with nothing in it: %d\n%s", a.code, a.body)
	}
	a = s.post("/ui/runs/r/send", url.Values{"kind": {"update"}, "name": {"add"}, "body": {"-1"}})
	if a.code != http.StatusUnprocessableEntity || !strings.Contains(text(s.check("update", a)), "only up: "+hostile) {
		t.Errorf("an update that is refused: %d\n%s", a.code, a.body)
	}
}

// TestForkOfACompensatedRunIsFromTheFirstStep: the dialog says that what was
// done is undone, and what it offers is not refused.
func TestForkOfACompensatedRunIsFromTheFirstStep(t *testing.T) {
	var charged atomic.Int64
	s := newSite(t, ui.Config{}, runtime.Define("undoes", func(ctx context.Context, _ any) (any, error) {
		for _, name := range []string{"reserve", "charge"} {
			if _, err := runtime.Step(ctx, name, func(context.Context) (int64, error) { return charged.Add(1), nil }); err != nil {
				return nil, err
			}
		}
		if err := runtime.Compensate(ctx, "refund", func(context.Context) error { return nil }); err != nil {
			return nil, err
		}
		return runtime.Step(ctx, "ship", func(context.Context) (any, error) { return nil, errors.New("no van") }, runtime.Retry{Max: 1})
	}))
	s.ended("undoes", `{}`, runtime.ID("r"))
	doc := s.page("/ui/runs/r/fork")
	if body := text(doc); !strings.Contains(body, "is undone") || !strings.Contains(body, "from the first step, 0") || strings.Contains(body, "counts as done") {
		t.Errorf("the dialog: %s", body)
	}
	a := s.post("/ui/runs/r/fork", typed(find(doc, "form", "id", "ask")[0]))
	if a.code != http.StatusSeeOther {
		t.Fatalf("what it offers: %d\n%s", a.code, a.body)
	}
	id := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Location"), "/ui/runs/"), "?note=forked")
	if _, err := s.rt.Wait(t.Context(), id); err != nil || charged.Load() != 4 {
		t.Errorf("%d steps ran in both, want 4; %v", charged.Load(), err)
	}
	if body := text(s.page("/ui/runs/r/fork?step=1")); !strings.Contains(body, "is undone") || !strings.Contains(body, "before step 1 counts as done") {
		t.Errorf("from a step: %s", body)
	}
}

// TestForkOfASucceededRunDoesAllAgain: there is no step that it was lacking.
func TestForkOfASucceededRunDoesAllAgain(t *testing.T) {
	var done atomic.Int64
	s := newSite(t, ui.Config{}, runtime.Define("does", func(ctx context.Context, _ any) (any, error) {
		return runtime.Step(ctx, "it", func(context.Context) (int64, error) { return done.Add(1), nil })
	}))
	s.ended("does", `{}`, runtime.ID("r"))
	doc := s.page("/ui/runs/r/fork")
	if body := text(doc); !strings.Contains(body, "from the first step, 0: all steps run again") {
		t.Errorf("the dialog: %s", body)
	}
	a := s.post("/ui/runs/r/fork", typed(find(doc, "form", "id", "ask")[0]))
	id := strings.TrimSuffix(strings.TrimPrefix(a.header.Get("Location"), "/ui/runs/"), "?note=forked")
	if _, err := s.rt.Wait(t.Context(), id); a.code != http.StatusSeeOther || err != nil || done.Load() != 2 {
		t.Errorf("%d; it was done %d times, %v; want twice", a.code, done.Load(), err)
	}
}

// TestViewerIsNotAsked: what a viewer may not do is not asked either.
func TestViewerIsNotAsked(t *testing.T) {
	s := newSite(t, ui.Config{Role: func(*http.Request) string { return "viewer" }})
	s.start("sleep", `{}`, runtime.ID("r"))
	for _, what := range []string{"cancel", "resume", "fork", "delete", "send"} {
		if a := s.get("/ui/runs/r/" + what); a.code != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", what, a.code)
		}
	}
}

// TestLargeOutputsAreNotRead: the page of a run shows what its steps gave where
// that is asked for, and the largest values not at all.
func TestLargeOutputsAreNotRead(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	s := newSite(t, ui.Config{}, runtime.Define("large", func(ctx context.Context, _ any) (int, error) {
		if _, err := runtime.Step(ctx, "make", func(context.Context) (string, error) { return large, nil }); err != nil {
			return 0, err
		}
		return 1, runtime.SetEvent(ctx, "all", large)
	}))
	s.ended("large", `{}`, runtime.ID("r"))
	a := s.get("/ui/runs/r")
	doc := s.check("/ui/runs/r", a)
	if len(a.body) > 50_000 || !strings.Contains(text(doc), "97.7 KiB, at its step") {
		t.Errorf("%d bytes:\n%s", len(a.body), text(doc))
	}
	if body := text(s.page("/ui/runs/r/steps/0")); !strings.Contains(body, "xxxx") || !strings.Contains(body, "of 97.7 KiB") {
		t.Errorf("the step: %.300s", body)
	}
	if a := s.get("/ui/runs/r/steps/0/output"); a.body != `"`+large+`"` {
		t.Errorf("the download has %d bytes", len(a.body))
	}
}
