package runtime

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/stepwell/stepwell/store"
)

// Patched lets changed code go on with runs that began under the old one:
//
//	if runtime.Patched(ctx, "charge-before-stock") {
//		// the new way
//	} else {
//		// the old way
//	}
//
// It is true for a run that comes to this place for the first time, which is
// then recorded, and false for one whose history went past here under the
// code without the patch. The first call with an id decides for the branch and
// for the branches that begin in it later, so a loop stays with one way to its
// end. A branch begun with [Go] or [Map] before the first call decides for
// itself, by its own history: of the items of a Map those under way keep to the
// old way, and those that had not begun take the new one.
//
// The record has a path of its own, so it shifts no other. Once no run lives
// that began before the patch, take the call and the old way out: what was
// recorded harms nobody. Another change needs another id. Patched panics on an
// id that is not allowed.
//
// Outside a run, and inside a step, it is true.
func Patched(ctx context.Context, id string) bool {
	mustName("patch", id)
	b := branchOf(ctx)
	if b == nil {
		return true
	}
	if err := b.enter(); err != nil {
		b.e.fail(fmt.Errorf("%w: patch %q: %w", ErrNondeterministic, id, err))
	}
	defer b.leave()
	on, known := b.patches[id]
	if !known {
		on = b.patch(id)
		// Branches share the map of the one in which they began.
		patches := maps.Clone(b.patches)
		if patches == nil {
			patches = map[string]bool{}
		}
		patches[id] = on
		b.patches = patches
	}
	return on
}

// patch decides by the history of the branch, and so the same in every replay:
// a history only grows.
func (b *branch) patch(id string) bool {
	h, path := b.e.history, b.patchPath(id)
	switch {
	case h.patches[path]:
		return true
	case h.goesOn(b.path, b.next):
		return false
	}
	at := now()
	b.record(&store.Step{Path: path, Attempt: 1, Kind: store.KindPatch, Name: id, Status: store.StepSucceeded, StartedAt: at, EndedAt: at})
	return true
}

// patchPath is no path of a step: those are numbers.
func (b *branch) patchPath(id string) string {
	switch base := b.e.run.Base; {
	case b.path == "" && base > 0: // of an older history there may be one still
		return "patch:" + id + "@" + strconv.Itoa(base)
	case b.path == "":
		return "patch:" + id
	}
	return b.path + ".patch:" + id
}

// goesOn reports whether the history of a branch has a row at index or later.
func (h *history) goesOn(branch string, index int) bool {
	last, ok := h.last[branch]
	return ok && last >= index
}
