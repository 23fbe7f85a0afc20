package browser

import (
	"net/http"
	"strings"
	"testing"
)

// TestStartFromForm starts a run from the form of its workflow: with a wrong value first, then again as JSON.
func TestStartFromForm(t *testing.T) {
	s := serveShop(t, "")
	p := open(t, s)
	p.open("/ui/")
	p.press("link", "Workflows")
	p.press("link", "order")
	p.find("heading", "Workflow order")
	p.fill("customer", "Ada")
	p.fill("amount", "twelve")
	p.press("checkbox", "gift")
	p.expect(http.StatusBadRequest)
	p.press("button", "Start the run")
	p.sees("Not started", "1 field to mend")
	if got := value[string](p, `document.activeElement.closest(".field")?.innerText ?? ""`); !strings.HasPrefix(got, "amount") {
		t.Errorf("the keyboard is at %q, want the field that is wrong", got)
	}
	if got := p.find("textbox", "customer").value; got != "Ada" {
		t.Errorf("customer is now %q", got)
	}
	if got := p.find("checkbox", "gift").checked; got != "true" {
		t.Errorf("the tick is now %q", got)
	}
	p.fill("amount", "12")
	p.press("button", "Start the run")
	at := p.at(`/ui/runs/[^/]+\?note=started`)
	p.sees("Started.", "succeeded", "R-1")
	id, _, _ := strings.Cut(strings.TrimPrefix(at, "/ui/runs/"), "?")
	input, _ := s.do(http.StatusOK, "GET", "/v1/runs/"+id, "")["input"].(map[string]any)
	if input["customer"] != "Ada" || input["amount"] != 12.0 || input["gift"] != true {
		t.Errorf("the run was given %v", input)
	}
}

// TestPauseAndResumeQueue stops a queue and lets it go on.
func TestPauseAndResumeQueue(t *testing.T) {
	s := serveShop(t, "")
	p := open(t, s)
	p.open("/ui/")
	p.press("link", "Queues")
	p.press("link", "warehouse")
	p.press("link", "Pause")
	p.find("dialog", "…")
	p.press("button", "Pause…")
	p.sees("Paused.")
	s.start("order", "?id=held&queue=warehouse", `{"customer":"Ada","amount":1}`)
	p.open("/ui/queues/warehouse")
	p.find("link", "1")
	if got := s.status("held"); got != "queued" {
		t.Fatalf("on a paused queue the run is %s", got)
	}
	p.press("link", "Resume")
	p.find("dialog", "…")
	p.press("button", "Resume…")
	s.reaches("held", "succeeded")
	p.sees("Resumed")
}

// TestSchedules reads the next ticks, starts one now, pauses and resumes.
func TestSchedules(t *testing.T) {
	s := serveShop(t, "")
	p := open(t, s)
	p.open("/ui/")
	p.press("link", "Schedules")
	p.find("heading", "nightly")
	p.sees("0 3 * * *", "Europe/Berlin", "Next ticks", "03:00")
	if n := value[int](p, `document.querySelector("[aria-labelledby=s-nightly] .ticks").children.length`); n != 5 {
		t.Errorf("%d ticks are shown, want the next five", n)
	}

	p.pressIn("nightly", "link", "Trigger…")
	p.find("dialog", "…")
	p.press("button", "Start a run now")
	p.at(`/ui/runs/nightly@[^/]+\?note=started`)
	p.sees("Started.", "succeeded", "the house")

	p.open("/ui/schedules")
	p.pressIn("nightly", "link", "Pause…")
	p.find("dialog", "…")
	p.press("button", "Pause…")
	p.sees("Paused.", "once it is resumed")
	p.pressIn("nightly", "link", "Resume…")
	p.find("dialog", "…")
	p.press("button", "Resume…")
	p.find("heading", "nightly")
	eventually(t, func() string { return "it is not said to be on" }, func() bool {
		return value[bool](p, `document.querySelector("[aria-labelledby=s-nightly] .status")?.innerText === "on"`)
	})
}
