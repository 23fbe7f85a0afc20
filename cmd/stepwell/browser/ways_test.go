package browser

import (
	"net/http"
	"strings"
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

	// The form, with a mistake first.
	p.press("link", "Workflows")
	p.press("link", "order")
	p.fill("customer", "Ada")
	p.fill("amount", "twelve")
	p.expect(http.StatusBadRequest)
	p.press("button", "Start the run")
	p.sees("Not started", "Want a whole number")
	p.fill("amount", "12")
	p.press("button", "Start the run")
	p.at(`/ui/runs/[^/]+\?note=started`)
	p.sees("Started.")
}

// TestPhone goes from page to page by the menu that is folded on a narrow screen, and acts on a run.
func TestPhone(t *testing.T) {
	s := serveShop(t, "")
	s.reaches(s.start("newsletter", "?id=news", "null"), "waiting")
	p := open(t, s)
	p.look(look{"dark", 390})
	p.open("/ui/")
	p.none("link", "Runs")
	p.press("button", "Menu")
	p.press("link", "Runs")
	p.press("link", "news")
	p.find("heading", "Run news")
	p.press("link", "Cancel")
	p.press("button", "Cancel the run")
	p.sees("Cancelled: it ends as soon as its code sees that")
	s.reaches("news", "cancelled")
}

// TestKeyboard starts a run and cancels it without a mouse.
func TestKeyboard(t *testing.T) {
	s := serveShop(t, "")
	p := open(t, s)
	p.open("/ui/")
	p.keys(kb.Tab)
	if role, name := p.focused(); role != "link" || name != "Skip to the content" {
		t.Errorf("the first Tab comes to the %s %q, want the link past the navigation", role, name)
	}
	p.tabTo("link", "Workflows")
	p.keys(kb.Enter)
	p.find("heading", "Workflows")
	p.tabTo("link", "newsletter")
	p.keys(kb.Enter)
	p.find("heading", "Workflow newsletter")
	p.tabTo("textbox", "Input JSON")
	p.keys("null")
	p.tabTo("button", "Start the run")
	p.keys(kb.Enter)
	at := p.at(`/ui/runs/[^/]+\?note=started`)
	id, _, _ := strings.Cut(strings.TrimPrefix(at, "/ui/runs/"), "?")
	s.reaches(id, "waiting")

	p.tabTo("link", "Runs")
	p.keys(kb.Enter)
	p.find("heading", "Runs")
	p.tabTo("link", id)
	p.keys(kb.Enter)
	question := "Cancel run " + id + "?"
	p.find("heading", "Run "+id)
	p.tabTo("link", "Cancel")
	p.keys(kb.Enter)
	p.find("dialog", question)
	p.keys(kb.Escape)
	p.none("dialog", question)
	if role, name := p.focused(); role != "link" || name != "Cancel" {
		t.Errorf("after Escape the keyboard is at the %s %q, want where it was", role, name)
	}
	p.keys(kb.Enter)
	p.find("dialog", question)
	eventually(t, func() string { return "the keyboard is not in the dialog" }, func() bool { _, name := p.focused(); return name == "No, go back" })
	p.tabTo("button", "Cancel the run")
	p.keys(kb.Enter)
	p.sees("Cancelled: it ends as soon as its code sees that")
	s.reaches(id, "cancelled")
}
