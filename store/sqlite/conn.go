package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"modernc.org/sqlite"
)

// conn is one connection with its prepared statements, used by one goroutine
// at a time, straight on the driver: database/sql costs several microseconds
// a statement, which at this store's rates is as much as the statement itself.
type conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

// dsn names a connection with its settings. cachePages bounds its page cache.
func dsn(path string, readOnly bool, cachePages int) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "wal_autocheckpoint(0)") // see checkpoint.go
	q.Add("_pragma", "journal_size_limit("+strconv.Itoa(logKeep)+")")
	q.Add("_pragma", "cache_size("+strconv.Itoa(cachePages)+")")
	q.Add("_pragma", "temp_store(MEMORY)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func openConn(path string, cachePages int) (*conn, error) {
	c, err := (&sqlite.Driver{}).Open(dsn(path, false, cachePages))
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

func newConn(c driver.Conn) *conn { return &conn{c: c, stmts: map[string]driver.Stmt{}} }

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// script runs statements without arguments.
func (c *conn) script(sql string) error {
	_, err := c.c.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

func (c *conn) prepared(sql string) (driver.Stmt, error) {
	s, ok := c.stmts[sql]
	if !ok {
		var err error
		if s, err = c.c.Prepare(sql); err != nil {
			return nil, fmt.Errorf("prepare %.40q: %w", sql, err)
		}
		c.stmts[sql] = s
	}
	return s, nil
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs one prepared statement and returns the rows it changed. Arguments
// are int64, string, []byte or nil.
func (c *conn) exec(sql string, args ...any) (int64, error) {
	s, err := c.prepared(sql)
	if err != nil {
		return 0, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query runs one prepared statement and hands each row to fn. The row is valid
// during the call.
func (c *conn) query(sql string, fn func(row) error, args ...any) error {
	s, err := c.prepared(sql)
	if err != nil {
		return err
	}
	return c.run(s, fn, args)
}

// queryOnce is query for statements of which there are too many to keep.
func (c *conn) queryOnce(sql string, fn func(row) error, args ...any) error {
	s, err := c.c.Prepare(sql)
	if err != nil {
		return err
	}
	return errors.Join(c.run(s, fn, args), s.Close())
}

func (c *conn) run(s driver.Stmt, fn func(row) error, args []any) (err error) {
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	r := make(row, len(rows.Columns()))
	for {
		switch err := rows.Next(r); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
}

// count runs a query of one integer.
func (c *conn) count(sql string, args ...any) (n int64, err error) {
	err = c.query(sql, func(r row) error { n = r.int(0); return nil }, args...)
	return n, err
}
