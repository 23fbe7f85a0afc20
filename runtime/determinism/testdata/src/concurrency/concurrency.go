// Package concurrency does several things at once.
package concurrency

import (
	"context"
	"sync"

	"github.com/stepwell/stepwell/runtime"
)

type shop struct{ mu sync.Mutex }

var Order = runtime.Define("order", new(shop).order)

func (s *shop) order(ctx context.Context, items []string) (int, error) {
	ch := make(chan int)
	go func() { ch <- 1 }() // want `a goroutine of its own is unknown to the engine and runs again in each replay; use runtime.Go or runtime.Map`
	ch <- 2                 // want `what a channel carries is lost in a replay; return values from runtime.Go, or use runtime.Send`
	n := <-ch               // want `what a channel carries is lost in a replay; use a future's Wait, runtime.Receive or runtime.Sleep`
	select {                // want `select takes whichever channel is ready first, another one in a replay; use runtime.Select on futures, or runtime.Receive with a timeout`
	case n = <-ch:
		ch <- n // want `what a channel carries`
	case <-ctx.Done():
	}
	for v := range ch { // want `what a channel carries`
		n += v
	}
	close(ch)
	var wg sync.WaitGroup
	wg.Wait()           // want `sync.WaitGroup.Wait waits for goroutines unknown to the engine; use runtime.Go and the future's Wait, or runtime.Map`
	s.mu.Lock()         // want `sync.Mutex.Lock is taken in another order in each replay`
	defer s.mu.Unlock() // the lock was reported
	fut := runtime.Go(ctx, func(ctx context.Context) (int, error) {
		return <-ch, nil // want `what a channel carries`
	})
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	sizes, err := runtime.Map(ctx, items, 4, size)
	if err != nil {
		return 0, err
	}
	_, err = runtime.Step(ctx, "all", func(ctx context.Context) (int, error) {
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { ch <- 1 })
		select {
		case n := <-ch:
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	m, _ := fut.Wait(ctx)
	return n + m + len(sizes), err
}

func size(ctx context.Context, item string) (int, error) {
	done := make(chan int, 1)
	done <- len(item) // want `what a channel carries`
	return len(item), nil
}

// In a step, the engine's calls are plain concurrency.
func inStep(ctx context.Context) (int, error) {
	return runtime.Go(ctx, func(ctx context.Context) (int, error) {
		ch := make(chan int, 1)
		ch <- 1
		return <-ch, nil
	}).Wait(ctx)
}

var _ = runtime.Define("step", func(ctx context.Context, _ int) (int, error) {
	return runtime.Step(ctx, "in step", inStep)
})

// A branch of workflows defined elsewhere.
func Branch(ctx context.Context, ch chan int) *runtime.Future[int] {
	return runtime.Go(ctx, func(ctx context.Context) (int, error) {
		return <-ch, nil // want `what a channel carries`
	})
}

var _ = runtime.Define("updated", func(ctx context.Context, ch chan int) (int, error) {
	return 0, runtime.OnUpdate(ctx, "add", func(ctx context.Context, n int) (int, error) {
		ch <- n // want `what a channel carries`
		return n, nil
	}, runtime.Validate(func(ctx context.Context, n int) error {
		ch <- n // want `what a channel carries`
		return nil
	}))
})
