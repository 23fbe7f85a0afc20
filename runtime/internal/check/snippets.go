package check

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

const readme = "README.md"

var snippetFrom = regexp.MustCompile(`^<!--\s*(?:file:\s*)?(\S+\.go)\s*-->$`)

// Snippets holds the Go in the README to the files it is taken from, which the compiler holds to the truth. The
// line before a block of Go names its file, as in <!-- runtime/example_test.go -->; the block is the whole file or
// a run of whole lines of it, indented less if need be.
func Snippets(t Tree) (found []Problem) {
	report := func(line int, format string, args ...any) {
		found = append(found, Problem{Path: readme, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	var above, file string
	var block []string
	began := 0
	lines := bufio.NewScanner(bytes.NewReader(t[readme]))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case began == 0 && strings.HasPrefix(line, "```go"):
			began, block, file = n, nil, ""
			if m := snippetFrom.FindStringSubmatch(above); m != nil {
				file = m[1]
			} else {
				report(n, "the block of Go names no file: put <!-- path/of/example.go --> on the line before it, and the code there")
			}
		case began > 0 && line == "```":
			text, ok := t[file]
			if file != "" && !ok {
				report(began, "the block of Go is from %s, which does not exist", file)
			} else if file != "" && !contains(strings.Split(string(text), "\n"), block) {
				report(began, "the block of Go is not in %s: copy it from there", file)
			}
			began = 0
		case began > 0:
			block = append(block, line)
		}
		if strings.TrimSpace(line) != "" {
			above = strings.TrimSpace(line)
		}
	}
	return found
}

// contains tells whether block is a run of lines of file, all of them with the same further indentation.
func contains(file, block []string) bool {
	for at := 0; len(block) > 0 && at+len(block) <= len(file); at++ {
		indent, ok := strings.CutSuffix(file[at], block[0])
		if !ok || strings.Trim(indent, "\t") != "" {
			continue
		}
		same := true
		for i, line := range block {
			if line != "" {
				line = indent + line
			}
			same = same && file[at+i] == line
		}
		if same {
			return true
		}
	}
	return false
}
