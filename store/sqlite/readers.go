package sqlite

import (
	"context"
	"errors"

	"modernc.org/sqlite"

	"github.com/stepwell/stepwell/store"
)

// readers is a fixed set of read-only connections. Each sees the last commit
// at the moment its query begins, and never waits for the writer.
type readers struct {
	idle chan *conn
	n    int
	done chan struct{} // closed: no new reads
}

// readerCachePages bounds the page cache of one reader (1 MiB).
const readerCachePages = 256

func openReaders(path string, n int) (*readers, error) {
	r := &readers{idle: make(chan *conn, n), done: make(chan struct{})}
	for range n {
		c, err := (&sqlite.Driver{}).Open(dsn(path, true, readerCachePages))
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.idle <- newConn(c)
		r.n++
	}
	return r, nil
}

func (r *readers) query(ctx context.Context, sql string, fn func(row) error, args ...any) error {
	return r.with(ctx, func(c *conn) error { return c.query(sql, fn, args...) })
}

// with lends a connection to fn.
func (r *readers) with(ctx context.Context, fn func(*conn) error) error {
	select {
	case <-r.done:
		return store.ErrClosed
	default:
	}
	select {
	case c := <-r.idle:
		defer func() { r.idle <- c }()
		return fn(c)
	case <-r.done:
		return store.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// view has fn see one commit in all its queries.
func (r *readers) view(ctx context.Context, fn func(*conn) error) error {
	return r.with(ctx, func(c *conn) error {
		if _, err := c.exec(beginRead); err != nil {
			return err
		}
		err := fn(c)
		_, end := c.exec(commit)
		return errors.Join(err, end)
	})
}

// close waits for the reads under way.
func (r *readers) close() error {
	close(r.done)
	var errs []error
	for range r.n {
		errs = append(errs, (<-r.idle).close())
	}
	return errors.Join(errs...)
}
