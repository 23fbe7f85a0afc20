package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// listen takes an address. Its errors say what to do.
func listen(what, addr, env string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: the address %s is taken by another process: stop it, or set %s", what, addr, env)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: the address %s may not be used by this user: set %s", what, addr, env)
	}
	return nil, fmt.Errorf("%s: %w: set %s", what, err, env)
}

// newServer has a bound for everything a client can draw out. A handler that
// waits for long moves its own write deadline.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// reachable is how this process reaches a listener of its own: one on all
// interfaces through loopback.
func reachable(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ap.Addr().Unmap().IsUnspecified() {
		// One on all IPv6 interfaces takes IPv4 too.
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()).String()
	}
	return ap.String()
}
