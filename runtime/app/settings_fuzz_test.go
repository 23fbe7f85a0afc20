package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime/access"
)

// FuzzSettings: no value of a setting panics, one that is refused shows no secret, and what is accepted is within
// its bounds. Each token that is accepted opens the door.
func FuzzSettings(f *testing.F) {
	for i, s := range settings {
		for _, v := range []string{s.def, "", "x", "-1", "0", "\x00", "10s", "1h1m", "30d", "36501d", "succeeded=7d,failed=30d", "succeeded=1d,succeeded=2d", "forever", "127.0.0.1:8080", ":0", "[::1]:99999", "a:b:c",
			"admin:secret", "viewer:a,admin:b c", "admin: x", "admin:", "root:x", "admin:a:b", "admin:ä", "10.0.0.0/8,::1", "fe80::1%eth0", "1MiB", "64MiB", "65MiB", "9223372036854775807KiB", "sqlite:a", "sqlite://a", "postgres://u:secret@h/d"} {
			f.Add(uint8(i), v)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		s := settings[int(which)%len(settings)]
		c, err := readConfig(map[string]string{s.flag: value}, func(string) string { return "" }, s.flag)
		secret := s.flag == "tokens" || s.flag == "encryption-keys"
		if err != nil {
			if secret && len(value) > 12 && strings.Contains(err.Error(), value) {
				t.Errorf("the error shows a secret: %v", err)
			}
			return
		}
		switch s.flag {
		case "drain":
			if c.drain < 0 || c.drain > time.Hour {
				t.Errorf("%q: %v", value, c.drain)
			}
		case "retention":
			for _, d := range []time.Duration{c.retention.Succeeded, c.retention.Failed, c.retention.Cancelled} {
				if d != 0 && d < shortestRetention {
					t.Errorf("%q: %v", value, d)
				}
			}
		case "max-body":
			if c.maxBody < 1 || c.maxBody > 64<<20 {
				t.Errorf("%q: %d", value, c.maxBody)
			}
		case "replay-gate":
			if c.replayGate < 0 || c.replayGate > maxGate {
				t.Errorf("%q: %d", value, c.replayGate)
			}
		case "tokens":
			for i, part := range strings.Split(value, ",") {
				if value != "" {
					_, secret, _ := strings.Cut(strings.TrimSpace(part), ":")
					opens(t, c, i, secret)
				}
			}
		}
	})
}

// opens shows a secret at the gate.
func opens(t *testing.T, c *config, i int, secret string) {
	t.Helper()
	g := access.New(http.NotFoundHandler(), access.Config{Tokens: c.tokens})
	r := httptest.NewRequest(http.MethodGet, "/v1/runs", nil)
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("token %d is accepted, and shown as it is it opens nothing: %q: %d", i+1, secret, w.Code)
	}
	for _, b := range []byte(secret) {
		if b < ' ' || b == 0x7f {
			t.Errorf("token %d cannot stand in a header: %q", i+1, secret)
		}
	}
}
