package runtime_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// eachCrash calls fn, in a bubble of its own, for every write at which the
// process can die, before and after that is committed. fn makes the store that
// dies with kill; the crash that no longer comes is the last.
func eachCrash(t *testing.T, fn func(t *testing.T, kill func(store.Store) *mortal)) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) {
					var m *mortal
					fn(t, func(s store.Store) *mortal { m = newMortal(s, at, persisted); return m })
					m.mu.Lock()
					more = m.left <= 0
					m.mu.Unlock()
				})
			})
		}
	}
}

// crashThenEnd starts a run under the id "one" on a store that dies, and has it
// end in the next process, where it gives want.
func crashThenEnd[In any, Out comparable](t *testing.T, s store.Store, kill func(store.Store) *mortal, w *runtime.Workflow[In, Out], in In, want Out, defs ...runtime.Definition) {
	t.Helper()
	defs = append(defs, w)
	m := kill(s)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, defs...)
	ended := make(chan struct{})
	if h, err := w.Start(r.ctx, in, runtime.ID("one")); err == nil {
		ctx := r.ctx
		go func() { defer close(ended); h.Result(ctx) }()
	}
	select {
	case <-ended:
		m.kill()
	case <-m.died:
	}
	r.stop()
	r = serveOn(t, s, runtime.Config{Logger: quiet}, defs...)
	h, err := w.Start(r.ctx, in, runtime.ID("one"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Result(r.ctx); err != nil || got != want {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
}
