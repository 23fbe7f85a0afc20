package app

import (
	"os"
	"runtime/debug"
)

// tuneMemory trades a little CPU for memory, unless the user has decided. The
// live heap is a few megabytes, so collecting twice as often costs little and
// the process stays small.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}
