package store

import (
	"context"
	"database/sql"
	"time"
)

// Transactor is a [Store] in whose database the program can have tables of its
// own, and write to them in the transaction of a checkpoint. Not every store is
// one.
//
// fn gets the transaction with a context that ends with ctx, or after limit
// (0: no bound) with [ErrTimeout] as its cause. The transaction is over when fn
// returns: fn must neither commit it nor roll it back, nor call the store, which
// may have to wait for it. Stepwell's own tables can be read, not written. When
// fn fails or panics, when the context ends first, or when a statement ended the
// transaction, nothing is written and the error is a [*TxError]; any other is
// the store's. Both calls return only when fn has.
type Transactor interface {
	// Transact commits what fn writes together with the row of history that
	// it returns. The definition of tables cannot be changed in it.
	// Other errors: those of [Store.Record].
	Transact(ctx context.Context, claim Claim, limit time.Duration, fn func(context.Context, *sql.Tx) (*Step, error)) error

	// Do commits what fn writes. It may define tables.
	Do(ctx context.Context, limit time.Duration, fn func(context.Context, *sql.Tx) error) error
}

// TxError is the failure of a transaction of the program's: nothing of it was
// written, and nothing is wrong with the store.
type TxError struct{ Err error }

func (e *TxError) Error() string { return e.Err.Error() }
func (e *TxError) Unwrap() error { return e.Err }
