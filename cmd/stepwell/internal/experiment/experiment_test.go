package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The test binary also plays the server: what it does is in this variable,
// whose name the cleaning of the environment must leave alone.
const fakeMode = "EXPERIMENT_TEST_SERVER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeMode); mode != "" && len(os.Args) > 1 && os.Args[1] == "serve" {
		serveFake(mode)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveFake answers like a server whose runs end as they are asked about: at
// each look at the stats, three more.
func serveFake(mode string) {
	if mode == "broken" {
		fmt.Fprintln(os.Stderr, "stepwell: open data/stepwell.db: permission denied")
		os.Exit(1)
	}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PORT=") || strings.HasPrefix(kv, "STEPWELL_TOKENS=") {
			fmt.Fprintln(os.Stderr, "unexpected", kv)
			os.Exit(1)
		}
	}
	var mu sync.Mutex
	ids := map[string]bool{}
	looks := 0
	handler := http.NewServeMux()
	handler.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	handler.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if mode == "failing" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		io.WriteString(w, `{"status":"ok","memory_mb":21.5}`)
	})
	handler.HandleFunc("POST /v1/workflows/delays/runs", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		id := r.Header.Get("Idempotency-Key")
		if string(body) != "{}" || id == "" || ids[id] {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"detail":"bad start"}`)
			return
		}
		ids[id] = true
		w.WriteHeader(http.StatusAccepted)
	})
	handler.HandleFunc("POST /v1/workflows/fetch/runs", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"title":"Not Found","detail":"workflow \"fetch\": not found"}`)
	})
	handler.HandleFunc("GET /v1/stats", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		looks++
		ended := min(3*looks, len(ids))
		failed := 0
		switch mode {
		case "dies":
			fmt.Fprintln(os.Stderr, "fatal: the disk is on fire")
			os.Exit(3)
		case "endless":
			ended = 0
		case "bad":
			failed = ended / 3
		}
		json.NewEncoder(w).Encode(map[string]any{"runs": map[string]int{"succeeded": ended - failed, "failed": failed}})
	})
	handler.HandleFunc("GET /v1/runs", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("status") == "failed" {
			io.WriteString(w, `{"runs":[{"id":"experiment-1","error":{"message":"out of luck"}}]}`)
		}
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, name := range []string{"STEPWELL_ADDR", "STEPWELL_HEALTH_ADDR"} {
		srv := &http.Server{Addr: os.Getenv(name), Handler: handler}
		go func() {
			if err := srv.ListenAndServe(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}()
	}
	<-ctx.Done()
}

// try runs the command against the fake server and returns what it printed.
func try(t *testing.T, ctx context.Context, mode string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	t.Setenv(fakeMode, mode)
	t.Setenv("PORT", "1")
	t.Setenv("STEPWELL_TOKENS", "admin:x")
	t.Setenv("TMPDIR", t.TempDir())
	cmd := Command([]string{"delays", "fibonacci", "fetch"})
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	cmd.SilenceErrors = true
	err = cmd.ExecuteContext(ctx)
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "stepwell-experiment-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return out.String(), errs.String(), err
}

func TestExperiment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "e.svg")
	out, progress, err := try(t, t.Context(), "good", "-n", "10", "--rate", "100", "--plot", file)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"delays, 10 runs", " 0 missed", "p50 ", "p99 ", "max ", "(21.5 MB in /health)", "10 succeeded, 0 failed", file} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(progress, "runs ") || strings.ContainsAny(progress, "\r\x1b") {
		t.Errorf("progress is not plain lines: %q", progress)
	}
	svg, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(svg, []byte("<title id=\"title\">delays, 10 runs: all ")) {
		t.Errorf("drawing: %v, %.200s", err, svg)
	}
}

func TestExperimentJSON(t *testing.T) {
	out, _, err := try(t, t.Context(), "bad", "-n", "9", "--plot", "", "-o", "json")
	if err == nil || !strings.Contains(err.Error(), "3 of 9 runs did not succeed") {
		t.Errorf("error %v, want one that counts the failed runs", err)
	}
	var d document
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if d.OK || d.Runs.Succeeded != 6 || d.Runs.Failed != 3 || d.Runs.Unfinished != 0 || d.Probes.Sent == 0 || d.Probes.Missed != 0 || d.Plot != "" {
		t.Errorf("%s", out)
	}
	if diff := cmp.Diff([]string{"run experiment-1 failed: out of luck"}, d.Failures); diff != "" {
		t.Error(diff)
	}
}

func TestExperimentFails(t *testing.T) {
	for _, tc := range []struct {
		name, mode string
		args       []string
		err, out   []string // parts; out of both outputs
	}{
		{"missed probes", "failing", nil, []string{" probes missed"}, []string{"status 503", "a missed probe counts as 1s", "p50 1000.0 ms"}},
		{"server dies", "dies", nil, []string{"server died: exit status 3"}, []string{"unfinished", "    fatal: the disk is on fire"}},
		{"server does not start", "broken", nil, []string{"exit status 1"}, []string{"    stepwell: open data/stepwell.db: permission denied"}},
		{"no such workflow", "good", []string{"--workload", "fetch"}, []string{`start a run of fetch: 404 Not Found: workflow "fetch": not found`}, []string{"10 unfinished"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, progress, err := try(t, t.Context(), tc.mode, append([]string{"-n", "10", "--plot", filepath.Join(t.TempDir(), "e.svg")}, tc.args...)...)
			if err == nil {
				t.Fatalf("no error\n%s", out)
			}
			for _, want := range tc.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in error %v", want, err)
				}
			}
			out += progress
			for _, want := range tc.out {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

func TestChosenLength(t *testing.T) {
	out, _, err := try(t, t.Context(), "endless", "-n", "10", "--for", "300ms", "--plot", "")
	if err != nil || !strings.Contains(out, "10 unfinished") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	t.Setenv(fakeMode, "endless")
	r, err := Run(ctx, Config{Program: os.Args[0], Workload: "delays", Runs: 5, Rate: 50, Watch: func(s State) {
		if s.Sent > 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Probes) == 0 || r.missed() > 0 || r.Server != nil {
		t.Errorf("%d probes, %d missed, server: %v; want what was measured and a server that ended well", len(r.Probes), r.missed(), r.Server)
	}
	if err := r.Verdict(); err == nil || err.Error() != "experiment: interrupted" {
		t.Errorf("verdict %v, want that it was interrupted", err)
	}
	if !slices.IsSortedFunc(r.Probes, func(a, b Probe) int { return int(a.At - b.At) }) {
		t.Error("probes are not in order")
	}
}

func TestWrongFlags(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--workload sleep", `--workload is "sleep": want delays, fibonacci, fetch`},
		{"-n 0", "-n is 0: want 1 to 1000000"},
		{"-n x", "-n"},
		{"--rate 0", "--rate is 0: want 0.01 to 1000"},
		{"--rate NaN", "--rate is NaN"},
		{"--for -1s", "--for is -1s"},
		{"-o xml", `-o is "xml": want text or json`},
		{"--plot /no/such/place/e.svg", "/no/such/place/e.svg"},
		{"more", "more"},
	} {
		out, _, err := try(t, t.Context(), "good", strings.Fields(tc.args)...)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", tc.args, err, tc.want)
		}
		if strings.Contains(out, "probes") && strings.Contains(out, "sent") {
			t.Errorf("%s: ran all the same:\n%s", tc.args, out)
		}
	}
}

func TestPortsDiffer(t *testing.T) {
	a, b, err := freePorts()
	if err != nil || a == b || !free(a) || !free(b) {
		t.Errorf("%s, %s, %v, want two free ports", a, b, err)
	}
}

func TestCleanEnv(t *testing.T) {
	got := cleanEnv([]string{"HOME=/x", "PORT=1", "STEPWELL_ADDR=y", "PORTAL=2", "OTEL_SDK_DISABLED=true"})
	if diff := cmp.Diff([]string{"HOME=/x", "PORTAL=2", "OTEL_SDK_DISABLED=true"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatusField(t *testing.T) {
	const status = "Name:\tstepwell\nVmPeak:\t  999999 kB\nVmHWM:\t   31250 kB\nVmRSS:\t   15625 kB\n"
	if mb, ok := statusField(status, "VmHWM:"); !ok || mb != 32 {
		t.Errorf("VmHWM: %v, %v, want 32", mb, ok)
	}
	if _, ok := statusField(status, "VmSwap:"); ok {
		t.Error("found a field that is not there")
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b, 10)
	p.width = func() int { return 40 }
	p.show(State{Sent: 5})
	p.show(State{Sent: 15})
	p.end()
	for line := range strings.SplitSeq(b.String(), "\r") {
		if len(strings.TrimSuffix(line, "\x1b[K")) > 39 {
			t.Errorf("line wraps: %q", line)
		}
	}
	if strings.Contains(b.String(), "\n") || !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("not one line that is written over: %q", b.String())
	}
}
