package app

import (
	"io"
	"log/slog"
	"os"
)

// localHandler writes records to stderr: text for people, JSON for machines.
func localHandler(level slog.Level) slog.Handler {
	opts := &slog.HandlerOptions{Level: level}
	if terminal(os.Stderr) {
		return slog.NewTextHandler(os.Stderr, opts)
	}
	return slog.NewJSONHandler(os.Stderr, opts)
}

func terminal(w io.Writer) bool {
	f, isFile := w.(*os.File)
	if !isFile {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}
