package app_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRefusals: each mistake is answered by one line that names it and says
// what is allowed, and by the right exit code.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("file", "text")
	write("notes.db", strings.Repeat("these are notes\n", 100))
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		want string
	}{
		{"port taken", nil, []string{"--addr", addr}, 1, "API listener: the address " + addr + " is taken by another process: stop it, or set STEPWELL_ADDR"},
		{"health port taken", []string{"STEPWELL_HEALTH_ADDR=" + addr}, nil, 1,
			"health listener: the address " + addr + " is taken by another process: stop it, or set STEPWELL_HEALTH_ADDR"},
		{"store below a file", nil, []string{"--store", "sqlite:file/x.db"}, 1, "not a directory"},
		{"store of somebody else", nil, []string{"--store", "sqlite:notes.db"}, 1, "not a stepwell database"},
		{"store is a directory", nil, []string{"--store", "sqlite:."}, 1, "is a directory"},
		{"store without scheme", []string{"STEPWELL_STORE=data.db"}, nil, 2, `STEPWELL_STORE is "data.db": want sqlite:PATH, such as sqlite:data/stepwell.db`},
		{"store with slashes", []string{"STEPWELL_STORE=sqlite:///data.db"}, nil, 2, "want sqlite:PATH without //"},
		{"postgres", []string{"STEPWELL_STORE=postgres://me:geheim@host/db"}, nil, 2, `STEPWELL_STORE is "postgres://me:xxxxx@host/db": postgres is not in this version`},
		{"replica", []string{"STEPWELL_REPLICA=s3://bucket/x"}, nil, 2, `STEPWELL_REPLICA is "s3://bucket/x": a replica is not in this version`},
		{"replica ack", nil, []string{"--replica-ack", "commit"}, 2, `--replica-ack is "commit": a replica is not in this version`},
		{"address", nil, []string{"serve", "--addr", "8080"}, 2, `--addr is "8080": want host:port, such as 127.0.0.1:8080 or :8080`},
		{"port too high", []string{"STEPWELL_ADDR=:65536"}, nil, 2, `STEPWELL_ADDR is ":65536": want host:port`},
		{"PORT", []string{"STEPWELL_ADDR=", "PORT=http"}, nil, 2, `PORT is "http": want a port from 0 to 65535`},
		{"drain", []string{"STEPWELL_DRAIN=10"}, nil, 2, `STEPWELL_DRAIN is "10": want a duration from 0s to 1h, such as 10s`},
		{"flag over environment", []string{"STEPWELL_DRAIN=10s"}, []string{"--drain", "x"}, 2, `--drain is "x": want a duration`},
		{"auth", []string{"STEPWELL_AUTH=yes"}, nil, 2, `STEPWELL_AUTH is "yes": want auto, on or off`},
		{"tokens", []string{"STEPWELL_TOKENS=root:geheim"}, nil, 2, "STEPWELL_TOKENS: want admin:SECRET or viewer:SECRET, with commas between"},
		{"encryption key", []string{"STEPWELL_ENCRYPTION_KEYS=k1:geheim"}, nil, 2, "STEPWELL_ENCRYPTION_KEYS: key \"k1\" has 4 bytes: want 32"},
		{"replay gate", []string{"STEPWELL_REPLAY_GATE=1001"}, nil, 2, `STEPWELL_REPLAY_GATE is "1001": want a number of runs from 0 to 1000`},
		{"trace URL without a place for the id", []string{"STEPWELL_TRACE_URL=http://localhost:16686/"}, nil, 2, `want an http or https address with {trace_id} in it`},
		{"trace URL that runs something", []string{"STEPWELL_TRACE_URL=javascript:alert('{trace_id}')"}, nil, 2, `want an http or https address with {trace_id} in it`},
		{"log level", []string{"STEPWELL_LOG_LEVEL=loud"}, nil, 2, `STEPWELL_LOG_LEVEL is "loud": want debug, info, warn or error`},
		{"body", []string{"STEPWELL_MAX_BODY=1GB"}, nil, 2, `STEPWELL_MAX_BODY is "1GB": want a size from 1 to 64MiB, such as 512KiB or 2MiB`},
		{"telemetry", []string{"OTEL_TRACES_EXPORTER=jaeger"}, nil, 2, "OTEL_TRACES_EXPORTER"},
		{"unknown flag", nil, []string{"--prot", "1"}, 2, "unknown flag: --prot; app.test takes --addr --health-addr --store"},
		{"flag without value", nil, []string{"--addr"}, 2, "flag needs an argument: --addr"},
		{"unknown command", nil, []string{"server"}, 2, `unknown command "server": app.test takes completion, healthcheck, queues, replay, runs, schedules, serve, version`},
		{"unknown subcommand", nil, []string{"runs", "show"}, 2, `unknown command "show": app.test runs takes cancel, delete, event, export, fork, get, list, resume, send, set-version, start, steps, stream, update, wait`},
		{"argument too many", nil, []string{"serve", "now"}, 2, `app.test serve takes no arguments, got "now"`},
		{"argument missing", nil, []string{"runs", "get"}, 2, "app.test runs get takes RUN-ID, got 0 arguments"},
		{"form", nil, []string{"runs", "list", "-o", "xml"}, 2, `--output is "xml": want table or json`},
		{"label", []string{"STEPWELL_URL=http://127.0.0.1:1"}, []string{"runs", "list", "--label", "a"}, 2, `--label is "a": want NAME=VALUE`},
		{"url", []string{"STEPWELL_URL=localhost:8080"}, []string{"runs", "list"}, 2, `STEPWELL_URL is "localhost:8080": want a URL such as`},
		{"no server", []string{"STEPWELL_URL=http://127.0.0.1:1"}, []string{"runs", "list"}, 1, "no answer from http://127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused"},
		{"no server to check", []string{"STEPWELL_HEALTH_ADDR=127.0.0.1:1"}, []string{"healthcheck"}, 1, "no answer from the health listener"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(t, command(t, dir, c.env, c.args...))
			said, _, _ := strings.Cut(got.stderr, "\ntry: ") // and what to do about it
			if got.code != c.code || !strings.Contains(said, c.want) || strings.Count(strings.TrimSpace(said), "\n") != 0 {
				t.Errorf("exit code %d, want %d; stderr, want one line with %q:\n%s", got.code, c.code, c.want, got.stderr)
			}
			if strings.Contains(got.stderr+got.stdout, "geheim") {
				t.Errorf("a secret is shown: %s", got.stderr)
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(dir, "notes.db")); err != nil || string(b) != strings.Repeat("these are notes\n", 100) {
		t.Errorf("the file of somebody else was touched: %v", err)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "/", []string{"STEPWELL_STORE=sqlite:" + filepath.Join(dir, "x.db")})
	if os.Geteuid() == 0 {
		// Rights do not bind root. Another user has to reach program and directory.
		open(t, filepath.Dir(dir))
		bin := filepath.Join(filepath.Dir(dir), "program")
		copyFile(t, cmd.Path, bin)
		cmd.Path = bin
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	got := run(t, cmd)
	if got.code != 1 || !strings.Contains(got.stderr, "permission denied") || !strings.Contains(got.stderr, dir) || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("exit code %d, want 1; stderr, want one line about the directory:\n%s", got.code, got.stderr)
	}
}

// open lets everybody pass through the directories down to dir.
func open(t *testing.T, dir string) {
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	got := run(t, command(t, dir, nil))
	if got.code != 1 || !strings.Contains(got.stderr, "store is in use") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("exit code %d, want 1; stderr, want one line that names the holder:\n%s", got.code, got.stderr)
	}
	if code, _ := p.do("POST", "/v1/workflows/work/runs?wait=10s", "{}"); code != 200 {
		t.Errorf("the first process answers %d", code)
	}
	p.stop()
}

// TestDefinitionsThatCannotServe: the program says what is wrong with it, and
// never that it serves.
func TestDefinitionsThatCannotServe(t *testing.T) {
	for program, c := range map[string]struct {
		code int
		want string
	}{
		"setup": {1, "setup: no room for tables"},
		"nil":   {1, "definition 1 is nil"},
	} {
		r := run(t, command(t, t.TempDir(), []string{asProgram + "=" + program}, "serve"))
		if r.code != c.code || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, `"serving"`) {
			t.Errorf("%s: exit %d: %s; want %d: %s", program, r.code, r.stderr, c.code, c.want)
		}
	}
}
