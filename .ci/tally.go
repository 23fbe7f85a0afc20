//go:build ignore

// Tally reads the output of go test -json and prints what a person reads: a line for each package, everything a
// failed test said, and at the end how many passed and failed, alone on a line. It fails when a test, a package or
// a build did, when none ran, and when the output breaks off.
//
//	go test -json ./... | go run .ci/tally.go
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

type event struct {
	Action      string // start, run, output, pass, fail, skip, build-output, build-fail
	Package     string
	ImportPath  string // of a build
	Test        string
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	broken                  []string            // packages that failed beside their tests
	said                    map[string][]string // output by package and test, until it ended
	running                 map[string]bool     // packages
	failedIn                map[string]int      // tests by package
}

func main() {
	t := &tally{out: os.Stdout, said: map[string][]string{}, running: map[string]bool{}, failedIn: map[string]int{}}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		t.broken = append(t.broken, "the output of go test")
	}
	if !t.summary() {
		os.Exit(1)
	}
}

func (t *tally) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			// go test itself speaks plainly when it cannot start.
			fmt.Fprintln(t.out, lines.Text())
			continue
		}
		t.take(e)
	}
	return lines.Err()
}

func (t *tally) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "start":
		t.running[e.Package] = true
	case "output":
		t.said[key] = append(t.said[key], e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "build-fail":
		t.broken = append(t.broken, e.ImportPath)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.endPackage(e)
		} else {
			t.endTest(e, key)
		}
		delete(t.said, key)
	}
}

func (t *tally) endTest(e event, key string) {
	switch e.Action {
	case "pass":
		t.passed++
	case "skip":
		t.skipped++
		fmt.Fprintf(t.out, "skip %s\n%s", key, strings.Join(t.said[key], ""))
	case "fail":
		t.failed++
		t.failedIn[e.Package]++
		fmt.Fprintf(t.out, "FAIL %s\n%s", key, strings.Join(t.said[key], ""))
	}
}

func (t *tally) endPackage(e event) {
	delete(t.running, e.Package)
	word := e.Action
	if word == "skip" {
		word = "none" // it has no tests
	}
	fmt.Fprintf(t.out, "%-4s %-60s %.1fs\n", word, e.Package, e.Elapsed)
	if e.Action != "fail" {
		return
	}
	// A panic or a time-out ends the package before its tests end.
	for key, said := range t.said {
		name, ok := strings.CutPrefix(key, e.Package+" ")
		if !ok || name == "" && t.failedIn[e.Package] > 0 {
			continue
		}
		fmt.Fprintf(t.out, "FAIL %s\n%s", key, strings.Join(said, ""))
		if name != "" {
			t.failed++
			t.failedIn[e.Package]++
		}
	}
	if t.failedIn[e.Package] == 0 && e.FailedBuild == "" {
		t.broken = append(t.broken, e.Package)
	}
}

// summary prints the closing lines and tells whether all is well.
func (t *tally) summary() bool {
	for p := range t.running {
		t.broken = append(t.broken, p)
	}
	sort.Strings(t.broken)
	if t.passed+t.failed == 0 {
		fmt.Fprintln(t.out, "no test ran")
	}
	if len(t.broken) > 0 && t.failed == 0 {
		// What did not even build counts too: a line of no failures would be a lie.
		t.failed = len(t.broken)
	}
	if len(t.broken) > 0 {
		fmt.Fprintln(t.out, "broken:", strings.Join(t.broken, " "))
	}
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	return t.failed == 0 && t.passed > 0
}
