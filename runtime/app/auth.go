package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/stepwell/stepwell/runtime/access"
)

// authMode says whether requests to the API need a token.
type authMode string

const (
	authAuto authMode = "auto"
	authOn   authMode = "on"
	authOff  authMode = "off"
)

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
		if role != string(access.Admin) && role != string(access.Viewer) || secret == "" {
			return errors.New("want admin:SECRET or viewer:SECRET, with commas between")
		}
		if strings.TrimSpace(secret) != secret || strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("a secret begins with a space or has a control character in it: it cannot be shown in an Authorization header")
		}
		c.tokens = append(c.tokens, access.NewToken(access.Role(role), secret))
	}
	return nil
}

// setProxies reads addresses and networks.
func setProxies(c *config, v string) error {
	c.proxies = nil
	if v == "" {
		return nil
	}
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, err := netip.ParseAddr(part)
			if err != nil || a.Zone() != "" {
				return errors.New("want addresses or networks with commas between, such as 10.0.0.0/8,192.0.2.1")
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		c.proxies = append(c.proxies, p)
	}
	return nil
}

// authorize decides which tokens are asked for, and says where one that nobody
// set comes from. A new one is made when there is none.
func (p *process) authorize(listener net.Addr) ([]access.Token, error) {
	ap, err := netip.ParseAddrPort(listener.String())
	loopback := err == nil && ap.Addr().Unmap().IsLoopback()
	set := p.cfg.tokens
	switch {
	case p.cfg.auth == authOff:
		if len(set) > 0 {
			p.log.Warn("STEPWELL_AUTH is off: STEPWELL_TOKENS is not used")
		}
		return nil, nil
	case len(set) > 0:
		for _, t := range set {
			p.warnOf(t, "STEPWELL_TOKENS")
		}
		return set, nil
	case p.cfg.auth == authAuto && loopback:
		return nil, nil
	}
	file := p.cfg.storePath + ".token"
	tokens, made, err := access.Keep(file)
	if err != nil {
		return nil, fmt.Errorf("keep a token for the API: %w", err)
	}
	if made == "" {
		for _, t := range tokens {
			p.warnOf(t, file)
		}
		p.log.Info("the API asks for the token that was shown when it was made; to have another made, delete the file with its hash and start again", "file", file)
		return tokens, nil
	}
	// Not through the log, which may be shipped elsewhere.
	fmt.Fprintf(os.Stderr, `
The API asks for a token, and none is set. This one was made for you, and is shown this once:

    %s

Log in at   http://%s/ui/login
Programs    Authorization: Bearer TOKEN, for the commands STEPWELL_TOKEN
Another     delete %s, which keeps its hash, and start again; or set STEPWELL_TOKENS

`, made, shown(listener), file)
	return tokens, nil
}

func (p *process) warnOf(t access.Token, in string) {
	if t.Weak() {
		p.log.Warn("a token may be guessed, or looks as if: make one with openssl rand -hex 16", "in", in, "role", string(t.Role))
	}
}

// shown is where somebody reads it reaches the listener: on all interfaces, by
// this machine's name.
func shown(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil || !ap.Addr().Unmap().IsUnspecified() {
		return addr.String()
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		return reachable(addr)
	}
	return net.JoinHostPort(host, fmt.Sprint(ap.Port()))
}
