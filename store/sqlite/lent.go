package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
)

// fullConn and fullRows are what the driver implements.
type fullConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type fullRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

var (
	errTakenBack  = errors.New("the time of the transaction is over")
	errRolledBack = errors.New("a statement rolled the transaction back")
)

// lentConn is the writer's connection as database/sql gets to see it, inside
// the writer's transaction: beginning and ending another is pretended. It is
// its own connector, for one connection.
//
// Statements end with ctx, not with the contexts they are given.
type lentConn struct {
	ctx   context.Context
	conn  fullConn
	guard *guard

	mu   sync.Mutex // held by whatever uses the connection
	back bool       // it was taken back
	// open statements; rows are among them as those that belong to none.
	open map[*lentStmt]struct{}
}

// Connect and Driver make it a driver.Connector.
func (c *lentConn) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (c *lentConn) Driver() driver.Driver                        { return nil }

// Close leaves the writer its connection.
func (c *lentConn) Close() error { return nil }

type lentTx struct{}

func (lentTx) Commit() error   { return nil }
func (lentTx) Rollback() error { return nil }

func (c *lentConn) Begin() (driver.Tx, error) { return lentTx{}, nil }

// BeginTx implements driver.ConnBeginTx.
func (c *lentConn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) {
	return lentTx{}, nil
}

// use calls fn unless the connection, or the transaction, is gone.
func (c *lentConn) use(fn func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.back:
		return errTakenBack
	case c.guard.lost:
		return errRolledBack
	}
	return c.guard.explain(fn())
}

// ExecContext implements driver.ExecerContext.
func (c *lentConn) ExecContext(_ context.Context, query string, args []driver.NamedValue) (r driver.Result, err error) {
	err = c.use(func() (err error) { r, err = c.conn.ExecContext(c.ctx, query, args); return err })
	return r, err
}

// QueryContext implements driver.QueryerContext.
func (c *lentConn) QueryContext(_ context.Context, query string, args []driver.NamedValue) (r driver.Rows, err error) {
	err = c.use(func() error {
		rows, err := c.conn.QueryContext(c.ctx, query, args)
		if err == nil {
			r = c.lendRows(rows)
		}
		return err
	})
	return r, err
}

func (c *lentConn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(c.ctx, query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *lentConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	s := &lentStmt{c: c}
	err := c.use(func() error {
		stmt, err := c.conn.PrepareContext(c.ctx, query)
		if err == nil {
			s.fullStmt = stmt.(fullStmt)
			s.close = stmt.Close
			c.open[s] = struct{}{}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *lentConn) lendRows(r driver.Rows) driver.Rows {
	rows := &lentRows{fullRows: r.(fullRows), c: c, open: &lentStmt{c: c, close: r.Close}}
	c.open[rows.open] = struct{}{}
	return rows
}

// takeBack waits for the statement under way and closes what is open. It
// reports a transaction that was lost.
func (c *lentConn) takeBack() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.back = true
	var errs []error
	for s := range c.open {
		errs = append(errs, s.close())
	}
	clear(c.open)
	if c.guard.lost {
		errs = append(errs, errRolledBack)
	}
	return errors.Join(errs...)
}

// lentStmt is a statement, or what keeps the rows of a query open.
type lentStmt struct {
	fullStmt
	c     *lentConn
	close func() error
}

func (s *lentStmt) Close() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if _, ok := s.c.open[s]; !ok {
		return nil // closed when the connection was taken back
	}
	delete(s.c.open, s)
	return s.close()
}

func (s *lentStmt) ExecContext(_ context.Context, args []driver.NamedValue) (r driver.Result, err error) {
	err = s.c.use(func() (err error) { r, err = s.fullStmt.ExecContext(s.c.ctx, args); return err })
	return r, err
}

func (s *lentStmt) QueryContext(_ context.Context, args []driver.NamedValue) (r driver.Rows, err error) {
	err = s.c.use(func() error {
		rows, err := s.fullStmt.QueryContext(s.c.ctx, args)
		if err == nil {
			r = s.c.lendRows(rows)
		}
		return err
	})
	return r, err
}

type lentRows struct {
	fullRows
	c    *lentConn
	open *lentStmt
}

func (r *lentRows) Next(dest []driver.Value) (err error) {
	return r.c.use(func() error { return r.fullRows.Next(dest) })
}

func (r *lentRows) Close() error { return r.open.Close() }
