package ui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates by name: each a set of its own, of base.html,
// parts.html and the page's file.
type pages map[string]*template.Template

// page says what is rendered.
type page struct {
	Name   string // of the template's file, without .html
	Title  string
	Nav    string // path of the entry in the navigation that it belongs to
	Status int    // default 200
}

// view is what base.html sees. A page's own block "main" sees it too, with what
// it is about in Data.
type view struct {
	page
	Data   any
	Admin  bool
	Logout bool
	Note   string
	// Entries of the navigation.
	Entries []navEntry
}

// navEntry is a link of the navigation. Its path is below the prefix.
type navEntry struct {
	Title, Path, URL string
	Current          bool
}

// navigation lists the pages one begins at; those that do not exist are left out.
var navigation = []navEntry{
	{Title: "Overview", Path: "/"}, {Title: "Runs", Path: "/runs"}, {Title: "Workflows", Path: "/workflows"},
	{Title: "Queues", Path: "/queues"}, {Title: "Schedules", Path: "/schedules"}, {Title: "Health", Path: "/health"},
}

// parse reads all templates. They are part of the program: one that is broken
// ends it.
func (u *UI) parse() pages {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	base := template.Must(template.New("base").Funcs(u.funcs()).ParseFS(templateFiles, "templates/base.html", "templates/parts.html"))
	all := pages{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name != "base" && name != "parts" && name != "login" {
			all[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, file))
		}
	}
	return all
}

// render answers with a page. What does not render is an error of ours: it is
// logged, and the answer says so.
func (u *UI) render(w http.ResponseWriter, r *http.Request, p page, data any) error {
	v := view{page: p, Data: data, Admin: u.admin(r), Logout: u.cfg.Logout, Note: note(r)}
	for _, e := range navigation {
		if u.has(e.Path) {
			e.Current, e.URL = e.Path == p.Nav, u.cfg.Prefix+e.Path
			v.Entries = append(v.Entries, e)
		}
	}
	var b bytes.Buffer
	if err := u.pages[p.Name].ExecuteTemplate(&b, "base.html", v); err != nil {
		u.cfg.Logger.ErrorContext(r.Context(), "page does not render", "page", p.Name, "error", err)
		http.Error(w, "an error of the server; its log has the details", http.StatusInternalServerError)
		return nil
	}
	u.writeHTML(w, p.Status, b.Bytes())
	return nil
}

// fragment renders one template of a page's set, to be sent in place of a part
// of the page.
func (u *UI) fragment(name, part string, data any) []byte {
	var b bytes.Buffer
	if err := u.pages[name].ExecuteTemplate(&b, part, data); err != nil {
		u.cfg.Logger.Error("fragment does not render", "page", name, "part", part, "error", err)
		return nil
	}
	return b.Bytes()
}

func (u *UI) writeHTML(w http.ResponseWriter, status int, body []byte) {
	if status == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

// path joins the parts to a path below the prefix, each escaped: path("runs", id).
func (u *UI) path(parts ...string) string {
	var b strings.Builder
	b.WriteString(u.cfg.Prefix)
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(strings.TrimPrefix(p, "/")))
	}
	if len(parts) == 0 {
		b.WriteByte('/')
	}
	return b.String()
}

// redirect sends the browser on after a change, with a note that the next page
// shows: a key of notes, and the number in it.
func (u *UI) redirect(w http.ResponseWriter, r *http.Request, to, note string) error {
	if note != "" {
		sep := "?"
		if strings.Contains(to, "?") {
			sep = "&"
		}
		to += sep + "note=" + url.QueryEscape(note)
	}
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// notes are what a page can be told to say by its URL. The text is ours alone:
// a link must not make a page say what its author likes.
var notes = map[string]string{
	"started":   "Started.",
	"cancelled": "Cancelled: it ends as soon as its code sees that.",
	"resumed":   "Resumed: it goes on from its history.",
	"forked":    "Forked: this is the new run.",
	"sent":      "The message was sent.",
	"deleted":   "Deleted.",
	"paused":    "Paused.",
	"changed":   "Changed.",
	"existed":   "A run of this id was there already: nothing was started.",

	"resumed-queue":    "Resumed: runs of it begin again.",
	"resumed-schedule": "Resumed: it goes on with its next tick.",
}

func note(r *http.Request) string { return notes[r.URL.Query().Get("note")] }

// confirmation asks before something is done.
type confirmation struct {
	Title  string // the question
	Text   string // what will happen
	Action string // where the form is posted
	Button string // what the button says
	Danger bool   // it cannot be undone
	Back   string // where one goes that changed their mind
	Fields []field
}

// field is a hidden value of a form.
type field struct{ Name, Value string }

// confirm answers with the question: a page, of which htmx shows the form as a
// dialog; see the template "ask".
func (u *UI) confirm(w http.ResponseWriter, r *http.Request, nav string, c confirmation) error {
	return u.render(w, r, page{Name: "confirm", Title: c.Title, Nav: nav}, c)
}

// ask is a link to a confirmation; see the template of that name.
type ask struct {
	URL, Text string
	Danger    bool
}

func (u *UI) funcs() template.FuncMap {
	return template.FuncMap{
		"path":   u.path,
		"has":    u.has,
		"asset":  func(name string) string { return u.cfg.Prefix + assetPath + assetNames[name] },
		"ask":    func(text string, danger bool, parts ...string) ask { return ask{u.path(parts...), text, danger} },
		"dict":   dict,
		"time":   timeText,
		"ago":    func(t time.Time) template.HTML { return agoHTML(t, time.Now()) },
		"span":   spanText,
		"num":    numText,
		"bytes":  bytesText,
		"json":   jsonHTML,
		"millis": millisText,
		"plural": plural,
		"clip":   clip,
		"join":   strings.Join,
	}
}

// dict makes the data of a template inside another from pairs of names and values.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d values: want pairs", len(pairs))
	}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: the name is %v: want a string", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
