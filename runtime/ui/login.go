package ui

import (
	"bytes"
	"html/template"
	"net/http"
	"path"
)

// Login is the page that asks for a token.
type Login struct {
	// Action is where the form is posted: fields token and next.
	Action string
	// Next is the path to go on to, already checked.
	Next string
	// Problem says what was wrong with the last try; empty at the first.
	Problem string
}

var loginTemplate = template.Must(template.New("login").Funcs(template.FuncMap{
	// The assets are below the same prefix as the login.
	"asset": func(action, name string) string { return path.Dir(action) + assetPath + assetNames[name] },
}).ParseFS(templateFiles, "templates/login.html"))

// WriteLogin answers with the login page. Its assets are served below the
// prefix to those who have not logged in, too: Action is Prefix/login.
func WriteLogin(w http.ResponseWriter, status int, l Login) {
	var b bytes.Buffer
	if err := loginTemplate.ExecuteTemplate(&b, "login.html", l); err != nil {
		http.Error(w, "an error of the server", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the client has gone
}
