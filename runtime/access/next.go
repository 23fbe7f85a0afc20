package access

import (
	"net/url"
	"path"
	"strings"
)

const maxNext = 2048 // bytes, escaped or not

// local returns where a browser is sent after the login: next when that is a
// page below ui, else ui itself. What comes back has been taken apart and put
// together again, so that no browser reads another host into it.
func local(next, ui string) string {
	home := ui + "/"
	if len(next) > maxNext || strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return home
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return home
	}
	if p := path.Clean(u.Path); p != u.Path && p+"/" != u.Path || !below(u.Path, ui) || below(p, ui+"/login") || below(p, ui+"/logout") {
		return home
	}
	to := (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
	if len(to) > maxNext {
		return home
	}
	return to
}

// below tells whether p is dir or in it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
