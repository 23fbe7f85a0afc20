//go:build !linux

package isolate

import (
	"testing"
	"time"
)

func canWatch(t *testing.T) { t.Skip("threads are watched on Linux only") }

func lowered() bool { return false }

func burn(time.Duration) {}

func burnUntil(*testing.T, func() bool) {}
