package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Probe implements [store.Store].
func (s *Store) Probe(ctx context.Context) error {
	return s.SetCursor(ctx, "probe", time.Now().UnixMicro())
}

// Health implements [store.Store].
func (s *Store) Health() store.Health {
	h := store.Health{
		Commits: s.w.commits.Load(), Writes: s.w.writes.Load(), Pending: s.w.waiting(),
		LogBytes: fileSize(s.path + "-wal"), FreeBytes: freeBytes(filepath.Dir(s.path)),
	}
	if f := s.w.fault.Load(); f != nil {
		h.Err, h.Fatal = f.err, f.fatal
	}
	if ns := s.w.lastCommit.Load(); ns != 0 {
		h.LastCommit = time.Unix(0, ns)
	}
	if ns := s.w.oldestWrite.Load(); ns != 0 {
		h.OldestWrite = time.Unix(0, ns)
	}
	for i := range h.Runs {
		h.Runs[i] = s.w.counts[i].Load()
	}
	return h
}

func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0
	case err != nil:
		return -1
	}
	return fi.Size()
}

func freeBytes(dir string) int64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return -1
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}
