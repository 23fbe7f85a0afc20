package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Config has useful zero values.
type Config struct {
	// Readers is the number of connections for reads; 0 means 3.
	Readers int
	// CacheBytes bounds the writer's page cache; 0 means 8 MiB.
	CacheBytes int
}

// Store is a [store.Store] in one SQLite file. It is safe for concurrent use.
type Store struct {
	path string
	lock *fileLock
	w    *writer
	r    *readers
	k    *checkpointer
	wg   sync.WaitGroup

	endsIndexed atomic.Bool // see indexEnds

	closing  sync.Once
	closeErr error
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, or creates it together with its directory.
//
// One process holds a database at a time: a second gets [store.ErrInUse] with
// the name of the holder. A file that is no Stepwell database is refused with
// [store.ErrForeign], one from a newer version with [store.ErrNewer]; neither
// is touched. An older one is brought forward.
func Open(ctx context.Context, path string, cfg Config) (*Store, error) {
	ms, err := migrations()
	if err != nil {
		return nil, err
	}
	if path, err = realPath(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	exists, err := checkHeader(path, len(ms))
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if dir := filepath.Dir(path); !exists {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("open store: make directory: %w", err)
		}
	}
	lock, err := lockDatabase(path)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{path: path, lock: lock}
	// Again, now that it holds still: another process may have made the
	// database, worked, and ended between the look and the lock.
	if exists, err = checkHeader(path, len(ms)); err == nil {
		err = s.open(cfg, exists)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), lock.release())
	}
	s.wg.Go(s.w.run)
	s.wg.Go(s.k.run)
	return s, nil
}

// realPath gives every way to name a file the same lock.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if p, err := filepath.EvalSymlinks(path); err == nil {
		return p, nil
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path)), nil
	}
	return path, nil // its directory is yet to be made
}

func (s *Store) open(cfg Config, exists bool) (err error) {
	if cfg.Readers == 0 {
		cfg.Readers = 3
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = 8 << 20
	}
	now := time.Now()
	if !exists {
		if err := create(s.path, now); err != nil {
			return err
		}
	}
	var opened []*conn
	defer func() {
		if err != nil {
			for _, c := range opened {
				err = errors.Join(err, c.close())
			}
		}
	}()
	c, err := openConn(s.path, cfg.CacheBytes/pageSize)
	if err != nil {
		return err
	}
	opened = append(opened, c)
	if err := checkMode(c); err != nil {
		return err
	}
	if err := migrate(c, s.path, now); err != nil {
		return err
	}
	kc, err := openConn(s.path, 16)
	if err != nil {
		return err
	}
	opened = append(opened, kc)
	s.k = newCheckpointer(kc)
	s.w = newWriter(c, s.path, func(pages int) { s.k.wrote(pages, c) })
	if s.w.tx.saved, err = readState(c); err != nil {
		return err
	}
	s.w.tx.state = s.w.tx.saved
	if s.w.tx.hearts, err = readHearts(c); err != nil {
		return err
	}
	s.w.reveal()
	s.r, err = openReaders(s.path, cfg.Readers)
	return err
}

// checkMode insists on a write-ahead log: all that this package says about
// crashes rests on it. A copy made by VACUUM INTO has none yet.
func checkMode(c *conn) error {
	mode := ""
	err := c.query("PRAGMA journal_mode = WAL", func(r row) error { mode = r.text(0); return nil })
	if err == nil && mode != "wal" {
		err = fmt.Errorf("journal mode is %q, want wal: the file system may lack shared memory", mode)
	}
	return err
}

// Subscribe implements [store.Store].
func (s *Store) Subscribe(fn func([]store.Event)) { s.w.publish = fn }

// Close implements [store.Store].
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.w.close()
		<-s.w.done
		s.k.close()
		s.wg.Wait()
		// The last connection to close moves the log into the database.
		s.closeErr = errors.Join(s.r.close(), s.k.conn.close(), s.w.conn.close(), s.lock.release())
	})
	return s.closeErr
}
