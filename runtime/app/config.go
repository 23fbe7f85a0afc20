package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
)

// config is what the program was told.
type config struct {
	addr       string
	healthAddr string
	storePath  string
	tokens     []access.Token
	keys       []runtime.Key
	unsealed   bool // without keys on purpose
	auth       authMode
	proxies    []netip.Prefix
	version    string
	drain      time.Duration
	retention  runtime.Retention
	logLevel   slog.Level
	maxBody    int64
	traceURL   string // with {trace_id} in it; empty: none
	replayGate int    // runs to replay before ready; 0: none
	executor   string // names this process
}

// setting is one thing that can be configured: by flag, else by environment,
// else its default.
type setting struct {
	env, flag, def, help string
	set                  func(c *config, value string) error
}

// settings in the order in which they are shown.
var settings = []setting{
	{"STEPWELL_ADDR", "addr", "127.0.0.1:8080", "address of the API and the web UI; with PORT set the default is 0.0.0.0:$PORT",
		func(c *config, v string) error { return setAddr(&c.addr, v) }},
	{"STEPWELL_HEALTH_ADDR", "health-addr", "127.0.0.1:8081", "address of health and metrics",
		func(c *config, v string) error { return setAddr(&c.healthAddr, v) }},
	{"STEPWELL_STORE", "store", "sqlite:data/stepwell.db", "where runs are kept: sqlite:PATH", setStore},
	{"STEPWELL_REPLICA", "replica", "", "copy of the store in object storage; not in this version", setReplica},
	{"STEPWELL_REPLICA_ACK", "replica-ack", "async", "what a write waits for: async; commit is not in this version", setReplicaAck},
	{"STEPWELL_TOKENS", "tokens", "", "admin:SECRET,viewer:SECRET, made with openssl rand -hex 16; a viewer only reads", setTokens},
	{"STEPWELL_AUTH", "auth", "auto", "on, off or auto: on with tokens or off loopback, a token is made when none is set", setAuth},
	{"STEPWELL_PROXIES", "proxies", "", "addresses or networks, with commas between, whose X-Forwarded-For is believed: wrong tokens are slowed down by address", setProxies},
	{"STEPWELL_ENCRYPTION_KEYS", "encryption-keys", "", "id:SECRET,id:SECRET, each 32 bytes in base64: payloads and errors are stored encrypted; the first key encrypts, all decrypt; none: not any more", setKeys},
	{"STEPWELL_VERSION", "run-version", "", "version that runs are started under; default: the build's",
		func(c *config, v string) error { c.version = v; return nil }},
	{"STEPWELL_DRAIN", "drain", "10s", "time for running steps after SIGTERM", setDrain},
	{"STEPWELL_REPLAY_GATE", "replay-gate", "0", "runs under way to replay on this code before it is ready; one that does not fit holds it back; 0: none", setReplayGate},
	{"STEPWELL_RETENTION", "retention", "forever", "how long runs are kept after their end: 30d, or by status: succeeded=7d,failed=30d,cancelled=7d", setRetention},
	{"STEPWELL_LOG_LEVEL", "log-level", "info", "debug, info, warn or error", setLogLevel},
	{"STEPWELL_TRACE_URL", "trace-url", "", "where the web UI finds a trace, such as http://localhost:16686/trace/{trace_id}; unset: traces are not linked", setTraceURL},
	{"STEPWELL_MAX_BODY", "max-body", "1MiB", "size of one request's body", setMaxBody},
}

// readConfig puts the settings together. flags holds those given; only names
// the settings (by flag) that count, none meaning all.
func readConfig(flags map[string]string, getenv func(string) string, only ...string) (*config, error) {
	c := &config{executor: executorName()}
	for _, s := range settings {
		if len(only) > 0 && !slices.Contains(only, s.flag) {
			continue
		}
		value, from := s.def, s.env
		if v := getenv(s.env); v != "" {
			value = v
		} else if port := getenv("PORT"); port != "" && s.flag == "addr" {
			if err := checkPort(port); err != nil {
				return nil, UsageErrorf("PORT is %q: %w", port, err)
			}
			value = "0.0.0.0:" + port
		}
		if v, ok := flags[s.flag]; ok {
			value, from = v, "--"+s.flag
		}
		if err := s.set(c, value); err != nil {
			if s.flag == "tokens" || s.flag == "encryption-keys" {
				return nil, UsageErrorf("%s: %w", from, err) // secrets are not repeated
			}
			return nil, UsageErrorf("%s is %q: %w", from, withoutPassword(value), err)
		}
	}
	if c.version == "" {
		c.version = buildID()
	}
	return c, nil
}

// withoutPassword keeps what may be a password out of an error.
func withoutPassword(v string) string {
	if u, err := url.Parse(v); err == nil && u.User != nil {
		return u.Redacted()
	}
	if before, after, found := strings.Cut(v, "@"); found {
		return before[:strings.LastIndexAny(before, ":/")+1] + "...@" + after
	}
	return v
}

// unknownVariables lists variables that look like settings and are none, save
// those that Kubernetes sets for a service called stepwell.
func unknownVariables(environ []string) []string {
	var unknown []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case !strings.HasPrefix(name, "STEPWELL_"):
		case slices.ContainsFunc(settings, func(s setting) bool { return s.env == name }):
		case name == urlVar || name == tokenVar || strings.HasPrefix(name, "STEPWELL_SERVICE_") || strings.HasPrefix(name, "STEPWELL_PORT"):
		default:
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return unknown
}

func setAddr(to *string, v string) error {
	host, port, err := net.SplitHostPort(v)
	if err != nil || checkPort(port) != nil || strings.ContainsAny(host, "/ ") {
		return fmt.Errorf("want host:port, such as 127.0.0.1:8080 or :8080")
	}
	*to = v
	return nil
}

func checkPort(v string) error {
	if n, err := strconv.ParseUint(v, 10, 16); err != nil || n > 65535 {
		return fmt.Errorf("want a port from 0 to 65535")
	}
	return nil
}

func setStore(c *config, v string) error {
	scheme, rest, found := strings.Cut(v, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		return fmt.Errorf("postgres is not in this version: want sqlite:PATH")
	case !found || scheme != "sqlite" || rest == "":
		return fmt.Errorf("want sqlite:PATH, such as sqlite:data/stepwell.db")
	case strings.HasPrefix(rest, "//"):
		return fmt.Errorf("want sqlite:PATH without //, such as sqlite:/data/stepwell.db")
	}
	c.storePath = rest
	return nil
}

func setKeys(c *config, v string) (err error) {
	c.keys, c.unsealed = nil, v == "none"
	if v == "" || c.unsealed {
		return nil
	}
	if c.keys, err = runtime.ParseKeys(v); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), runtime.ErrInvalid.Error()+": "))
	}
	return nil
}

func setReplica(c *config, v string) error {
	if v != "" {
		return fmt.Errorf("a replica is not in this version: leave it unset")
	}
	return nil
}

func setReplicaAck(c *config, v string) error {
	switch v {
	case "async":
		return nil
	case "commit":
		return fmt.Errorf("a replica is not in this version: want async")
	}
	return fmt.Errorf("want async")
}

func setDrain(c *config, v string) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > time.Hour {
		return fmt.Errorf("want a duration from 0s to 1h, such as 10s")
	}
	c.drain = d
	return nil
}

func setLogLevel(c *config, v string) error {
	switch v {
	case "debug", "info", "warn", "error":
		return c.logLevel.UnmarshalText([]byte(v))
	}
	return fmt.Errorf("want debug, info, warn or error")
}

func setTraceURL(c *config, v string) error {
	u, err := url.Parse(v)
	if v != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.Contains(v, "{trace_id}")) {
		return fmt.Errorf("want an http or https address with {trace_id} in it, such as http://localhost:16686/trace/{trace_id}")
	}
	c.traceURL = v
	return nil
}

func setMaxBody(c *config, v string) error {
	number, unit := v, int64(1)
	for suffix, u := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20} {
		if n, ok := strings.CutSuffix(v, suffix); ok {
			number, unit = n, u
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > (64<<20)/unit {
		return fmt.Errorf("want a size from 1 to 64MiB, such as 512KiB or 2MiB")
	}
	c.maxBody = n * unit
	return nil
}
