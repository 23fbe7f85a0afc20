package workload

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/stepwell/stepwell/runtime/api"
)

// flakyPath is an endpoint for the fetch workflow to call.
const flakyPath = "/experiment/flaky"

// own is what this process knows of its own server.
var own server

// server remembers where it is reached, and counts the calls it failed.
type server struct {
	addr  atomic.Pointer[string] // host and port
	calls atomic.Uint64
}

// base is the address of the server without a path.
func (s *server) base() (string, error) {
	addr := s.addr.Load()
	if addr == nil {
		return "", errNoAddress
	}
	return "http://" + *addr, nil
}

// listens tells the server its address. One that stands for all interfaces is
// reached through loopback.
func (s *server) listens(addr net.Addr) {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return
	}
	ip := ap.Addr().Unmap()
	switch {
	case ip.IsUnspecified() && ip.Is4():
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case ip.IsUnspecified():
		ip = netip.IPv6Loopback()
	}
	at := netip.AddrPortFrom(ip, ap.Port()).String()
	s.addr.Store(&at)
}

// flaky fails one call in three, as a service in trouble does.
func (s *server) flaky(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if s.calls.Add(1)%3 == 0 {
		api.WriteProblem(w, http.StatusServiceUnavailable, "flaky", "this endpoint fails one call in three, on purpose")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{\"ok\":true}\n") //nolint:errcheck // the client has gone
}
