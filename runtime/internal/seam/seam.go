// Package seam is where package runtimetest reaches into the engine: what tests
// need and programs must not have. It knows neither of the two.
package seam

import "context"

// Hooks change one runtime. They must be safe for concurrent use.
type Hooks struct {
	// Step is asked at each attempt of a step for a function to call in place of
	// the step's own; nil leaves the step's own.
	Step func(workflow, name string) func(context.Context) (any, error)
	// Heir returns the *runtime.Runtime that serves the store now, which may be
	// another than the one asked. It may wait for it.
	Heir func() any
}

// Definition makes a runtime.Definition of hooks. Package runtime sets it.
var Definition func(*Hooks) any
