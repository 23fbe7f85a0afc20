package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// kin is what a store must know of a run in a family.
type kin struct {
	parent string
	policy store.ParentPolicy
	asked  bool // to stop
}

// families plays random operations on runs with parents, and knows who must
// have been asked to stop.
type families struct {
	*fixture
	rnd      *rand.Rand
	ids      []string
	kin      map[string]*kin
	partings map[string]store.ParentPolicy // by parent: the least policy of those to be told
	now      int
}

// runFamilies checks that the end of a parent reaches the right runs below it,
// whatever happens meanwhile.
func runFamilies(t *testing.T, open func(t *testing.T) store.Store) {
	first := uint64(time.Now().UnixNano())
	for _, seed := range []uint64{1, first, first + 1} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			f := &families{
				fixture: newFixture(t, "the end of a parent reaches the children that are not to outlive it, and nobody else", open(t)),
				rnd:     rand.New(rand.NewPCG(seed, 2)), kin: map[string]*kin{}, partings: map[string]store.ParentPolicy{},
			}
			for range 150 {
				f.now++
				op := f.play()
				for _, id := range f.ids {
					if r := f.get(id); (r.Stop != store.StopNone) != f.kin[id].asked {
						f.broken("seed %d, after %s: run %s (%s, child of %q, policy %d) was asked to stop: %t", seed, op, id, r.Status, f.kin[id].parent, f.kin[id].policy, !f.kin[id].asked)
					}
				}
			}
		})
	}
}

func (f *families) any() string { return f.ids[f.rnd.IntN(len(f.ids))] }

// play does one operation and says which.
func (f *families) play() string {
	if len(f.ids) == 0 || f.rnd.IntN(3) == 0 && len(f.ids) < 40 {
		return f.birth()
	}
	id := f.any()
	r := f.get(id)
	switch f.rnd.IntN(6) {
	case 0:
		if r.Status != store.Running {
			break
		}
		o := store.Outcome{Status: store.Succeeded, At: at(f.now), HasParent: r.ParentID != "", HasChildren: true}
		if f.rnd.IntN(2) == 0 {
			o.Status, o.Error = store.Failed, &store.Failure{Message: "m"}
		}
		status, err := f.s.Finish(f.Context(), r.Claim(), o)
		f.must(err)
		f.part(id, status)
		return fmt.Sprintf("%s ended %s", id, status)
	case 1:
		if !r.Status.Ended() {
			f.stop(id, store.StopCancel)
			f.ask(id)
		}
		return "stop of " + id
	case 2:
		if r.Status == store.Cancelled {
			_, err := f.s.Resume(f.Context(), id, at(f.now))
			f.must(err)
			f.kin[id].asked = false
			delete(f.partings, id)
		}
		return "resume of " + id
	case 3:
		f.claim(9, "")
	case 4:
		if r.Status == store.Running && r.Signals == 0 {
			f.suspend(r.Claim(), time.Time{})
		}
		return "suspension of " + id
	case 5:
		f.settle()
		return "due"
	}
	return "nothing"
}

// birth creates a run, below another or not.
func (f *families) birth() string {
	id := fmt.Sprint("r", len(f.ids))
	k := &kin{policy: store.ParentPolicy(f.rnd.IntN(3))}
	if len(f.ids) > 0 && f.rnd.IntN(5) > 0 {
		k.parent = f.any()
	}
	f.running(id, childOf(k.parent), onParentEnd(k.policy))
	f.ids = append(f.ids, id)
	f.kin[id] = k
	return "birth of " + id
}

// ask notes that a run was asked to stop.
func (f *families) ask(id string) {
	if !f.kin[id].asked {
		f.kin[id].asked = true
		f.part(id, store.Cancelled)
	}
}

// part notes that a parent ended, or was asked to stop.
func (f *families) part(id string, end store.Status) {
	least := store.StopOnFailure
	if end == store.Succeeded {
		least = store.StopOnEnd
	}
	for _, child := range f.ids {
		if f.concerns(child, id, least) {
			if was, ok := f.partings[id]; !ok || least < was {
				f.partings[id] = least
			}
			return
		}
	}
}

func (f *families) concerns(child, parent string, least store.ParentPolicy) bool {
	k := f.kin[child]
	return k.parent == parent && k.policy >= least && k.policy <= store.StopOnEnd && !f.get(child).Status.Ended()
}

// settle has all that is due done, in pieces, and notes who is told of it.
func (f *families) settle() {
	for len(f.partings) > 0 {
		parent := ""
		for parent = range f.partings {
			break
		}
		least := f.partings[parent]
		delete(f.partings, parent)
		for _, child := range f.ids {
			if f.concerns(child, parent, least) {
				f.ask(child)
			}
		}
	}
	for {
		_, next, err := f.s.Due(f.Context(), at(f.now), 1+f.rnd.IntN(3))
		f.must(err)
		if next.IsZero() || next.After(at(f.now)) {
			return
		}
	}
}
