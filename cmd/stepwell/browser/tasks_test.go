package browser

import (
	"testing"
)

// TestExperimentLive presses the experiment's button and watches five runs to their end without loading a page again.
func TestExperimentLive(t *testing.T) {
	s := serveStepwell(t)
	p := open(t, s)
	p.open("/ui/")
	p.sees("Nothing has run yet")
	p.press("button", "Run the experiment")
	p.sees("Started.")
	p.press("link", "Runs")
	p.find("heading", "Runs")
	eventually(t, func() string { return "not five runs are listed" }, func() bool { return len(p.rows()) == 5 })
	loads, seen := p.guard.documents(), map[string]bool{}
	eventually(t, func() string { return "five runs are not seen to succeed" }, func() bool {
		done := 0
		for _, row := range p.rows() {
			seen[row.status] = true
			if row.status == "succeeded" {
				done++
			}
		}
		return done == 5
	})
	if !seen["running"] && !seen["waiting"] {
		t.Errorf("the runs were seen as %v: want them under way first", seen)
	}
	if n := p.guard.documents(); n != loads {
		t.Errorf("the page was loaded %d times more", n-loads)
	}
}

// row is a run in the list.
type row struct{ status, id, workflow string }

// rows reads the list of runs as it is shown.
func (p *tab) rows() []row {
	list, _ := try[[][3]string](p, `[...document.querySelectorAll("table.runs tbody tr")].map(tr => [".status", ".c-id", "[data-head=Workflow]"].map(s => (tr.querySelector(s)?.innerText ?? "").trim()))`)
	var rows []row
	for _, r := range list {
		rows = append(rows, row{r[0], r[1], r[2]})
	}
	return rows
}

// TestCancelMany cancels what a filter finds, after a look at how many that are.
func TestCancelMany(t *testing.T) {
	s := serveShop(t, "")
	for _, id := range []string{"a", "b", "c"} {
		s.reaches(s.start("newsletter", "?id=news-"+id, "null"), "waiting")
	}
	s.reaches(s.start("approval", "?id=approval", "null"), "waiting")
	p := open(t, s)
	p.open("/ui/runs")
	p.fill("Workflow", "newsletter")
	p.press("button", "Search")
	p.at(`/ui/runs\?.*workflow=newsletter.*`)
	eventually(t, func() string { return "not three runs are listed" }, func() bool { return len(p.rows()) == 3 })

	p.press("checkbox", "All that match")
	p.press("button", "Cancel")
	p.find("heading", "Cancel 3 runs?")
	p.press("link", "No, go back")
	p.none("heading", "Cancel 3 runs?")
	if got := s.status("news-a"); got != "waiting" {
		t.Fatalf("the run is %s after No", got)
	}

	p.press("button", "Cancel")
	p.press("button", "Cancel 3 runs")
	p.sees("3 runs cancelled")
	p.press("link", "Back to the list")
	eventually(t, func() string { return "not all three are shown as cancelled" }, func() bool {
		n := 0
		for _, r := range p.rows() {
			if r.status == "cancelled" {
				n++
			}
		}
		return n == 3
	})
	if got := s.status("approval"); got != "waiting" {
		t.Errorf("the run that did not match is %s", got)
	}
}

// TestTheme chooses dark on a light system, and finds it again on the next page.
func TestTheme(t *testing.T) {
	s := serveShop(t, "")
	p := open(t, s)
	background := func() string {
		return value[string](p, "getComputedStyle(document.body).backgroundColor")
	}
	p.open("/ui/")
	light := background()
	p.press("button", "Light or dark")
	dark := background()
	if dark == light {
		t.Fatalf("the page is %s before and after", light)
	}
	p.open("/ui/runs")
	if got := background(); got != dark {
		t.Errorf("the next page is %s, want %s", got, dark)
	}
	p.press("button", "Light or dark")
	if got := background(); got != light {
		t.Errorf("pressed again it is %s, want %s", got, light)
	}
}
