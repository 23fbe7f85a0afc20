package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestClientOf: a header is believed of our proxies only.
func TestClientOf(t *testing.T) {
	var got string
	gate := New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = ClientOf(r) }),
		Config{Role: func(*http.Request) Role { return Admin }, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for _, c := range []struct{ peer, header, want string }{
		{"192.0.2.7:1234", "", "192.0.2.7"},
		{"192.0.2.7:1234", "198.51.100.1", "192.0.2.7"},
		{"10.1.2.3:1234", "198.51.100.1", "198.51.100.1"},
		{"10.1.2.3:1234", "203.0.113.9, 198.51.100.1, 10.9.9.9", "198.51.100.1"},
		{"10.1.2.3:1234", "", "10.1.2.3"},
		{"[2001:db8:1:2:3::4]:1234", "", "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.7]:1234", "", "192.0.2.7"},
	} {
		r := httptest.NewRequest("GET", "/v1/runs", nil)
		r.RemoteAddr = c.peer
		if c.header != "" {
			r.Header.Set("X-Forwarded-For", c.header)
		}
		got = ""
		gate.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("from %s for %q: %q, want %q", c.peer, c.header, got, c.want)
		}
	}
}
