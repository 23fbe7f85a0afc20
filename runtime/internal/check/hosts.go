package check

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"unicode/utf8"
)

// forbidden is text that ties what is committed to one place.
var forbidden = []struct {
	text    *regexp.Regexp
	instead string
}{
	// The registry is the builder's choice.
	{regexp.MustCompile(`\b(?:\w+\.)?(gcr|ghcr|quay|docker|registry\.k8s|nvcr)\.(?:io)\b|\bpkg\.(?:dev)/[\w-]+/|\b[\w-]+-docker\.pkg\.(?:dev)\b|\bmcr\.(?:microsoft)\.com\b|\bpublic\.ecr\.(?:aws)\b`),
		"names a container registry: use an image's short name, or a placeholder like IMAGE"},
	{regexp.MustCompile(`\b(?:proxy|sum)\.golang\.(?:org)\b|\bregistry\.npmjs\.(?:org)\b|\bdeb\.debian\.(?:org)\b|\bpypi\.(?:org)\b|\bgoproxy\.(?:io|cn)\b`),
		"names a package registry: leave it to the client's own configuration"},
	{regexp.MustCompile(`(?:^|[\s"'=:(\x60,])/(?:root|work|home|Users)/\w`),
		"names a path of somebody's machine: use a relative path, a variable or os.UserCacheDir"},
}

// Hosts refuses the names of registries and the paths of machines: what is committed must build anywhere.
func Hosts(t Tree) (found []Problem) {
	for _, p := range t.paths() {
		if path.Base(p) == "go.sum" || !utf8.Valid(t[p]) {
			continue
		}
		n := 0
		for line := range bytes.Lines(t[p]) {
			n++
			for _, f := range forbidden {
				if m := f.text.Find(line); m != nil {
					found = append(found, Problem{Path: p, Line: n, Text: fmt.Sprintf("%q %s", bytes.TrimSpace(m), f.instead)})
				}
			}
		}
	}
	return found
}
