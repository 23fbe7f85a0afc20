package storetest

import (
	"errors"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

// wantErr ends the test unless err is target.
func (f *fixture) wantErr(what string, err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.broken("%s: error %v, want %v", what, err, target)
	}
}

func (f *fixture) wantSame(what string, got, want any) {
	f.Helper()
	if d := cmp.Diff(want, got); d != "" {
		f.broken("%s (-want +got):\n%s", what, d)
	}
}

// wantIDs compares the ids of runs, in order.
func (f *fixture) wantIDs(what string, runs []store.Run, want ...string) {
	f.Helper()
	if got := ids(runs); !slices.Equal(got, want) {
		f.broken("%s: got runs %q, want %q", what, got, want)
	}
}

func ids(runs []store.Run) (ids []string) {
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

// untouched ends the test when op changes anything that can be seen of the run.
func (f *fixture) untouched(id string, op func()) {
	f.Helper()
	before := f.get(id)
	steps := f.load(before.Seq)
	op()
	f.wantSame("the run changed", f.get(id), before)
	f.wantSame("the history changed", f.load(before.Seq), steps)
}
