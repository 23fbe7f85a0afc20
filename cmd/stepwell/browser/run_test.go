package browser

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStepsAppear opens a run that has just begun and sees its steps come and end without loading the page again.
func TestStepsAppear(t *testing.T) {
	s := serveStepwell(t)
	s.reaches(s.start("delays", "?id=before", `{"max_s":0.001}`), "succeeded")
	p := open(t, s)
	p.open("/ui/runs")
	p.find("link", "before")
	s.start("delays", "?id=slow", `{"min_s":2,"max_s":2}`)
	p.press("link", "1 new run: show")
	p.press("link", "slow")
	p.find("heading", "Run slow")
	loads := p.guard.documents()
	if n := len(p.all("link", "wait…")); n == 3 {
		t.Fatal("all steps are there already: nothing is left to appear")
	}
	for _, step := range []string{"wait 1", "wait 2", "wait 3"} {
		p.find("link", step)
	}
	p.find("heading", "Output")
	p.sees("succeeded", "waited_s")
	if n := p.guard.documents(); n != loads {
		t.Errorf("the page was loaded %d times more", n-loads)
	}
}

// TestWhyRetried reads why a step failed, that it was tried again, and when.
func TestWhyRetried(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("payment", "?id=retried", `{"declines":2}`), "succeeded")
	s.reaches(s.start("payment", "?id=declined", `{"declines":9}`), "failed")
	p := open(t, s)
	p.open("/ui/runs")
	p.press("link", "retried")
	p.find("heading", "Run retried")
	p.sees("3 attempts")
	p.press("link", "charge")
	p.find("heading", "…charge")
	p.sees("card declined, try 1", "card declined, try 2", "The error allows another attempt", "200 ms later", "400 ms later")

	p.open("/ui/runs?status=failed")
	p.press("link", "declined")
	p.find("heading", "Error")
	p.sees("card declined, try 3")
	// What it had reserved was released.
	p.find("link", "release")
}

// TestCancel asks before it cancels, and shows what came of it.
func TestCancel(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("newsletter", "?id=news", "null"), "waiting")
	p := open(t, s)
	p.open("/ui/runs/news")
	p.press("link", "Cancel")
	p.find("dialog", "Cancel run news?")
	p.sees("what it registered to undo its steps runs")
	p.press("link", "No, go back")
	p.none("dialog", "Cancel run news?")
	if got := s.status("news"); got != "waiting" {
		t.Fatalf("the run is %s after No", got)
	}
	p.press("link", "Cancel")
	p.press("button", "Cancel the run")
	p.sees("Cancelled: it ends as soon as its code sees that")
	s.reaches("news", "cancelled")
	p.find("link", "Resume")
	p.none("link", "Cancel")
}

// TestFork mends what made a run fail and starts a new one from the step.
func TestFork(t *testing.T) {
	dir := t.TempDir()
	s := serveShop(t, dir)
	s.reaches(s.start("report", "?id=sales", `{"title":"Sales"}`), "failed")
	if err := os.WriteFile(filepath.Join(dir, "mended"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := open(t, s)
	p.open("/ui/runs/sales")
	p.sees("the printer is out of paper")
	p.press("link", "print")
	p.press("link", "Fork from here")
	p.find("dialog", "Fork run sales?")
	p.press("button", "Start the fork")
	at := p.at(`/ui/runs/[^/]+\?note=forked`)
	p.sees("Forked: this is the new run.", "Sales: 3 rows", "copied", "Forked from")
	id, _, _ := strings.Cut(strings.TrimPrefix(at, "/ui/runs/"), "?")
	run := s.do(http.StatusOK, "GET", "/v1/runs/"+id, "")
	if run["forked_from"] != "sales" || run["output"] != "Sales: 3 rows" {
		t.Errorf("the fork is %v", run)
	}
}

// TestSend gives a waiting run its message, after one that is no JSON.
func TestSend(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("approval", "?id=approval", "null"), "waiting")
	p := open(t, s)
	p.open("/ui/runs/approval")
	p.press("link", "Send a message")
	p.find("dialog", "Send to run approval")
	p.fill("Topic, or name of the update", "decision")
	p.fill("JSON", "yes, please")
	p.expect(http.StatusBadRequest)
	p.press("button", "Send")
	p.find("alert", "…")
	if got := value[string](p, `document.querySelector("#send-body").value`); got != "yes, please" {
		t.Errorf("what was typed is now %q", got)
	}
	p.fill("JSON", `"yes"`)
	p.press("button", "Send")
	p.sees("The message was sent", "published: yes", "succeeded")
}
