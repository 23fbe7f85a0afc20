package check

import (
	"fmt"
	"path"
	"strings"
)

const (
	hardLimit = 800 // lines of any Go file
	softLimit = 400 // lines of a Go file that is not a test
)

// long lists the files that may pass the soft limit, and to how many lines. It may only shrink: a new long file is
// to be split, not listed.
var long = map[string]int{}

// Size holds the length of files: a file is one noun.
func Size(t Tree) []Problem { return size(t, long) }

func size(t Tree, long map[string]int) (found []Problem) {
	for _, p := range t.paths() {
		if path.Ext(p) != ".go" || strings.Contains("/"+p, "/testdata/") {
			continue
		}
		lines, limit := lineCount(t[p]), softLimit
		if strings.HasSuffix(p, "_test.go") {
			limit = hardLimit
		} else if allowed, ok := long[p]; ok {
			limit = min(allowed, hardLimit)
		}
		if lines > limit {
			found = append(found, Problem{Path: p, Text: fmt.Sprintf("has %d lines, the limit is %d: split it by noun", lines, limit)})
		}
	}
	for p := range long {
		if lines := lineCount(t[p]); lines <= softLimit {
			found = append(found, Problem{Path: p, Text: fmt.Sprintf("has %d lines and needs no exception: take it off the list in runtime/internal/check/size.go", lines)})
		}
	}
	return sorted(found)
}
