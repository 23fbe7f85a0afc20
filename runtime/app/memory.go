package app

import (
	"os"
	"runtime/debug"
)

// gcPercent is the growth of the heap between two collections. The live heap is
// a few megabytes, so the default of 100 would save little time and cost
// memory.
const gcPercent = 50

// tuneMemory sets the garbage collector, unless the user did. There is no
// limit on memory: with one, a process that needs more would only collect.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
