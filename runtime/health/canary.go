package health

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// canaryIdle is how long nothing may be committed before a write of no
	// meaning shows whether something could be. Not shorter: idle is idle.
	canaryIdle = 10 * time.Second
	// canaryPatience bounds one such write.
	canaryPatience = 5 * time.Second
)

// canary writes now and then when nobody else does. While the store fails it
// tries at every sample, so that health recovers by itself.
type canary struct {
	idle time.Duration
	busy atomic.Bool
	last atomic.Pointer[result]
}

func (c *canary) result() result {
	if r := c.last.Load(); r != nil {
		return *r
	}
	return result{}
}

func (c *canary) maybe(ctx context.Context, wg *sync.WaitGroup, src Source, now, lastCommit time.Time, storeFails bool) {
	last := c.result()
	due := now.Sub(lastCommit) >= c.idle && now.Sub(last.at) >= c.idle
	if !(due || storeFails || last.err != nil) || !c.busy.CompareAndSwap(false, true) {
		return
	}
	wg.Go(func() {
		defer c.busy.Store(false)
		ctx, cancel := context.WithTimeoutCause(ctx, canaryPatience, errNoAnswer)
		defer cancel()
		began := time.Now()
		err := src.Probe(ctx)
		r := last.next(err, began, time.Now())
		c.last.Store(&r)
	})
}
