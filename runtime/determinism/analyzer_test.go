package determinism_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/stepwell/stepwell/runtime/determinism"
)

// TestAnalyzer runs over packages that say on each line what is found there.
func TestAnalyzer(t *testing.T) {
	for _, pkg := range []string{"clock", "chance", "concurrency", "maporder", "world", "follow", "wrapped", "suppressed", "state", "contexts"} {
		t.Run(pkg, func(t *testing.T) { analysistest.Run(t, analysistest.TestData(), determinism.Analyzer, pkg) })
	}
}
