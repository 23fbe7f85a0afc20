//go:build !linux

package isolate

import "time"

func threadID() int { return 0 }

func onMainThread() bool { return false }

func lowerThread(int) error { return nil }

func threadCPU(int) (time.Duration, bool) { return 0, false }

func threadDelay(int) (time.Duration, bool) { return 0, false }

func threadSleeps(int) bool { return false }
