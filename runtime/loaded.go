package runtime

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// reserve takes a place in memory for a run that is created and claimed in one
// write. It fails when runs wait already: those come first.
func (rt *Runtime) reserve() bool {
	if rt.phase() != phaseReady || rt.dispatch.backlog() {
		return false
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.held >= rt.cfg.MaxLoaded {
		rt.dispatch.hungry.Store(true)
		return false
	}
	rt.held++
	return true
}

// unreserve gives a place back that was taken for a run of the queue.
func (rt *Runtime) unreserve(queue string) {
	rt.mu.Lock()
	rt.leaveLocked()
	rt.mu.Unlock()
	rt.dispatch.freed(queue)
}

func (rt *Runtime) leaveLocked() {
	if rt.held--; rt.held == 0 {
		select {
		case rt.vacant <- struct{}{}:
		default:
		}
	}
}

// launch begins the execution of a claimed run that has a place reserved. One
// whose workflow is unknown here is parked: then there is no execution.
func (rt *Runtime) launch(run store.Run) *execution {
	def, err := rt.reg.workflow(run.Workflow)
	if err != nil {
		go rt.park(run, err) // drain waits for its place to be given back
		return nil
	}
	e := newExecution(rt, run, def)
	rt.mu.Lock()
	rt.loaded[run.ID] = e
	draining := rt.phase() > phaseReady
	rt.mu.Unlock()
	if draining {
		e.haltWith(errDraining)
	}
	go e.begin() // drain waits for its place to be given back
	return e
}

// park ends a claimed run, which has a place, as stuck before it began.
func (rt *Runtime) park(run store.Run, why error) {
	defer rt.unreserve(run.Queue)
	o := *stuck(why)
	o.HasPartition = run.Partition != ""
	rt.persist(nil, func() error {
		_, err := rt.store.Finish(context.Background(), run.Claim(), o)
		return err
	})
	rt.cfg.Logger.Error("run is stuck: its workflow is not registered", "run_id", run.ID, "workflow", run.Workflow)
}

// unload gives the place of a run back.
func (rt *Runtime) unload(e *execution) {
	rt.mu.Lock()
	// After a suspension the run may have been loaded anew already.
	if rt.loaded[e.run.ID] == e {
		delete(rt.loaded, e.run.ID)
	}
	rt.leaveLocked()
	rt.mu.Unlock()
	rt.dispatch.freed(e.run.Queue)
}

func (rt *Runtime) execution(id string) *execution {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.loaded[id]
}

func (rt *Runtime) executions() []*execution {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return slices.Collect(maps.Values(rt.loaded))
}

// loadedNow is the number of runs in memory, without the places taken for runs
// that are about to be.
func (rt *Runtime) loadedNow() int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return len(rt.loaded)
}

// room is the number of runs that may still be loaded.
func (rt *Runtime) room() int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.cfg.MaxLoaded - rt.held
}

// reserveMany takes up to n places. When there is none it sees to it that the
// next to leave wakes the dispatcher: under the same lock, or that one could
// leave in between and tell nobody.
func (rt *Runtime) reserveMany(n int) int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	n = min(n, rt.cfg.MaxLoaded-rt.held)
	rt.dispatch.hungry.Store(n <= 0)
	n = max(n, 0)
	rt.held += n
	return n
}

// giveBack returns places that were not used.
func (rt *Runtime) giveBack(n int) {
	if n == 0 {
		return
	}
	rt.mu.Lock()
	rt.held -= n - 1
	rt.leaveLocked()
	rt.mu.Unlock()
	rt.dispatch.freed("")
}

// unloadAfter is shorter when memory is nearly full.
func (rt *Runtime) unloadAfter() time.Duration {
	if rt.room() < rt.cfg.MaxLoaded/8 {
		return min(rt.cfg.UnloadAfter, time.Millisecond)
	}
	return rt.cfg.UnloadAfter
}
