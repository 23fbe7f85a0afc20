// Package determinism finds code in workflow functions that a replay would not
// repeat: the clock, chance, goroutines, channels, locks, the order of a map,
// input and output outside of steps, variables that a step changes, and
// contexts that do not belong to the run.
//
// It runs under go vet:
//
//	go install github.com/stepwell/stepwell/cmd/stepwellvet@latest
//	go vet -vettool=$(which stepwellvet) ./...
//
// Workflow code is what is handed to runtime.Define, OnUpdate, Go and Map,
// and every function of the same package that it calls. What is handed to
// Step, Tx and Compensate runs in a step, where everything is allowed, also when
// it gets there through a function of the program's own. Code behind an
// interface, in a field, or in another package is not followed: it finds most
// mistakes, not all, and what it reports is one.
//
// Ranging over a map is allowed where the order cannot matter: when the loop
// only counts, fills another map, or collects what is sorted afterwards.
//
// A comment on the line, or alone on the line above, keeps a finding back; above
// a function it does so for all of it. The reason is required:
//
//	//stepwell:ok the file is part of the image
//
// Test files are left out unless the flag -testcode is given: a workflow
// written for a test may look at the test's channels.
package determinism
