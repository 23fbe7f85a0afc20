package api

import (
	"context"
	"sync"
)

// closer ends contexts with errWaited when the server shuts down. Whoever waits
// costs it no goroutine: there is one for all, while there are some.
type closer struct {
	closing <-chan struct{} // nil: never

	mu      sync.Mutex
	waiting int
	root    context.Context // ends with closing; while some wait
	idle    chan struct{}   // closed when the last has left
	done    chan struct{}   // closed when the goroutine has returned
}

// until returns a context that ends with its parent, and when the server shuts
// down. cancel must be called.
func (c *closer) until(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	if c.closing == nil {
		return ctx, func() { cancel(context.Canceled) }
	}
	stop := context.AfterFunc(c.enter(), func() { cancel(errWaited) })
	return ctx, sync.OnceFunc(func() {
		stop()
		cancel(context.Canceled)
		c.leave()
	})
}

func (c *closer) enter() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting++; c.waiting == 1 {
		root, end := context.WithCancel(context.Background())
		idle, done := make(chan struct{}), make(chan struct{})
		c.root, c.idle, c.done = root, idle, done
		go func() {
			defer close(done)
			defer end()
			select {
			case <-c.closing:
			case <-idle:
			}
		}()
	}
	return c.root
}

func (c *closer) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting--; c.waiting == 0 {
		close(c.idle)
		<-c.done
	}
}
