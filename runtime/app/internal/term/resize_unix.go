//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
)

// Resized tells when the terminal has another size, until stop is called.
func Resized() (c <-chan os.Signal, stop func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGWINCH)
	return ch, func() { signal.Stop(ch) }
}
