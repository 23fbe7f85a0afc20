package determinism_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/stepwell/stepwell/runtime/determinism"
)

// TestHouse holds the workflows that this repository shows to others to what
// it tells them: those of the binary, and the examples.
func TestHouse(t *testing.T) {
	if err := determinism.Analyzer.Flags.Set("testcode", "true"); err != nil {
		t.Fatal(err)
	}
	defer determinism.Analyzer.Flags.Set("testcode", "false") //nolint:errcheck // it was set before
	pkgs, err := packages.Load(&packages.Config{
		Dir: "../..", Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedTypes |
			packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule,
	}, "./cmd/stepwell/internal/workload", "./runtime")
	if err != nil {
		t.Fatal(err)
	}
	if n := packages.PrintErrors(pkgs); n > 0 {
		t.Fatalf("%d errors in the packages", n)
	}
	graph, err := checker.Analyze([]*analysis.Analyzer{determinism.Analyzer}, pkgs, nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, pkg := range pkgs {
		for _, f := range pkg.CompiledGoFiles {
			shown[filepath.Base(f)] = shownToOthers(f)
		}
	}
	if !shown["delays.go"] || !shown["example_test.go"] {
		t.Fatal("looked in the wrong place: neither the binary's workflows nor the examples were loaded")
	}
	for act := range graph.All() {
		if act.Err != nil {
			t.Errorf("%s: %v", act, act.Err)
		}
		for _, d := range act.Diagnostics {
			if at := act.Package.Fset.Position(d.Pos); shownToOthers(at.Filename) {
				t.Errorf("%s: %s", at, d.Message)
			}
		}
	}
}

// shownToOthers tells an example, or code of the binary, from a test: that may
// do on purpose what no workflow should.
func shownToOthers(file string) bool {
	base := filepath.Base(file)
	return strings.HasPrefix(base, "example_") || !strings.HasSuffix(base, "_test.go")
}
