package storetest

import (
	"context"
	"database/sql"
	"errors"

	"github.com/stepwell/stepwell/store"
)

// The suite knows no SQL; what happens to the program's rows is in the tests of
// each backend.
var transactRules = []rule{
	{"a transaction that does nothing still records its row, and ends the heartbeat of the step", func(f *fixture) {
		s, r := f.transactor(), f.running("a")
		f.beat(r.Claim(), "1", 1)
		f.must(s.Transact(f.Context(), r.Claim(), 0, func(context.Context, *sql.Tx) (*store.Step, error) { return new(aStep("1")), nil }))
		want := aStep("1")
		want.Pos, want.Epoch = 1, 1
		f.wantSame("the history", f.load(r.Seq), []store.Step{want})
		f.wantNoBeat(r.Seq, "1")
	}},
	{"a function that fails leaves no row, and its error comes back as a TxError", func(f *fixture) {
		s, r, boom := f.transactor(), f.running("a"), errors.New("boom")
		f.untouched("a", func() {
			err := s.Transact(f.Context(), r.Claim(), 0, func(context.Context, *sql.Tx) (*store.Step, error) { return new(aStep("1")), boom })
			if _, ok := errors.AsType[*store.TxError](err); !ok || !errors.Is(err, boom) {
				f.broken("got %v", err)
			}
		})
		f.record(r.Claim(), "1")
	}},
	{"a transaction under a stale claim is ErrStale, one with a row that exists ErrConflict", func(f *fixture) {
		s, r := f.transactor(), f.running("a")
		row := func(context.Context, *sql.Tx) (*store.Step, error) { return new(aStep("1")), nil }
		f.record(r.Claim(), "1")
		f.untouched("a", func() { f.wantErr("the same row", s.Transact(f.Context(), r.Claim(), 0, row), store.ErrConflict) })
		f.must(f.s.Release(f.Context(), []store.Claim{r.Claim()}, at(3)))
		f.wantErr("after Release", s.Transact(f.Context(), r.Claim(), 0, row), store.ErrStale)
	}},
	{"after Close a transaction is refused with ErrClosed", func(f *fixture) {
		s, r := f.transactor(), f.running("a")
		f.must(f.s.Store.Close())
		f.wantErr("Transact", s.Transact(f.Context(), r.Claim(), 0, nil), store.ErrClosed)
		f.wantErr("Do", s.Do(f.Context(), 0, nil), store.ErrClosed)
	}},
}

// transactor skips the rule for a store that is none.
func (f *fixture) transactor() store.Transactor {
	f.Helper()
	s, ok := f.s.Store.(store.Transactor)
	if !ok {
		f.Skip("not a store.Transactor")
	}
	return s
}
