package check

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
)

// top is the root of the repository.
const top = "../../.."

var treeRules = map[string]func(Tree) []Problem{
	"docs":     Docs,
	"size":     Size,
	"sleep":    Sleep,
	"sql":      SQL,
	"names":    Names,
	"snippets": Snippets,
	"hosts":    Hosts,
}

// TestHouse holds this repository to its rules, with what is written and not committed yet.
func TestHouse(t *testing.T) {
	tree, err := Read(top, gitIgnores(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.goFiles()) < 50 {
		t.Fatalf("found %d Go files: looked in the wrong place", len(tree.goFiles()))
	}
	for name, rule := range treeRules {
		t.Run(name, func(t *testing.T) { requireNone(t, rule(tree)) })
	}
	t.Run("examples", func(t *testing.T) { requireNone(t, Examples(tree, contract)) })
	t.Run("imports", func(t *testing.T) {
		packages := listPackages(t)
		if len(packages) < 5 {
			t.Fatalf("go list found %d packages", len(packages))
		}
		requireNone(t, Imports(packages))
	})
}

func requireNone(t *testing.T, problems []Problem) {
	t.Helper()
	for _, p := range problems {
		t.Error(p)
	}
}

// gitIgnores tells what git would not commit. Outside a checkout, as in a source archive, that is nothing.
func gitIgnores(t *testing.T) func(string) bool {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Logf("git ls-files: %v; looking at every file", err)
		return func(string) bool { return false }
	}
	would := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			would[dir+"/"] = true
		}
		would[name] = true
	}
	return func(name string) bool { return !would[name] }
}

func listPackages(t *testing.T) []Package {
	t.Helper()
	// -e, because what does not compile is the compiler's to report.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir, cmd.Stderr = top, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := DecodePackages(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

// requireOne asks for exactly one problem, that says what is wanted; for none when that is "".
func requireOne(t *testing.T, problems []Problem, want string) {
	t.Helper()
	switch {
	case want == "" && len(problems) > 0:
		t.Errorf("found %v, want nothing", problems)
	case want != "" && (len(problems) != 1 || !strings.Contains(problems[0].String(), want)):
		t.Errorf("found %v, want one that says %q", problems, want)
	}
}
