package access

import (
	"errors"
	"fmt"
	"html"
	"net/http"

	"github.com/stepwell/stepwell/runtime/internal/problems"
)

const (
	cookieName = "stepwell"
	// secureName is one that a browser takes only over TLS, for this host alone.
	secureName = "__Host-stepwell"
	maxForm    = 8 << 10 // bytes of a login
)

// loginPath tells whether a path is one of those that the gate answers itself.
func (g *Gate) loginPath(p string) bool {
	return g.cfg.Login != nil && g.cfg.Role == nil && (p == g.ui("/login") || p == g.ui("/logout"))
}

// login answers the login page, its form, and the logout.
func (g *Gate) login(w http.ResponseWriter, r *http.Request) {
	switch {
	case g.cfg.Local && len(g.cfg.Tokens) == 0 && !localHost(r.Host):
		g.visitor(w, r) // answers
	case r.URL.Path == g.ui("/logout") && r.Method == http.MethodPost:
		for _, name := range []string{secureName, cookieName} {
			if c, err := r.Cookie(name); err == nil {
				g.sessions.end(c.Value)
				g.setCookie(w, name, "", -1)
			}
		}
		http.Redirect(w, r, g.ui("/login"), http.StatusSeeOther)
	case r.URL.Path == g.ui("/logout"):
		w.Header().Set("Allow", "POST")
		problems.Write(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path takes POST")
	case isRead(r):
		next := local(r.URL.Query().Get("next"), g.ui(""))
		if len(g.cfg.Tokens) == 0 || g.session(r) != nil {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
		g.cfg.Login(w, http.StatusOK, Login{Action: g.ui("/login"), Next: next})
	case r.Method == http.MethodPost:
		g.logIn(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		problems.Write(w, http.StatusMethodNotAllowed, "method_not_allowed", "this path takes GET, HEAD, POST")
	}
}

// logIn begins a session for who shows a right token.
func (g *Gate) logIn(w http.ResponseWriter, r *http.Request) {
	page := Login{Action: g.ui("/login"), Next: g.ui("/")}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		page.Problem = "The form cannot be read."
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			status, page.Problem = http.StatusRequestEntityTooLarge, "The form is too large."
		}
		g.cfg.Login(w, status, page)
		return
	}
	page.Next = local(r.PostForm.Get("next"), g.ui(""))
	secret := r.PostForm.Get("token")
	if len(g.cfg.Tokens) == 0 {
		http.Redirect(w, r, page.Next, http.StatusSeeOther)
		return
	}
	if secret == "" {
		page.Problem = "Enter a token."
		g.cfg.Login(w, http.StatusBadRequest, page)
		return
	}
	t, wait := g.check(r, secret)
	switch {
	case wait > 0:
		retryAfter(w, wait)
		page.Problem = "T" + tooMany(wait)[1:] + "."
		g.cfg.Login(w, http.StatusTooManyRequests, page)
		return
	case t.Role == "":
		page.Problem = "This token is not valid."
		g.cfg.Login(w, http.StatusUnauthorized, page)
		return
	}
	g.cfg.Logger.InfoContext(r.Context(), "somebody logged in", "role", string(t.Role), "from", g.client(r).String())
	// A new id for a new login: one that somebody planted here is worth nothing.
	if id := sessionID(r); id != "" {
		g.sessions.end(id)
	}
	name := cookieName
	if secure(r) {
		name = secureName
	}
	g.setCookie(w, name, g.sessions.begin(t.digest), 0)
	http.Redirect(w, r, page.Next, http.StatusSeeOther)
}

func (g *Gate) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: name == secureName,
	})
}

// session is the one the request belongs to, or nil.
func (g *Gate) session(r *http.Request) *session {
	if id := sessionID(r); id != "" {
		return g.sessions.find(id)
	}
	return nil
}

func sessionID(r *http.Request) string {
	for _, name := range []string{secureName, cookieName} {
		if c, err := r.Cookie(name); err == nil {
			return c.Value
		}
	}
	return ""
}

// goOn answers with a page that leads to the login at once. Somebody who comes
// by a link on another site may be logged in: the browser sent no cookie that
// is SameSite=Strict, and would send none after a redirect, but does from a
// page of ours.
func goOn(w http.ResponseWriter, to string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("WWW-Authenticate", `Bearer realm="stepwell"`)
	w.WriteHeader(http.StatusUnauthorized)
	to = html.EscapeString(to)
	fmt.Fprintf(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in</title><meta http-equiv="refresh" content="0;url=%s"></head>
<body><p><a href="%s">Log in</a></p></body></html>
`, to, to)
}
