//go:build !unix

package term

import "os"

// Resized tells nothing here: the next drawing sees the size.
func Resized() (c <-chan os.Signal, stop func()) { return nil, func() {} }
