package ui_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
	"github.com/stepwell/stepwell/store"
)

// listed returns the ids of the runs that a page lists.
func listed(doc *html.Node) (ids []string) {
	for _, box := range find(doc, "input", "name", "run") {
		ids = append(ids, attr(box, "value"))
	}
	return ids
}

// linkTo returns the address of the link with the text.
func linkTo(t *testing.T, doc *html.Node, label string) string {
	t.Helper()
	for _, a := range find(doc, "a") {
		if strings.HasPrefix(text(a), label) {
			return attr(a, "href")
		}
	}
	t.Fatalf("there is no link %q", label)
	return ""
}

func TestListFilters(t *testing.T) {
	q := runtime.NewQueue("q", runtime.QueueConfig{Paused: true})
	s := newSite(t, ui.Config{}, q)
	s.ended("echo", `1`, runtime.ID("order-1"), runtime.Labels(map[string]string{"tier": "gold", "a.b": "c=d&e"}))
	s.ended("fail", `"no"`, runtime.ID("order-2"))
	s.start("sleep", `1`, runtime.ID("other"), runtime.Labels(map[string]string{"tier": "gold"}))
	s.start("echo", `1`, runtime.ID("held"), runtime.OnQueue(q))
	for query, want := range map[string]string{
		"":                               "held other order-2 order-1",
		"id=order":                       "order-2 order-1",
		"id=order-2":                     "order-2",
		"id=%25":                         "",
		"status=failed":                  "order-2",
		"status=failed&status=succeeded": "order-2 order-1",
		"workflow=echo":                  "held order-1",
		"queue=q":                        "held",
		"queue=-&workflow=echo":          "order-1",
		"version=v-test&status=queued":   "held",
		"version=v-other":                "",
		"label=tier%3Dgold":              "other order-1",
		"label=tier%3Dgold&label=a.b%3Dc%3Dd%26e": "order-1",
		"parent=order-1":   "",
		"since=1h":         "held other order-2 order-1",
		"until=1h":         "",
		"since=2100-01-01": "",
		"limit=2":          "held other",
	} {
		doc := s.page("/ui/runs?" + query)
		if got := strings.Join(listed(doc), " "); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	doc := s.page("/ui/runs?label=tier%3Dgold&label=a.b%3Dc%3Dd%26e&status=succeeded")
	without := s.page(linkTo(t, doc, "label a.b=c=d&e"))
	if u, err := url.Parse(linkTo(t, without, "label tier=gold")); err != nil || u.Query().Get("status") != "succeeded" || u.Query().Has("label") {
		t.Errorf("without both labels: %v, %v", u, err)
	}
	if got := listed(s.page(linkTo(t, s.page("/ui/runs?status=failed&workflow=fail"), "failed"))); !slices.Equal(got, []string{"order-2"}) {
		t.Errorf("with the status taken off: %v", got)
	}
}

func TestListRefuses(t *testing.T) {
	s := newSite(t, ui.Config{})
	s.ended("echo", `1`)
	for query, want := range map[string]string{
		"status=done":        "want queued, delayed",
		"limit=0":            "from 1 to 10000",
		"limit=10001":        "from 1 to 10000",
		"before=x":           "number of a run",
		"since=yesterday":    "how long ago",
		"until=-1h":          "how long ago",
		"label=x":            "NAME=VALUE",
		"status=a&limit=b":   "from 1 to 10000",
		"since=%3Cscript%3E": "&lt;script&gt;",
	} {
		a := s.get("/ui/runs?" + query)
		if a.code != http.StatusBadRequest || !strings.Contains(a.body, want) {
			t.Errorf("%q: %d without %q\n%s", query, a.code, want, a.body)
		}
		if n := len(listed(s.check(query, a))); n > 0 {
			t.Errorf("%q lists %d runs", query, n)
		}
	}
}

// TestListPages goes to the end of the list and back, while runs are started.
func TestListPages(t *testing.T) {
	s := newSite(t, ui.Config{})
	for i := range 25 {
		s.ended("echo", `1`, runtime.ID(fmt.Sprint("run-", i)))
	}
	var got []string
	doc := s.page("/ui/runs?limit=10")
	for {
		got = append(got, listed(doc)...)
		if len(got) == 25 {
			break
		}
		s.ended("echo", `1`)
		doc = s.page(linkTo(t, doc, "Older"))
	}
	for i, id := range got {
		if want := fmt.Sprint("run-", 24-i); id != want {
			t.Errorf("run %d of the list is %s, want %s", i, id, want)
		}
	}
	doc = s.page(linkTo(t, doc, "Newer"))
	if ids := listed(doc); len(ids) != 10 || ids[0] != "run-14" {
		t.Errorf("one page back: %v", ids)
	}
	if ids := listed(s.page(linkTo(t, doc, "Newer"))); len(ids) != 10 || !strings.HasPrefix(ids[9], "run-") {
		t.Errorf("two pages back: %v", ids)
	}
}

// events reads a stream.
type events struct {
	t     testing.TB
	s     *bufio.Scanner
	close func() error
}

// open returns the answer to a client, its body to be read.
func (s *site) open(path, client string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Client", client)
	resp, err := s.c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func (s *site) watch(path string) *events {
	s.t.Helper()
	return s.watchAs("", path)
}

func (s *site) watchAs(client, path string) *events {
	s.t.Helper()
	resp := s.open(path, client)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%s: %d, %v", path, resp.StatusCode, resp.Header)
	}
	sc := bufio.NewScanner(resp.Body)
	sc.Buffer(nil, 1<<20)
	return &events{s.t, sc, resp.Body.Close}
}

// until reads on to an event of the name with the text in it.
func (e *events) until(name, text string) string {
	e.t.Helper()
	var event, data string
	for e.s.Scan() {
		line := e.s.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			event, data = line[len("event: "):], ""
		case strings.HasPrefix(line, "data: "):
			data += line[len("data: "):] + "\n"
		case line == "" && event == name && strings.Contains(data, text):
			return data
		}
	}
	e.t.Fatalf("the stream ended before %s with %q: %v", name, text, e.s.Err())
	return ""
}

// TestListIsLive: rows change in place, also when they do not match any more or
// are gone, and new runs are counted.
func TestListIsLive(t *testing.T) {
	s := newSite(t, ui.Config{})
	s.start("gated", `1`, runtime.ID("gated"))
	s.start("sleep", `1`, runtime.ID("sleeper"))
	doc := s.page("/ui/runs?status=running&status=queued&status=waiting&status=cancelled")
	if ids := listed(doc); len(ids) != 2 {
		t.Fatalf("listed: %v", ids)
	}
	var path string
	for n := range doc.Descendants() {
		if p := attr(n, "sse-connect"); p != "" {
			path = p
		}
	}
	if _, err := s.rt.Cancel(t.Context(), "sleeper"); err != nil { // before the stream is open
		t.Fatal(err)
	}
	e := s.watch(path)
	if row := e.until("r:sleeper", "status-cancelled"); strings.Contains(row, `class="left"`) {
		t.Errorf("it matches still:\n%s", row)
	}
	close(s.gate)
	if row := e.until("r:gated", "status-succeeded"); !strings.Contains(row, `class="left"`) {
		t.Errorf("it matches no more, and the row does not say so:\n%s", row)
	}
	s.start("sleep", `1`)
	e.until("news", "1 new run")
	if err := s.rt.Delete(t.Context(), "gated"); err != nil {
		t.Fatal(err)
	}
	e.until("r:gated", "deleted")
	if a := s.get("/ui/runs:watch?top=x"); a.code != http.StatusBadRequest {
		t.Errorf("a stream from a row that is none: %d", a.code)
	}
}

// TestStreamsAreBounded: one more than may watch.
func TestStreamsAreBounded(t *testing.T) {
	closing := make(chan struct{})
	s := newSite(t, ui.Config{MaxWatching: 1, Closing: closing})
	e := s.watch("/ui/runs:watch?top=1&bottom=1")
	if a := s.get("/ui/runs:watch?top=1&bottom=1"); a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("the second: %d, %v", a.code, a.header)
	}
	close(closing)
	for e.s.Scan() { // to the end
	}
	if a := s.get("/ui/runs:watch?top=1&bottom=1"); a.code != http.StatusServiceUnavailable {
		t.Errorf("after closing: %d", a.code)
	}
}

// TestOneClientCannotWatchEverywhere: each has places of its own, which it gets
// back.
func TestOneClientCannotWatchEverywhere(t *testing.T) {
	who := func(r *http.Request) string { return r.Header.Get("Client") }
	s := newSite(t, ui.Config{Client: who, MaxWatching: 5, MaxWatchingPerClient: 2})
	s.start("sleep", `1`, runtime.ID("run"))
	paths := []string{"/ui/runs:watch?top=1&bottom=1", "/ui/runs/run/watch", "/ui/watch"}
	full := func(client, want string) {
		t.Helper()
		for _, path := range paths {
			a := s.get(path, "Client", client)
			if a.code != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, want) {
				t.Errorf("%s of %s: %d, %v, want 429 with %q\n%s", path, client, a.code, a.header, want, a.body)
			}
		}
	}
	first := s.watchAs("a", paths[0])
	s.watchAs("a", paths[1])
	full("a", "for your address")
	s.watchAs("b", paths[2])
	s.watchAs("b", paths[0])
	s.watchAs("c", paths[0])
	full("c", "Too many pages are kept up to date. ") // the places of all are taken
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for s.open(paths[0], "a").StatusCode != http.StatusOK { // once the server sees that it has gone
		if ctx.Err() != nil {
			t.Fatal("a place that was left is not free")
		}
	}
}

// TestAWatcherIsAnAddress: where nobody says who makes a request, it is where
// it comes from.
func TestAWatcherIsAnAddress(t *testing.T) {
	s := newSite(t, ui.Config{MaxWatching: 2})
	const path = "/ui/watch"
	s.watchAs("a", path)
	if resp := s.open(path, "b"); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the second of an address, of two in all: %d", resp.StatusCode)
	}
}

// hidden returns the values of a form, with the hidden fields and no others.
func hidden(form *html.Node) url.Values {
	v := url.Values{}
	for _, n := range find(form, "input", "type", "hidden") {
		v.Add(attr(n, "name"), attr(n, "value"))
	}
	return v
}

// goThrough posts a form, and the forms of the answers until there is none.
func (s *site) goThrough(path string, form url.Values) (texts []string) {
	s.t.Helper()
	for {
		a := s.post(path, form)
		if a.code != http.StatusOK {
			s.t.Fatalf("post %s %v: %d\n%s", path, form, a.code, a.body)
		}
		doc := s.check(path, a)
		texts = append(texts, text(find(doc, "main")[0]))
		forms := find(find(doc, "main")[0], "form")
		if len(forms) == 0 {
			return texts
		}
		path, form = attr(forms[0], "action"), hidden(forms[0])
	}
}

func TestBulk(t *testing.T) {
	s := newSite(t, ui.Config{})
	for i := range 600 {
		s.start("sleep", `1`, runtime.ID(fmt.Sprint("s-", i)), runtime.Labels(map[string]string{"k": "v"}))
	}
	s.start("sleep", `1`, runtime.ID("spared"))
	ended := s.ended("echo", `1`, runtime.ID("ended"))

	texts := s.goThrough("/ui/runs:ask", url.Values{"do": {"cancel"}, "run": {"s-1", "s-2", "ended", "no-such"}})
	if want := "2 runs cancelled, 2 left as they were"; len(texts) < 2 || !strings.HasPrefix(texts[0], "Cancel 4 runs?") || !strings.Contains(texts[len(texts)-1], want) {
		t.Errorf("of four: %q, want %q", texts, want)
	}
	for _, id := range []string{"s-1", "s-2"} {
		if _, err := s.rt.Wait(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	ask := s.post("/ui/runs:ask", url.Values{"do": {"cancel"}, "all": {"1"}, "label": {"k=v"}, "run": {"spared"}})
	if !strings.Contains(ask.body, "Cancel 598 runs?") {
		t.Errorf("the question:\n%s", ask.body)
	}
	form := find(find(s.check("ask", ask), "main")[0], "form")[0]
	s.start("sleep", `1`, runtime.ID("late"), runtime.Labels(map[string]string{"k": "v"}))
	texts = s.goThrough(attr(form, "action"), hidden(form))
	if want := "598 runs cancelled."; !strings.Contains(texts[len(texts)-1], want) {
		t.Errorf("all that match: %q, want %q", texts, want)
	}
	for id, want := range map[string]store.Status{"spared": store.Waiting, "late": store.Waiting, "ended": store.Succeeded} {
		run, err := s.rt.Get(t.Context(), id)
		if err != nil || run.Status.Ended() != want.Ended() {
			t.Errorf("%s is %v, %v", id, run.Status, err)
		}
	}
	texts = s.goThrough("/ui/runs:ask", url.Values{"do": {"delete"}, "all": {"1"}, "id": {"ended"}})
	if _, err := s.rt.Get(t.Context(), ended.ID); err == nil || !strings.Contains(texts[0], "cannot be undone") {
		t.Errorf("after %q the run is there", texts)
	}
}

// TestBulkDoesWhatWasAsked: how long ago is told from the question on, not anew
// in each request that changes runs.
func TestBulkDoesWhatWasAsked(t *testing.T) {
	closing := make(chan struct{})
	close(closing) // one piece a request
	s := newSite(t, ui.Config{Closing: closing})
	var runs []runtime.Run
	for range 300 {
		runs = append(runs, s.start("sleep", `1`))
	}
	ask := url.Values{"do": {"cancel"}, "all": {"1"}, "since": {"1h"}, "until": {"0s"}}
	for _, path := range []string{"/ui/runs:ask", "/ui/runs:do"} {
		form := ask
		before := time.Now()
		var fixed url.Values
		for path := path; ; {
			a := s.post(path, form)
			after := time.Now()
			forms := find(find(s.check(path, a), "main")[0], "form")
			if len(forms) == 0 {
				if fixed == nil || !strings.Contains(a.body, "300 runs ") {
					t.Errorf("after %v: %d\n%s", form, a.code, a.body)
				}
				break
			}
			path, form = attr(forms[0], "action"), hidden(forms[0])
			if fixed == nil {
				fixed = form
				for name, ago := range map[string]time.Duration{"since": time.Hour, "until": 0} {
					at, err := time.Parse(time.RFC3339Nano, form.Get(name))
					if err != nil || at.Before(before.Add(-ago)) || at.After(after.Add(-ago)) {
						t.Errorf("%s: the form says %s %q, want the time %v before %v", path, name, form.Get(name), ago, before)
					}
				}
			}
			for _, name := range []string{"since", "until"} {
				if form.Get(name) != fixed.Get(name) {
					t.Errorf("%s: %s is %q, then %q", path, name, fixed.Get(name), form.Get(name))
				}
			}
		}
		if path == "/ui/runs:do" {
			break
		}
		for _, run := range runs {
			if _, err := s.rt.Wait(t.Context(), run.ID); err != nil {
				t.Fatal(err)
			}
		}
		ask["do"] = []string{"delete"}
	}
	// The way back is to the list as it was.
	back := s.post("/ui/runs:ask", url.Values{"do": {"cancel"}, "run": {"x"}, "since": {"1h"}})
	if !strings.Contains(back.body, `href="/ui/runs?since=1h"`) {
		t.Errorf("the question leads back elsewhere:\n%s", back.body)
	}
}

func TestBulkRefuses(t *testing.T) {
	s := newSite(t, ui.Config{})
	s.ended("echo", `1`, runtime.ID("ended"))
	for _, c := range []struct {
		form url.Values
		code int
		want string
	}{
		{url.Values{}, 400, "want cancel, resume or delete"},
		{url.Values{"do": {"stop"}, "all": {"1"}}, 400, "want cancel, resume or delete"},
		{url.Values{"do": {"cancel"}}, 400, "no run is selected"},
		{url.Values{"do": {"cancel"}, "run": {"../x"}}, 400, "letters, digits"},
		{url.Values{"do": {"cancel"}, "all": {"1"}, "limit": {"x"}}, 400, "from 1 to 10000"},
		{url.Values{"do": {"cancel"}, "all": {"1"}, "status": {"succeeded"}}, 400, "cannot be cancelled"},
		{url.Values{"do": {"cancel"}, "all": {"1"}}, 409, "No run that matches"},
		{url.Values{"do": {"cancel"}, "run": {strings.Repeat("x", 2<<20)}}, 413, "too large"},
	} {
		for _, path := range []string{"/ui/runs:ask", "/ui/runs:do"} {
			if c.code == 409 && path == "/ui/runs:do" {
				continue
			}
			a := s.post(path, c.form)
			if a.code != c.code || !strings.Contains(a.body, c.want) {
				t.Errorf("%s %.60v: %d, want %d with %q\n%.400s", path, c.form, a.code, c.code, c.want, a.body)
			}
			s.check(path, a)
		}
	}
	if run, err := s.rt.Get(t.Context(), "ended"); err != nil || run.Status != store.Succeeded {
		t.Errorf("the run is %v, %v", run.Status, err)
	}
}

// TestLongPages: a long page comes in pieces, each run once, and leads on to
// the next page from its last piece.
func TestLongPages(t *testing.T) {
	s := newSite(t, ui.Config{})
	const runs = 450
	for i := range runs {
		s.start("sleep", `1`, runtime.ID(fmt.Sprint("s-", i)))
	}
	var got []string
	pages, pieces := 0, 0
	for path := "/ui/runs?limit=300"; path != ""; pages++ {
		doc := s.page(path)
		for path = ""; ; pieces++ {
			got = append(got, listed(doc)...)
			more := find(doc, "div", "class", "more")
			if len(more) == 0 {
				break
			}
			if next := attr(more[0], "hx-get"); next != "" {
				a := s.get(next)
				if a.code != http.StatusOK {
					t.Fatalf("%s: %d\n%s", next, a.code, a.body)
				}
				var err error
				if doc, err = html.Parse(strings.NewReader(a.body)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			path = linkTo(t, more[0], "Older")
			break
		}
	}
	if pages != 2 || pieces != 1 || len(got) != runs {
		t.Errorf("%d pages, %d further pieces, %d runs: want 2, 1 and %d", pages, pieces, len(got), runs)
	}
	for i, id := range got {
		if want := fmt.Sprint("s-", runs-1-i); id != want {
			t.Fatalf("run %d is %s, want %s", i, id, want)
		}
	}
	for _, q := range []string{"", "left=x&from=0", "left=0&from=0", "left=100&from=0", "left=5", "left=5&from=0&status=x"} {
		if a := s.get("/ui/runs:more?" + q); a.code != http.StatusBadRequest {
			t.Errorf("%q: %d, want 400", q, a.code)
		}
	}
}
