package check

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTally holds the end of .ci/run to the truth: what go test said, counted, and a failure never lost.
func TestTally(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "tally")
	if out, err := exec.Command("go", "build", "-o", bin, top+"/.ci/tally.go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const (
		pass     = `{"Action":"start","Package":"p"}` + "\n" + `{"Action":"pass","Package":"p","Test":"A"}` + "\n"
		passed   = `{"Action":"pass","Package":"p"}` + "\n"
		failed   = `{"Action":"fail","Package":"p"}` + "\n"
		said     = `{"Action":"output","Package":"p","Test":"B","Output":"want this\n"}` + "\n"
		fail     = said + `{"Action":"fail","Package":"p","Test":"B"}` + "\n"
		skip     = `{"Action":"skip","Package":"p","Test":"C"}` + "\n"
		notBuilt = `{"Action":"build-output","ImportPath":"q","Output":"want this\n"}` + "\n" + `{"Action":"build-fail","ImportPath":"q"}` + "\n" +
			`{"Action":"start","Package":"q"}` + "\n" + `{"Action":"fail","Package":"q","FailedBuild":"q"}` + "\n"
	)
	cases := []struct {
		name, in, last string
		ok             bool
	}{
		{"all pass", pass + passed, "1 passed, 0 failed, 0 skipped", true},
		{"one skipped", pass + skip + passed, "1 passed, 0 failed, 1 skipped", true},
		{"one fails", pass + fail + failed, "1 passed, 1 failed, 0 skipped", false},
		{"a panic or time-out", pass + said + failed, "1 passed, 1 failed, 0 skipped", false},
		{"the package fails outside its tests", pass + `{"Action":"output","Package":"p","Output":"want this\n"}` + "\n" + failed, "1 passed, 1 failed, 0 skipped", false},
		{"one does not build", pass + passed + notBuilt, "1 passed, 1 failed, 0 skipped", false},
		{"the output breaks off", pass, "1 passed, 1 failed, 0 skipped", false},
		{"no test", passed, "0 passed, 0 failed, 0 skipped", false},
		{"nothing", "", "0 passed, 0 failed, 0 skipped", false},
		{"go test does not start", "want this: go: no such file\n", "0 passed, 0 failed, 0 skipped", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(bin)
			cmd.Stdin = strings.NewReader(c.in)
			out, err := cmd.Output()
			if (err == nil) != c.ok {
				t.Errorf("ended with %v, want success %v", err, c.ok)
			}
			if !strings.HasSuffix(string(out), "\n"+c.last+"\n") && string(out) != c.last+"\n" {
				t.Errorf("last line is not %q:\n%s", c.last, out)
			}
			if strings.Contains(c.in, "want this") && !strings.Contains(string(out), "want this") {
				t.Errorf("what was said is lost:\n%s", out)
			}
		})
	}
}
