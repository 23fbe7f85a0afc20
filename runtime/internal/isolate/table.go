package isolate

import (
	"sync"
	"sync/atomic"
)

// table remembers the steps by key, up to a number. Reading it takes no lock.
type table struct {
	max   int
	crowd int32 // that new steps begin with
	steps sync.Map

	isolated atomic.Int64 // keys in the compute class

	mu    sync.Mutex // for additions
	count int
}

func (t *table) get(key string) *step {
	if v, ok := t.steps.Load(key); ok {
		s := v.(*step)
		if !s.used.Load() {
			s.used.Store(true)
		}
		return s
	}
	return t.add(key)
}

func (t *table) add(key string) *step {
	s := &step{key: key, base: t.crowd, isolated: &t.isolated}
	s.crowd.Store(t.crowd)
	s.used.Store(true)
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.steps.LoadOrStore(key, s); ok {
		return v.(*step)
	}
	if t.count++; t.count > t.max {
		t.sweepLocked(s)
	}
	return s
}

// sweepLocked forgets the keys that were not used since the last sweep and, if
// that is not enough, any, down to three quarters. CPU-bound keys go last: it
// costs the most to find them again.
func (t *table) sweepLocked(keep *step) {
	enough := t.max * 3 / 4
	forget := func(idle bool, of class) {
		t.steps.Range(func(_, v any) bool {
			s := v.(*step)
			if s == keep || idle && s.used.Load() || of == light && s.class.Load() == compute {
				return true
			}
			t.steps.Delete(s.key)
			s.forget()
			t.count--
			return t.count > enough
		})
	}
	forget(true, light)
	if t.count > enough {
		forget(false, light)
	}
	if t.count > enough {
		forget(false, compute)
	}
	t.steps.Range(func(_, v any) bool {
		v.(*step).used.Store(false)
		return true
	})
}
