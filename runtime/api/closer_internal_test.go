package api

import (
	"context"
	"errors"
	goruntime "runtime"
	"testing"
)

// TestWaitingCostsNoGoroutine: a thousand who wait share one, and it ends with
// the last.
func TestWaitingCostsNoGoroutine(t *testing.T) {
	c := closer{closing: make(chan struct{})}
	before := goruntime.NumGoroutine()
	var ctxs []context.Context
	var cancels []context.CancelFunc
	for range 1000 {
		ctx, cancel := c.until(t.Context())
		ctxs, cancels = append(ctxs, ctx), append(cancels, cancel)
	}
	if n := goruntime.NumGoroutine() - before; n > 1 {
		t.Errorf("1000 who wait cost %d goroutines, want one", n)
	}
	for _, cancel := range cancels {
		cancel()
		cancel() // twice is once
	}
	for _, ctx := range ctxs {
		if context.Cause(ctx) != context.Canceled {
			t.Fatalf("a context that was let go ended with %v", context.Cause(ctx))
		}
	}
	if c.waiting != 0 {
		t.Errorf("%d wait still", c.waiting)
	}
	<-c.done
}

func TestCloserEndsWhoWaits(t *testing.T) {
	closing := make(chan struct{})
	c := closer{closing: closing}
	ctx, cancel := c.until(t.Context())
	defer cancel()
	if ctx.Err() != nil {
		t.Fatal(ctx.Err())
	}
	close(closing)
	<-ctx.Done()
	late, cancelLate := c.until(t.Context())
	defer cancelLate()
	<-late.Done()
	for _, ctx := range []context.Context{ctx, late} {
		if err := context.Cause(ctx); !errors.Is(err, errWaited) {
			t.Errorf("ended with %v", err)
		}
	}
}
