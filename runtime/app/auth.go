package app

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/stepwell/stepwell/runtime/api"
)

// authMode says whether requests to the API need a token.
type authMode string

const (
	authAuto authMode = "auto"
	authOn   authMode = "on"
	authOff  authMode = "off"
)

// token is a secret and what it allows. The secret itself is not kept.
type token struct {
	role string // admin or viewer
	hash [sha256.Size]byte
}

func newToken(role, secret string) token { return token{role, sha256.Sum256([]byte(secret))} }

func setAuth(c *config, v string) error {
	c.auth = authMode(v)
	if c.auth != authAuto && c.auth != authOn && c.auth != authOff {
		return errors.New("want auto, on or off")
	}
	return nil
}

func setTokens(c *config, v string) error {
	c.tokens = nil
	if v == "" {
		return nil
	}
	for part := range strings.SplitSeq(v, ",") {
		role, secret, _ := strings.Cut(strings.TrimSpace(part), ":")
		if role != "admin" && role != "viewer" || secret == "" {
			return errors.New("want admin:SECRET or viewer:SECRET, with commas between")
		}
		c.tokens = append(c.tokens, newToken(role, secret))
	}
	return nil
}

// guard stands before the API listener.
type guard struct {
	next   http.Handler
	open   []string
	tokens []token // empty: no token is asked for
	// local: without tokens, only requests that name this machine itself are
	// answered. Otherwise a page on the web could reach the API through the
	// user's browser under a name that its owner points here.
	local bool
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/v1/ping" || slices.Contains(g.open, r.URL.Path):
	case len(g.tokens) == 0:
		if g.local && !localHost(r.Host) {
			api.WriteProblem(w, http.StatusMisdirectedRequest, "wrong_host",
				"this address is answered as localhost only; to be reached under another name set STEPWELL_TOKENS, or STEPWELL_AUTH to off")
			return
		}
	default:
		role := g.role(r)
		if role == "" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="stepwell"`)
			api.WriteProblem(w, http.StatusUnauthorized, "unauthorized", "want a token: Authorization: Bearer SECRET")
			return
		}
		// Paths outside /v1/ are the program's own, and a GET there may do
		// anything.
		reads := (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.HasPrefix(r.URL.Path, "/v1/")
		if role != "admin" && !reads {
			api.WriteProblem(w, http.StatusForbidden, "forbidden", "this token is a viewer's: it only reads what is below /v1/")
			return
		}
	}
	g.next.ServeHTTP(w, r)
}

// role returns what the request's token allows; empty without a valid one.
// All tokens are compared, each in constant time.
func (g *guard) role(r *http.Request) (role string) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	hash := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	for _, t := range g.tokens {
		if subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1 && role != "admin" {
			role = t.role
		}
	}
	return role
}

// localHost reports whether a Host header names this machine.
func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// authorize decides which tokens are asked for. made is a token that did not
// exist before, to be shown once.
func (c *config) authorize(listener net.Addr) (tokens []token, file, made string, err error) {
	ap, parseErr := netip.ParseAddrPort(listener.String())
	loopback := parseErr == nil && ap.Addr().Unmap().IsLoopback()
	switch {
	case c.auth == authOff:
		return nil, "", "", nil
	case len(c.tokens) > 0:
		return c.tokens, "", "", nil
	case c.auth == authAuto && loopback:
		return nil, "", "", nil
	}
	file = c.storePath + ".token"
	secret, made, err := keptToken(file)
	if err != nil {
		return nil, "", "", fmt.Errorf("keep a token for the API: %w", err)
	}
	return []token{newToken("admin", secret)}, file, made, nil
}

// keptToken reads the token from the file, or makes one and writes it there.
func keptToken(file string) (secret, made string, err error) {
	b, err := os.ReadFile(file)
	if err == nil {
		if secret = strings.TrimSpace(string(b)); secret != "" {
			return secret, "", nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	secret = rand.Text()
	return secret, secret, os.WriteFile(file, []byte(secret+"\n"), 0o600)
}
