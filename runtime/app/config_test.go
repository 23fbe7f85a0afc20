package app

import (
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime/access"
)

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestPrecedence(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags map[string]string
		env   map[string]string
		want  string
	}{
		{"default", nil, nil, "127.0.0.1:8080"},
		{"PORT", nil, map[string]string{"PORT": "9"}, "0.0.0.0:9"},
		{"variable over PORT", nil, map[string]string{"PORT": "9", "STEPWELL_ADDR": ":10"}, ":10"},
		{"flag over both", map[string]string{"addr": ":11"}, map[string]string{"PORT": "9", "STEPWELL_ADDR": ":10"}, ":11"},
	} {
		cfg, err := readConfig(c.flags, lookup(c.env))
		if err != nil {
			t.Fatal(err)
		}
		if cfg.addr != c.want {
			t.Errorf("%s: the address is %s, want %s", c.name, cfg.addr, c.want)
		}
	}
}

func TestConfig(t *testing.T) {
	cfg, err := readConfig(nil, lookup(map[string]string{
		"STEPWELL_STORE": "sqlite:/data/x.db", "STEPWELL_DRAIN": "0s", "STEPWELL_VERSION": "v9", "STEPWELL_MAX_BODY": "64MiB",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.storePath != "/data/x.db" || cfg.drain != 0 || cfg.version != "v9" || cfg.maxBody != 64<<20 || cfg.auth != authAuto {
		t.Errorf("config: %+v", cfg)
	}
	if d := drainOf(cfg); d >= 0 {
		t.Errorf("no drain is handed on as %v: want below zero, zero is the engine's default", d)
	}
	if d := drainOf(&config{drain: time.Second}); d != time.Second {
		t.Errorf("a drain of 1s is handed on as %v", d)
	}
}

func TestUnknownVariables(t *testing.T) {
	env := []string{
		"STEPWELL_STOER=x", "STEPWELL_STORE=x", "STEPWELL_URL=x", "STEPWELL_TOKEN=x", "HOME=x",
		"STEPWELL_SERVICE_HOST=x", "STEPWELL_PORT=tcp://x", "STEPWELL_PORT_8080_TCP=x",
	}
	if diff := cmp.Diff([]string{"STEPWELL_STOER"}, unknownVariables(env)); diff != "" {
		t.Errorf("unknown variables (-want +got):\n%s", diff)
	}
}

func TestWithoutPassword(t *testing.T) {
	for in, want := range map[string]string{
		"sqlite:x": "sqlite:x", "postgres://u:p@h/d": "postgres://u:xxxxx@h/d", "postgres://u:p%@h/d": "postgres://u:...@h/d",
	} {
		if got := withoutPassword(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// TestAuthorize says for which addresses a token is asked.
func TestAuthorize(t *testing.T) {
	set := []access.Token{access.NewToken(access.Admin, "x")}
	loop, all := "127.0.0.1:80", "0.0.0.0:80"
	for _, c := range []struct {
		mode       authMode
		tokens     []access.Token
		addr       string
		want, made bool
	}{
		{authAuto, nil, loop, false, false}, {authAuto, nil, "[::1]:80", false, false},
		{authAuto, nil, all, true, true}, {authAuto, nil, "[::]:80", true, true}, {authAuto, nil, "10.0.0.1:80", true, true},
		{authAuto, set, loop, true, false}, {authAuto, set, all, true, false},
		{authOn, nil, loop, true, true}, {authOn, set, loop, true, false},
		{authOff, nil, all, false, false}, {authOff, set, all, false, false},
	} {
		p := &process{log: slog.New(slog.DiscardHandler), cfg: &config{auth: c.mode, tokens: c.tokens, storePath: t.TempDir() + "/x.db"}}
		addr, err := net.ResolveTCPAddr("tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := p.authorize(addr)
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(p.cfg.storePath + ".token")
		if made := err == nil; (len(tokens) > 0) != c.want || made != c.made {
			t.Errorf("%s, %d tokens set, on %s: asks for a token %v, made one %v; want %v and %v",
				c.mode, len(c.tokens), c.addr, len(tokens) > 0, made, c.want, c.made)
		}
	}
}

func TestReachable(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "[::1]:80": "[::1]:80", "10.0.0.1:80": "10.0.0.1:80",
	} {
		addr, err := net.ResolveTCPAddr("tcp", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(addr); got != want {
			t.Errorf("%s is reached at %s, want %s", in, got, want)
		}
	}
}
