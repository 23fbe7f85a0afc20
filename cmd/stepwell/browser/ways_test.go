package browser

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestWithoutScripts does with links and forms what is done elsewhere with JavaScript.
func TestWithoutScripts(t *testing.T) {
	s := serveShop(t, "")
	for _, id := range []string{"news-a", "news-b", "news-c"} {
		s.reaches(s.start("newsletter", "?id="+id, "null"), "waiting")
	}
	p := open(t, s)
	p.scripts(false)
	p.open("/ui/")
	p.press("link", "Runs")
	p.fill("Workflow", "newsletter")
	p.press("button", "Search")
	p.at(`/ui/runs\?.*workflow=newsletter.*`)

	// One, from its page.
	p.press("link", "news-a")
	p.find("heading", "Run news-a")
	p.press("link", "Cancel")
	p.at("/ui/runs/news-a/cancel")
	p.find("heading", "Cancel run news-a?")
	p.press("button", "Cancel the run")
	p.sees("Cancelled: it ends as soon as its code sees that")
	s.reaches("news-a", "cancelled")

	// One that is ticked, from the list.
	p.open("/ui/runs?workflow=newsletter")
	p.press("checkbox", "Select news-b")
	p.press("button", "Cancel")
	p.find("heading", "Cancel 1 run?")
	p.press("button", "Cancel 1 run")
	p.sees("1 run cancelled")
	s.reaches("news-b", "cancelled")
	if got := s.status("news-c"); got != "waiting" {
		t.Errorf("the run that was not ticked is %s", got)
	}
	p.press("link", "Back to the list")
	p.at("/ui/runs.*")
}

// TestKeyboard finds a run and cancels it without a mouse.
func TestKeyboard(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("newsletter", "?id=news", "null"), "waiting")
	p := open(t, s)
	p.open("/ui/")
	p.keys(kb.Tab)
	if role, name := p.focused(); role != "link" || name != "Skip to the content" {
		t.Errorf("the first Tab comes to the %s %q, want the link past the navigation", role, name)
	}
	p.tabTo("link", "Runs")
	p.keys(kb.Enter)
	p.find("heading", "Runs")
	p.tabTo("link", "news")
	p.keys(kb.Enter)
	p.find("heading", "Run news")
	p.tabTo("link", "Cancel")
	p.keys(kb.Enter)
	p.find("dialog", "Cancel run news?")
	p.keys(kb.Escape)
	p.none("dialog", "Cancel run news?")
	if role, name := p.focused(); role != "link" || name != "Cancel" {
		t.Errorf("after Escape the keyboard is at the %s %q, want where it was", role, name)
	}
	p.keys(kb.Enter)
	p.find("dialog", "Cancel run news?")
	eventually(t, func() string { return "the keyboard is not in the dialog" }, func() bool { _, name := p.focused(); return name == "No, go back" })
	p.tabTo("button", "Cancel the run")
	p.keys(kb.Enter)
	p.sees("Cancelled: it ends as soon as its code sees that")
	s.reaches("news", "cancelled")
}
