package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/stepwell/stepwell/store"
)

var _ store.Transactor = (*Store)(nil)

// Transact implements [store.Transactor]. All other writes wait for fn.
func (s *Store) Transact(ctx context.Context, claim store.Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*store.Step, error)) error {
	l := newLoan(ctx, limit, false)
	return s.lend(l, func(tx *tx) error {
		if _, held, err := tx.claimed(claim); err != nil {
			return err
		} else if !held {
			return stale("transact", claim)
		}
		var step *store.Step
		err := tx.lend(l, func(ctx context.Context, tx *sql.Tx) (err error) {
			step, err = fn(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		if err := tx.record(claim, step, step.Output); err != nil || !step.Status.Final() {
			return err
		}
		return tx.still(claim.Seq, step.Path)
	})
}

// Do implements [store.Transactor]. All other writes wait for fn.
func (s *Store) Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error {
	l := newLoan(ctx, limit, true)
	return s.lend(l, func(tx *tx) error { return tx.lend(l, fn) })
}

// loan is the writer's connection in the hands of the program.
type loan struct {
	ctx   context.Context // the caller's
	limit time.Duration
	ddl   bool          // tables may be defined
	begun bool          // fn was called
	over  chan struct{} // closed when fn has returned
}

func newLoan(ctx context.Context, limit time.Duration, ddl bool) *loan {
	return &loan{ctx: ctx, limit: limit, ddl: ddl, over: make(chan struct{})}
}

// lend has the writer run fn in a transaction of its own. It returns when the
// function that got the connection has returned, too.
func (s *Store) lend(l *loan, fn func(*tx) error) error {
	err := s.w.alone(context.WithoutCancel(l.ctx), fn)
	if l.begun {
		<-l.over
	}
	return err
}

// lend gives fn the connection, on a goroutine of its own, and takes it back
// when fn has returned or its time is over: what fn tries after that fails.
func (t *tx) lend(l *loan, fn func(context.Context, *sql.Tx) error) error {
	if l.ctx.Err() != nil {
		return &store.TxError{Err: context.Cause(l.ctx)}
	}
	if t.guard == nil {
		g, err := newGuard(t.conn)
		if err != nil {
			return err
		}
		t.guard = g
	}
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	if l.limit > 0 {
		var over context.CancelFunc
		ctx, over = context.WithTimeoutCause(ctx, l.limit, store.ErrTimeout)
		defer over()
	}
	lent := &lentConn{ctx: ctx, conn: t.c.(fullConn), guard: t.guard, open: map[*lentStmt]struct{}{}}
	t.guard.arm(l.ddl)
	defer t.guard.disarm()
	l.begun = true
	done := make(chan error, 1)
	go func() { // waited for by Store.lend
		defer close(l.over)
		done <- inTransaction(ctx, lent, fn)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	cancel()
	if e := lent.takeBack(); err == nil {
		err = e
	}
	if err == nil {
		return nil
	}
	// What breaks the database breaks it for all.
	if reach, fatal := classify(err, false); reach == fatalError {
		return fatal
	}
	return &store.TxError{Err: err}
}

var errExited = errors.New("function called runtime.Goexit")

// pretend calls fn between a beginning and an end that mean nothing.
func pretend(ctx context.Context, db *sql.DB, fn func(context.Context, *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(ctx, tx); err != nil {
		tx.Rollback()
		return err
	}
	if err := tx.Commit(); !errors.Is(err, sql.ErrTxDone) || ctx.Err() != nil {
		return err
	}
	return errors.New("the function ended the transaction itself: it is committed with the checkpoint")
}

// inTransaction calls fn with what it takes for a transaction of its own.
func inTransaction(ctx context.Context, c *lentConn, fn func(context.Context, *sql.Tx) error) (err error) {
	db := sql.OpenDB(c)
	defer db.Close()
	result := make(chan error, 1)
	go func() { // fn may leave by Goexit
		err := errExited
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
			}
			result <- err
		}()
		err = pretend(ctx, db, fn)
	}()
	return <-result
}
