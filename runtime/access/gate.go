package access

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime/internal/problems"
)

// Config has useful zero values.
type Config struct {
	// Tokens are those asked for. Empty, and Role nil: none is, and everybody
	// is an admin.
	Tokens []Token
	// Role, where it is set, says what a request may do in place of Tokens, by
	// an authentication of the user's own. It is called for many requests at once.
	Role func(*http.Request) Role
	// Local, without Tokens and Role, answers only requests that name this
	// machine itself. Otherwise a page on the web could reach the server
	// through the user's browser under a name that its owner points here.
	Local bool
	// Prefix is what comes before /v1/ and /ui/ in a request's path, such as
	// /internal/stepwell. Default none.
	Prefix string
	// Open lists paths that are open to all, with the prefix. So are
	// Prefix/v1/ping, and what is below Prefix/ui/assets/: the same for everybody.
	Open []string
	// Login writes the page on which a browser logs in; nil: browsers get the
	// same answers as programs. Its form is sent to Action with the fields
	// "token" and "next", the latter as given.
	Login func(w http.ResponseWriter, status int, page Login)
	// Proxies are networks whose X-Forwarded-For is believed. Whoever shows
	// wrong tokens is slowed down by address.
	Proxies []netip.Prefix
	// Logger; default slog.Default(). No secret reaches it.
	Logger *slog.Logger
}

// Login is what a login page shows.
type Login struct {
	Action  string // where the form is sent
	Next    string // page to go on to, for a field of the form
	Problem string // why the last attempt failed; empty: there was none
}

// Gate stands before a handler. It is safe for concurrent use, and needs no
// closing.
type Gate struct {
	next     http.Handler
	cfg      Config
	foreign  *http.CrossOriginProtection
	sessions sessions
	slow     slowdown
}

// New returns a gate before next.
func New(next http.Handler, cfg Config) *Gate {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	cfg.Prefix = strings.TrimRight(cfg.Prefix, "/")
	return &Gate{next: next, cfg: cfg, foreign: http.NewCrossOriginProtection()}
}

func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ours, crooked := g.ours(r.URL.Path)
	if ours {
		protect(w.Header(), r)
	}
	switch {
	case crooked:
		problems.Write(w, http.StatusNotFound, "not_found", "no such path: one begins with a slash, and has no empty parts and no dots alone in it")
	case g.foreign.Check(r) != nil:
		problems.Write(w, http.StatusForbidden, "cross_origin", "a page of another site may not change anything here")
	case ours && inURL(r.URL.RawQuery):
		problems.Write(w, http.StatusBadRequest, "token_in_url", "a token in a URL ends up in logs and histories, so it is not looked at: "+wantToken+", and make a new one in place of this")
	case g.open(r.URL.Path):
		g.next.ServeHTTP(w, r)
	case g.loginPath(r.URL.Path):
		g.login(w, r)
	default:
		g.admit(w, r)
	}
}

const wantToken = "want a token: Authorization: Bearer SECRET"

// admit lets through what the visitor's role allows.
func (g *Gate) admit(w http.ResponseWriter, r *http.Request) {
	v, ok := g.visitor(w, r)
	switch {
	case !ok: // answered
		return
	case v.role == "":
		g.turnAway(w, r)
		return
	case v.role != Admin && !g.reads(r):
		problems.Write(w, http.StatusForbidden, "forbidden", "a viewer only reads what is below "+g.cfg.Prefix+"/v1/ and "+g.ui("/"))
		return
	}
	ctx := context.WithValue(r.Context(), roleKey{}, v.role)
	ctx = context.WithValue(ctx, clientKey{}, site(g.client(r)))
	if v.session != nil {
		defer g.sessions.use(v.session)()
		c, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(v.session.ctx, cancel)()
		ctx = c
	}
	g.next.ServeHTTP(w, r.WithContext(ctx))
}

// visitor is whoever makes a request.
type visitor struct {
	role    Role
	session *session // nil: did not log in
}

// visitor finds out who makes the request; without a role for somebody who
// shows nothing that is valid. Not ok: the request was answered.
func (g *Gate) visitor(w http.ResponseWriter, r *http.Request) (v visitor, ok bool) {
	switch {
	case g.cfg.Role != nil:
		return visitor{role: g.cfg.Role(r)}, true
	case len(g.cfg.Tokens) == 0:
		if g.cfg.Local && !localHost(r.Host) {
			problems.Write(w, http.StatusMisdirectedRequest, "wrong_host",
				"this address is answered as localhost only; to be reached under another name set STEPWELL_TOKENS, or STEPWELL_AUTH to off")
			return v, false
		}
		return visitor{role: Admin}, true
	}
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
		if s := g.session(r); s != nil {
			if t, ok := find(g.cfg.Tokens, s.token); ok {
				v = visitor{t.Role, s}
			}
		}
		return v, true
	case 1:
		scheme, secret, _ := strings.Cut(headers[0], " ")
		if !strings.EqualFold(scheme, "bearer") {
			return v, true
		}
		t, wait := g.check(r, strings.TrimSpace(secret))
		if wait > 0 {
			retryAfter(w, wait)
			problems.Write(w, http.StatusTooManyRequests, "slow_down", tooMany(wait))
			return v, false
		}
		return visitor{role: t.Role}, true
	}
	problems.Write(w, http.StatusBadRequest, "invalid", "want one Authorization header")
	return v, false
}

// check looks for the token with this secret. A wait means that it was not
// looked at.
func (g *Gate) check(r *http.Request, secret string) (t Token, wait time.Duration) {
	t, right := find(g.cfg.Tokens, digestOf(secret))
	if right && !t.weak {
		return t, 0
	}
	from := g.client(r)
	wait = g.slow.judge(from, right)
	if !right && wait == 0 {
		g.cfg.Logger.WarnContext(r.Context(), "a wrong token was shown", "from", from.String())
	}
	if wait > 0 {
		return Token{}, wait
	}
	return t, 0
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds(wait)))
}

func tooMany(wait time.Duration) string {
	return fmt.Sprintf("too many wrong tokens came from this address: try again in %d s", seconds(wait))
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// turnAway answers somebody who has shown nothing valid.
func (g *Gate) turnAway(w http.ResponseWriter, r *http.Request) {
	if g.cfg.Login != nil && g.cfg.Role == nil {
		to := g.ui("/login") + "?next=" + url.QueryEscape(local(page(r), g.ui("")))
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case r.Header.Get("HX-Request") == "true":
			w.Header().Set("HX-Redirect", to) // the whole page goes there, not a part of it
		case g.navigates(r):
			if site := r.Header.Get("Sec-Fetch-Site"); site == "same-origin" || site == "none" {
				http.Redirect(w, r, to, http.StatusSeeOther)
			} else {
				goOn(w, to)
			}
			return
		}
	}
	if g.cfg.Role != nil {
		problems.Write(w, http.StatusForbidden, "forbidden", "you have no access here")
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="stepwell"`)
	problems.Write(w, http.StatusUnauthorized, "unauthorized", wantToken)
}

// page is the path of the page a request is for: its own, or where it asks for a
// part of a page, of that.
func page(r *http.Request) string {
	u, err := url.Parse(r.Header.Get("HX-Current-URL"))
	if err != nil || r.Header.Get("HX-Request") != "true" {
		return r.URL.RequestURI()
	}
	return u.RequestURI()
}

// navigates tells whether a person waits for a page.
func (g *Gate) navigates(r *http.Request) bool {
	return isRead(r) && strings.Contains(r.Header.Get("Accept"), "text/html") && !below(r.URL.Path, g.cfg.Prefix+"/v1")
}

// reads tells whether a request changes nothing. Paths that are not ours are
// the program's own, and a GET there may do anything.
func (g *Gate) reads(r *http.Request) bool {
	ours, _ := g.ours(r.URL.Path)
	return isRead(r) && ours
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// ours tells whether a path is the API's or the UI's. A crooked one is, as it
// stands or as a router would put it right: which of the two it means is not for
// this and the next handler to decide differently.
func (g *Gate) ours(p string) (ours, crooked bool) {
	in := func(p string) bool { return below(p, g.cfg.Prefix+"/v1") || below(p, g.ui("")) }
	clean := path.Clean(p)
	ours = in(p) || in(clean)
	return ours, !strings.HasPrefix(p, "/") || ours && p != clean && p != clean+"/"
}

func (g *Gate) open(p string) bool {
	return p == g.cfg.Prefix+"/v1/ping" || slices.Contains(g.cfg.Open, p) || below(p, g.ui("/assets"))
}

func (g *Gate) ui(p string) string { return g.cfg.Prefix + "/ui" + p }

// inURL tells whether a query holds what looks like a token. It may be
// malformed.
func inURL(query string) bool {
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		switch strings.ToLower(name) {
		case "token", "access_token", "bearer", "authorization":
			return true
		}
	}
	return false
}

// localHost reports whether a Host header names this machine, read as a browser
// reads a URL.
func localHost(host string) bool {
	u, err := url.Parse("http://" + host)
	if err != nil || u.Host != host || u.User != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")
}

type roleKey struct{}

// RoleOf is what the maker of a request that a [Gate] let through may do; empty
// for what is open to all.
func RoleOf(r *http.Request) Role {
	role, _ := r.Context().Value(roleKey{}).(Role)
	return role
}
