package runtime

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// txTimeout bounds a [Tx] step that says nothing else. It is below the 5 s at
// which health calls a waiting write stuck.
const txTimeout = 4 * time.Second

// Tx is a [Step] whose fn writes to tables of the program's own, in the store's
// database: what it writes with tx and the record of the step are one commit,
// so it happens exactly once, also over a crash. When Tx returns it is durable.
//
// When fn fails or panics, when its context ends, or when a statement rolls the
// transaction back, nothing of it is written; that is a failed attempt, and
// [Retry] decides as for any step. Make the tables beforehand, with [Setup].
// Stepwell's own tables, those without a prefix, can be read and are not to be
// relied on.
//
// All other writes of the store wait for fn, on SQLite those of all runs. So do
// nothing in it but use tx, and keep it short: its context ends after 4 seconds,
// or [Timeout], from when its turn has come, and then what it did is rolled back
// whether it returns or not. (After 5 seconds without a commit health calls the
// process failing.) Anything that needs the store waits in vain until
// then: fn must not start runs, send messages and the like. fn must not end the
// transaction, and is called again when the store had no room to commit it.
//
// It works inside a run only ([ErrNotInRun]), on a store that is a
// [store.Transactor].
func Tx[T any](ctx context.Context, name string, fn func(ctx context.Context, tx *sql.Tx) (T, error), opts ...StepOption) (T, error) {
	var none T
	b := branchOf(ctx)
	if b == nil {
		return none, fmt.Errorf("tx %q: %w", name, ErrNotInRun)
	}
	v := &value[T]{codec: b.e.rt.cfg.Codec}
	data, err := b.step(ctx, name, append([]StepOption{Timeout(txTimeout)}, opts...), work{
		tx: &transaction{do: func(ctx context.Context, tx *sql.Tx) (err error) {
			call := substitute(b, name, func(ctx context.Context) (T, error) { return fn(ctx, tx) })
			v.out, err = call(ctx)
			return err
		}},
		output: v.encode,
	})
	if err != nil {
		return none, err
	}
	if err := v.decode(data); err != nil {
		b.e.fail(unfit(fmt.Sprintf("step %q returned what no longer fits %T", name, v.out), err))
	}
	return v.seen, nil
}

// Setup is a definition whose fn is called each time the runtime starts, before
// it recovers and executes runs, to make and migrate the program's own tables.
// What it writes is one commit; when it fails, [Runtime.Run] returns its error.
// Several are called in their order. Give the tables a prefix: names without one
// may be taken by a later version of Stepwell.
// New refuses a nil fn; a panic in fn is its error.
func Setup(fn func(ctx context.Context, tx *sql.Tx) error) Definition { return setup{fn} }

type setup struct {
	fn func(context.Context, *sql.Tx) error
}

func (s setup) register(r *registry) error {
	if s.fn == nil {
		return fmt.Errorf("%w: Setup has no function: fn is nil", ErrInvalid)
	}
	r.setups = append(r.setups, s)
	return nil
}

func (s setup) call(ctx context.Context, tx *sql.Tx) (err error) {
	defer catch(&err)
	return s.fn(ctx, tx)
}

// setUp calls the Setup functions.
func (rt *Runtime) setUp(ctx context.Context) error {
	if len(rt.reg.setups) == 0 {
		return nil
	}
	s, err := rt.transactor()
	for _, set := range rt.reg.setups {
		if err == nil {
			err = s.Do(ctx, 0, set.call)
		}
	}
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*PanicError](err); ok {
		rt.cfg.Logger.Error("setup panicked", "panic", p.Value, "stack", p.Stack) // where is for the log
	}
	return fmt.Errorf("setup: %w", err)
}

func (rt *Runtime) transactor() (store.Transactor, error) {
	// Only a success is recorded with a transaction, and has no error to seal.
	s := rt.store.(*watchedStore).Store.(*sealedStore).Store
	if t, ok := s.(store.Transactor); ok {
		return &watchedTransactor{t, rt.watches}, nil
	}
	return nil, fmt.Errorf("%w: this store has no tables of the program's own", ErrInvalid)
}

// transaction is what a Tx step does instead of calling a function.
type transaction struct {
	do   func(context.Context, *sql.Tx) error
	row  *store.Step // that was committed
	lost error       // why the execution cannot go on
}

// committed returns the row that settled the step, if one did.
func (tx *transaction) committed(e *execution) *store.Step {
	if tx.lost != nil {
		e.fail(tx.lost)
	}
	return tx.row
}

// transact is the attempt of a Tx step: it commits the outcome with what the
// function wrote, or returns the error of an attempt that wrote nothing.
func (t *try) transact(ctx context.Context) (err error) {
	e := t.branch.e
	s, err := e.rt.transactor()
	if err != nil {
		return Permanent(err)
	}
	t.tx.lost = e.rt.persist(e.halting, func() error {
		err = nil
		var row *store.Step
		failed := s.Transact(ctx, e.claim, t.cfg.timeout, func(ctx context.Context, tx *sql.Tx) (*store.Step, error) {
			out, err := t.inside(ctx, tx)
			if err != nil {
				return nil, err
			}
			row = t.row()
			row.Status, row.Output = store.StepSucceeded, out
			return row, nil
		})
		if te, ok := errors.AsType[*store.TxError](failed); ok {
			err = t.explain(context.Cause(ctx), te.Err)
			if te.Err == ErrTimeout { // the function has not said so itself
				err = t.explain(ErrTimeout, te.Err)
			}
			return nil
		}
		if failed == nil {
			t.tx.row = row
		}
		return failed
	})
	return err
}

// inside is what happens in the transaction.
func (t *try) inside(ctx context.Context, tx *sql.Tx) ([]byte, error) {
	t.started = now() // waiting for its turn does not count
	err := t.protected(ctx, func(ctx context.Context) error { return t.tx.do(ctx, tx) })
	if err != nil {
		return nil, t.explain(context.Cause(ctx), err)
	}
	return t.encode()
}
