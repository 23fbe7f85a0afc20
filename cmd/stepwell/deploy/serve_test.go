package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// isolate runs "$@" on the root $1 mounted read-only, with $2 mounted on its /data, as user $3. It execs all the
// way, so that the process started is the program and signals reach it.
const isolate = `
root=$1 data=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$data" "$root/data"
mount -t proc proc "$root/proc"
exec chroot --userspec="$user" --groups="${user#*:}" "$root" "$@"
`

func (img *image) testServes(t *testing.T) {
	// What an engine adds to every root.
	if err := os.MkdirAll(filepath.Join(img.root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "volume")
	run(t, "cp", "-a", filepath.Join(img.root, "data"), data)
	c := &containerRun{img: img, data: data, api: freePort(t), health: freePort(t)}

	if code := c.healthcheck(t); code != 1 {
		t.Errorf("healthcheck before the start: exit code %d, want 1", code)
	}

	c.start(t)
	c.checkIsolation(t)
	// 127.0.0.2, because a listener on 127.0.0.1 alone would not be reached from outside a container.
	if got := c.get(t, c.api, "/v1/ping"); got != http.StatusNoContent {
		t.Errorf("/v1/ping answered %d, want 204", got)
	}
	for _, path := range []string{"/livez", "/readyz", "/startupz", "/metrics"} {
		if got := c.get(t, c.health, path); got != http.StatusOK {
			t.Errorf("%s answered %d, want 200", path, got)
		}
	}
	if code := c.healthcheck(t); code != 0 {
		t.Errorf("healthcheck while it serves: exit code %d, want 0", code)
	}
	id := c.startRun(t)
	c.stop(t)
	if code := c.healthcheck(t); code != 1 {
		t.Errorf("healthcheck after the stop: exit code %d, want 1", code)
	}

	// The volume carries the run into the next container.
	c.start(t)
	if got := c.get(t, c.api, "/v1/runs/"+id); got != http.StatusOK {
		t.Errorf("the run of the first container: %d, want 200", got)
	}
	c.stop(t)
}

// containerRun is one container's life on one volume, started and stopped any number of times.
type containerRun struct {
	img         *image
	data        string
	api, health int
	cmd         *exec.Cmd
	output      *bytes.Buffer
}

func (c *containerRun) command(args ...string) *exec.Cmd {
	cmd := exec.Command("unshare", append([]string{
		"--mount", "--propagation", "private", "sh", "-ec", isolate, "sh", c.img.root, c.data, c.img.config.User,
	}, args...)...)
	// The image's environment, on ports that are free here; the later of two values counts.
	cmd.Env = append(c.img.config.Env[:len(c.img.config.Env):len(c.img.config.Env)],
		fmt.Sprintf("PORT=%d", c.api),
		fmt.Sprintf("STEPWELL_HEALTH_ADDR=0.0.0.0:%d", c.health),
		"STEPWELL_TOKENS=admin:image-test",
		"PATH="+os.Getenv("PATH"),
	)
	return cmd
}

func (c *containerRun) start(t *testing.T) {
	t.Helper()
	c.output = new(bytes.Buffer)
	c.cmd = c.command(append(c.img.config.Entrypoint, c.img.config.Cmd...)...)
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := c.cmd
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-tick.C {
		if c.get(t, c.health, "/readyz") == http.StatusOK {
			return
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	t.Fatalf("not ready within 20 s:\n%s", c.output)
}

func (c *containerRun) stop(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Above the drain of 10 s, which runs that wait do not use up.
	kill := time.AfterFunc(15*time.Second, func() { c.cmd.Process.Kill() })
	defer kill.Stop()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0\n%s", err, c.output)
	}
}

// healthcheck returns the exit code of the image's own HEALTHCHECK command, run beside the server.
func (c *containerRun) healthcheck(t *testing.T) int {
	t.Helper()
	cmd := c.command(c.img.config.Healthcheck.Test[1:]...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("healthcheck: %v\n%s", err, out)
	}
	return cmd.ProcessState.ExitCode()
}

// checkIsolation asserts that the server runs as it should: without it the rest would prove less than it says.
func (c *containerRun) checkIsolation(t *testing.T) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", c.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Uid:\t65532\t65532\t65532\t65532\n", "Gid:\t65532\t65532\t65532\t65532\n", "CapEff:\t0000000000000000\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("the server's status lacks %q:\n%s", want, status)
		}
	}
	mounts, err := os.ReadFile(proc + "mounts")
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]string{}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 3 {
			modes[f[1]] = strings.SplitN(f[3], ",", 2)[0]
		}
	}
	if modes["/"] != "ro" || modes["/data"] != "rw" {
		t.Errorf("/ is mounted %q and /data %q, want ro and rw", modes["/"], modes["/data"])
	}
}

func (c *containerRun) startRun(t *testing.T) string {
	t.Helper()
	resp := c.do(t, "POST", c.api, "/v1/workflows/delays/runs")
	if resp == nil {
		t.Fatal("the API does not answer")
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var started struct{ ID string }
	if err := json.Unmarshal(body, &started); err != nil || resp.StatusCode != http.StatusAccepted || started.ID == "" {
		t.Fatalf("starting a run: %s\n%s", resp.Status, body)
	}
	return started.ID
}

// get returns the status of the answer, 0 when there is none.
func (c *containerRun) get(t *testing.T, port int, path string) int {
	t.Helper()
	resp := c.do(t, "GET", port, path)
	if resp == nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func (c *containerRun) do(t *testing.T, method string, port int, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://127.0.0.2:%d%s", port, path), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer image-test")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	return resp
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
