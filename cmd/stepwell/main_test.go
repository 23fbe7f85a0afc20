package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestExperiment builds the binary and makes the experiment for real: a server
// in a process of its own, five runs of waiting, probes over the network.
// Whether a probe is missed depends on how busy this machine is, so the test
// asks only that what is reported fits together.
func TestExperiment(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a binary and runs it for some 15 s")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "stepwell")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, binary, "experiment", "--workload", "delays", "-n", "5", "--plot", "plot.svg", "-o", "json")
	cmd.Dir = dir
	// None of this may reach the server of the experiment.
	cmd.Env = append(os.Environ(), "PORT=1", "STEPWELL_STORE=postgres://nowhere", "STEPWELL_AUTH=on")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		t.Fatalf("%v\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	var got struct {
		OK     bool
		Runs   struct{ Asked, Succeeded, Failed, Unfinished int }
		Probes struct{ Sent, Answered, Missed int }
		Memory struct{ Health float64 } `json:"memory_mb"`
		Server string                   `json:"server_error"`
		Plot   string
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	if got.Runs.Asked != 5 || got.Runs.Succeeded != 5 || got.Runs.Failed != 0 || got.Runs.Unfinished != 0 || got.Server != "" {
		t.Errorf("not five runs that succeeded on a server that ended well:\n%s", stdout.Bytes())
	}
	if p := got.Probes; p.Answered == 0 || p.Answered+p.Missed != p.Sent || got.Memory.Health <= 0 {
		t.Errorf("probes do not add up:\n%s", stdout.Bytes())
	}
	if got.OK != (got.Probes.Missed == 0) || got.OK != (err == nil) {
		t.Errorf("ok is %v with %d probes missed, and the command ended with %v", got.OK, got.Probes.Missed, err)
	}
	wellFormed(t, got.Plot)
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("in the directory: %v, want the binary and the drawing", left)
	}
}

func wellFormed(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := xml.NewDecoder(f)
	elements := 0
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if _, ok := tok.(xml.StartElement); ok {
			elements++
		}
	}
	if elements < 50 {
		t.Errorf("%s: only %d elements", file, elements)
	}
}
