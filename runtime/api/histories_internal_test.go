package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestHistoriesAreFew: who finds no place waits for one, and no longer than the
// request may take; a place that is given back twice is one place.
func TestHistoriesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(histories, 1)
		free, err := h.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errPatience)
		defer cancel()
		if _, err := h.take(ctx); err != errPatience {
			t.Fatalf("without a place: %v", err)
		}
		got := make(chan func())
		go func() {
			free, _ := h.take(t.Context())
			got <- free
		}()
		synctest.Wait()
		free()
		second := <-got
		free() // again: the place is the other's
		ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, errPatience)
		defer cancel()
		if _, err := h.take(ctx); err != errPatience {
			t.Errorf("a place was given back twice: %v", err)
		}
		second()
		if _, err := h.take(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
