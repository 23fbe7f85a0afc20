package runtime

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// history is what a run did before, by step path. It is read only once loaded;
// what happens now is not added, for nobody asks for the same path twice.
type history struct {
	rows  int
	steps map[string]*past
	// last is the highest index with a row at or below it, by branch.
	last map[string]int
	// first is a row at that index, to name it.
	first map[string]*store.Step
	// patches holds the paths at which [Patched] was recorded as true.
	patches map[string]bool
	// returned is the end of the function, where compensations followed, and
	// undone what is known of those.
	returned *store.Step
	undone   map[string]*past
}

// past is what is known of one step.
type past struct {
	final    *store.Step // decides the step
	opening  *store.Step // of a wait
	attempts int         // highest number given to an attempt
	failures int         // attempts that failed and are to be retried
	retry    *store.Step // the last of them
}

// nothing is the past of a new step.
var nothing past

func newHistory(rows []store.Step) *history {
	h := &history{rows: len(rows)}
	if len(rows) == 0 {
		return h
	}
	h.steps, h.last, h.first = map[string]*past{}, map[string]int{}, map[string]*store.Step{}
	for i := range rows {
		h.add(&rows[i])
	}
	return h
}

func (h *history) add(row *store.Step) {
	steps := h.steps
	switch row.Kind {
	case store.KindPatch:
		if h.patches == nil {
			h.patches = map[string]bool{}
		}
		h.patches[row.Path] = true
		return // it has no place among the steps
	case store.KindReturn:
		h.returned = row
		return
	case store.KindCompensate:
		if h.undone == nil {
			h.undone = map[string]*past{}
		}
		steps = h.undone
	}
	p := steps[row.Path]
	if p == nil {
		p = &past{}
		steps[row.Path] = p
	}
	p.attempts = max(p.attempts, row.Attempt)
	switch {
	case row.Status.Final():
		p.final = row
	case row.Status == store.StepWaiting:
		p.opening = row
	case row.Status == store.StepRetrying:
		p.failures++
		p.retry = row
	}
	// A cut-short attempt says nothing of what the code will ask for next, nor
	// does what came after the function.
	if row.Status == store.StepCancelled || row.Kind == store.KindCompensate {
		return
	}
	for path := row.Path; path != ""; {
		branch, index := splitPath(path)
		if last, ok := h.last[branch]; !ok || index > last {
			h.last[branch], h.first[branch] = index, row
		}
		path = branch
	}
}

// splitPath cuts the index off a path: "4.0.2" is index 2 of branch "4.0".
func splitPath(path string) (branch string, index int) {
	dot := strings.LastIndexByte(path, '.')
	index, _ = strconv.Atoi(path[dot+1:])
	if dot < 0 {
		return "", index
	}
	return path[:dot], index
}

func joinPath(branch string, index int) string {
	if branch == "" {
		return strconv.Itoa(index)
	}
	return branch + "." + strconv.Itoa(index)
}

// find returns what is known of a step, nil when it is new. It is an error
// when the history holds another step in this place, or later ones without
// this: then the code has changed.
func (h *history) find(branch string, index int, path string, kind store.Kind, name string) (*past, error) {
	if h.steps == nil {
		return nil, nil
	}
	p := h.steps[path]
	if p != nil {
		if row := p.any(); row != nil && (row.Kind != kind || row.Name != name) {
			return nil, mismatch(path, describe(kind, name), describe(row.Kind, row.Name))
		}
		if p.final != nil {
			return p, nil
		}
	}
	if err := h.beyond(branch, index+1, describe(kind, name)); err != nil {
		return nil, err
	}
	if _, ok := h.last[path]; ok {
		return nil, mismatch(path, describe(kind, name), "a branch with "+describe(h.first[path].Kind, h.first[path].Name))
	}
	return p, nil
}

// beyond is an error when the history of a branch goes on at index or later.
func (h *history) beyond(branch string, index int, found string) error {
	if h.goesOn(branch, index) {
		row := h.first[branch]
		return mismatch(row.Path, found, describe(row.Kind, row.Name))
	}
	return nil
}

// branchAt is an error when the history holds a step where a branch begins.
func (h *history) branchAt(path string) error {
	if p := h.steps[path]; p != nil {
		if row := p.any(); row != nil {
			return mismatch(path, "a branch", describe(row.Kind, row.Name))
		}
	}
	return nil
}

func (p *past) any() *store.Step {
	switch {
	case p.final != nil:
		return p.final
	case p.opening != nil:
		return p.opening
	}
	return p.retry
}

func describe(kind store.Kind, name string) string {
	if name == "" {
		return kind.String()
	}
	return fmt.Sprintf("%s %q", kind, name)
}

func mismatch(path, found, expected string) error {
	return fmt.Errorf("%w: at %s the history has %s, the code came with %s", ErrNondeterministic, path, expected, found)
}
