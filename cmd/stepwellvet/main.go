// Stepwellvet finds what a replay of a workflow would not repeat. It is a tool
// for go vet, and works by itself too:
//
//	go vet -vettool=$(which stepwellvet) ./...
//	stepwellvet ./...
//
// What it looks for is described at package determinism.
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/stepwell/stepwell/runtime/determinism"
)

func main() { singlechecker.Main(determinism.Analyzer) }
