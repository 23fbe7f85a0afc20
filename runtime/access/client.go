package access

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is the address a request comes from: the peer's, or where that is one
// of our proxies, the last in X-Forwarded-For that is not. The zero address
// stands for all that cannot be told.
func (g *Gate) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := peer.Addr().Unmap()
	if !g.proxy(from) {
		return from
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return from // what is further left, anybody may have written
		}
		if from = a.Unmap(); !g.proxy(from) {
			return from
		}
	}
	return from
}

func (g *Gate) proxy(a netip.Addr) bool {
	return slices.ContainsFunc(g.cfg.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// clientKey is that of the client in a context.
type clientKey struct{}

// ClientOf names the client of a request that a gate let through: its address,
// of IPv6 the network, for a site has as many addresses as it likes. Tokens say
// nothing of it, many share one.
func ClientOf(r *http.Request) string {
	name, _ := r.Context().Value(clientKey{}).(string)
	return name
}

func site(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// secure tells whether the browser speaks TLS, to us or to a proxy. Nobody has
// to be believed: who lies about it only gets a cookie that is sent less often.
func secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(r.Header.Get("X-Forwarded-Proto"), "https") || strings.HasPrefix(r.Header.Get("Origin"), "https://")
}
