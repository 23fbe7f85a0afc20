package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const workflows = `package main

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

var Bad = runtime.Define("bad", func(ctx context.Context, _ int) (int, error) {
	time.Sleep(time.Second)
	return runtime.Step(ctx, "fine", func(context.Context) (int, error) { return time.Now().Hour(), nil })
})

func main() { println(Bad.Name(), time.Now().Hour()) }
`

const inTest = `package main

import (
	"context"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func TestNothing(t *testing.T) {
	_ = runtime.Define("tested", func(context.Context, int) (int, error) { return time.Now().Hour(), nil })
}
`

// TestVet builds the tool and has go vet use it on a module of its own.
func TestVet(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a binary and vets a module with it")
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "stepwellvet")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	dir := module(t, top)
	vet := func(args ...string) (string, error) {
		cmd := exec.Command("go", append([]string{"vet", "-mod=mod", "-vettool=" + bin}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	const found = "main.go:11:2: time.Sleep waits again in each replay, and keeps the run in memory; use runtime.Sleep"
	out, err := vet("./...")
	if err == nil || !strings.Contains(out, found) || strings.Count(out, "; use ") != 1 {
		t.Errorf("ended with %v, want an error and one finding, %q:\n%s", err, found, out)
	}
	out, err = vet("-testcode", "./...")
	if err == nil || !strings.Contains(out, found) || !strings.Contains(out, "main_test.go:12:") {
		t.Errorf("with -testcode it ended with %v, want the test's workflow too:\n%s", err, out)
	}
	mended := strings.Replace(workflows, "time.Sleep(time.Second)\n", "//stepwell:ok shows how\n\ttime.Sleep(time.Second)\n", 1)
	write(t, filepath.Join(dir, "main.go"), mended)
	if out, err := vet("./..."); err != nil {
		t.Errorf("with the finding kept back it ended with %v:\n%s", err, out)
	}
}

// module makes one that uses this one's code and dependencies.
func module(t *testing.T, top string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		s := string(text)
		if name == "go.mod" {
			s = strings.Replace(s, "module github.com/stepwell/stepwell", "module example.com/shop", 1) +
				"\nrequire github.com/stepwell/stepwell v0.0.0\n\nreplace github.com/stepwell/stepwell => " + top + "\n"
		}
		write(t, filepath.Join(dir, name), s)
	}
	write(t, filepath.Join(dir, "main.go"), workflows)
	write(t, filepath.Join(dir, "main_test.go"), inTest)
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
