package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

func TestHeartbeatHandsItsDetailsToTheNextAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lines{}
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "import", func(ctx context.Context) (int, error) {
				from, found, err := runtime.LastHeartbeat[int](ctx)
				if err != nil {
					return 0, err
				}
				l.add(from, found)
				for i := from; i < 10; i++ {
					if err := runtime.Heartbeat(ctx, i+1); err != nil {
						return 0, err
					}
					if i%4 == 3 { // no time passes: only the first of the attempt is written at once
						return 0, errors.New("lost the line")
					}
				}
				last, _, err := runtime.LastHeartbeat[int](ctx)
				return last, err
			}, runtime.Retry{Initial: time.Hour}) // long enough to leave memory
		})
		s := openStore(t)
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if got, err := w.Call(r.ctx, struct{}{}); err != nil || got != 10 {
			t.Errorf("got %d, %v", got, err)
		}
		if got, want := l.text(), "0 false; 4 true; 8 true"; got != want {
			t.Errorf("attempts began with %s, want %s", got, want)
		}
		if h, found, err := s.LastBeat(context.Background(), 1, "0"); err != nil || found {
			t.Errorf("the step has its final row and still the heartbeat %+v, %v", h, err)
		}
	})
}

// beats counts the heartbeats that get to the store, and fails them at will.
type beats struct {
	store.Store
	mu   sync.Mutex
	n    int
	fail error
}

// failWith has the heartbeats from now on fail, or not.
func (b *beats) failWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *beats) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

func (b *beats) Beat(ctx context.Context, c store.Claim, h *store.Heartbeat) error {
	b.mu.Lock()
	b.n++
	err := b.fail
	b.mu.Unlock()
	if err != nil {
		return err
	}
	return b.Store.Beat(ctx, c, h)
}

func TestHeartbeatsOfATightLoopAreFewWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &beats{Store: openStore(t)}
		inStore := func(t *testing.T, want string) {
			h, _, err := s.LastBeat(context.Background(), 1, "0")
			if err != nil || string(h.Details) != want {
				t.Errorf("the store has %s, %v; want %s", h.Details, err, want)
			}
		}
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "loop", func(ctx context.Context) (int, error) {
				for i := range 1000 {
					if err := runtime.Heartbeat(ctx, i); err != nil {
						return 0, err
					}
					if i == 0 {
						inStore(t, "0") // durable on return
					}
					time.Sleep(10 * time.Millisecond)
				}
				// The newest gets there although no other follows.
				time.Sleep(2 * time.Second)
				inStore(t, "999")
				return s.count(), nil
			})
		})
		got, err := w.Call(serveOn(t, s, runtime.Config{Logger: quiet}, w).ctx, struct{}{})
		if err != nil || got < 10 || got > 12 {
			t.Errorf("%d writes in ten seconds, %v", got, err)
		}
	})
}

func TestHeartbeatsWaitForRoomInTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &beats{Store: openStore(t), fail: store.ErrFull}
		w := once(func(ctx context.Context) (string, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (string, error) {
				if err := runtime.Heartbeat(ctx, "here"); err != nil {
					return "", err
				}
				time.Sleep(2500 * time.Millisecond)
				s.failWith(nil)
				time.Sleep(time.Second)
				h, _, err := s.LastBeat(ctx, 1, "0")
				return string(h.Details), err
			})
		})
		got, err := w.Call(serveOn(t, s, runtime.Config{Logger: quiet}, w).ctx, struct{}{})
		if err != nil || got != `"here"` {
			t.Errorf("got %s, %v", got, err)
		}
	})
}

func TestHeartbeatThatStopsEndsTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, n := time.Now(), 0
		w := once(func(ctx context.Context) (string, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (string, error) {
				n++
				for range n { // the first attempt beats once, the second twice
					time.Sleep(8 * time.Second)
					if err := runtime.Heartbeat(ctx, nil); err != nil {
						return "", err
					}
				}
				if n < 3 {
					<-ctx.Done()
					if cause := context.Cause(ctx); cause != runtime.ErrHeartbeat {
						return "", fmt.Errorf("the cause is %v", cause)
					}
					return "", ctx.Err()
				}
				return fmt.Sprint(time.Since(begin).Round(time.Second)), nil
			}, runtime.HeartbeatTimeout(10*time.Second), runtime.Retry{Max: 3, Initial: time.Second, Factor: 1})
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		// 8+10, 1, 16+10, 1, 24
		if got, err := h.Result(r.ctx); err != nil || got != "1m10s" {
			t.Errorf("got %s, %v", got, err)
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil || len(steps) != 3 {
			t.Fatalf("%d rows, %v", len(steps), err)
		}
		for _, row := range steps[:2] {
			if row.Status != store.StepRetrying || row.Error.Code != store.CodeHeartbeat || row.Error.Message != "no heartbeat for 10s" {
				t.Errorf("attempt %d is recorded as %s: %+v", row.Attempt, row.Status, row.Error)
			}
		}
	})
}

func TestHeartbeatTimeoutWithoutRetryFailsTheStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			_, err := runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, fmt.Errorf("read: %w", ctx.Err())
			}, runtime.HeartbeatTimeout(time.Minute))
			if !errors.Is(err, runtime.ErrHeartbeat) {
				return 0, fmt.Errorf("got %v, want ErrHeartbeat", err)
			}
			return 1, nil
		})
		if got, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w), struct{}{}); err != nil || got != 1 {
			t.Errorf("got %d, %v", got, err)
		}
	})
}

func TestHeartbeatTellsThatTheRunIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, told := make(chan struct{}), make(chan error, 1)
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
				close(began)
				for {
					if err := runtime.Heartbeat(ctx, nil); err != nil {
						told <- err
						return 0, err
					}
					time.Sleep(time.Minute)
				}
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		<-began
		if err := h.Cancel(r.ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-told; err != runtime.ErrCancelled {
			t.Errorf("got %v", err)
		}
	})
}

func TestMistakenHeartbeats(t *testing.T) {
	ctx := context.Background()
	if err := runtime.Heartbeat(ctx, 1); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("outside a run: %v", err)
	}
	if _, _, err := runtime.LastHeartbeat[int](ctx); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("outside a run: %v", err)
	}
	var late context.Context
	w := once(func(ctx context.Context) (int, error) {
		if err := runtime.Heartbeat(ctx, 1); !errors.Is(err, runtime.ErrNotInRun) {
			t.Errorf("outside a step: %v", err)
		}
		if _, err := runtime.Step(ctx, "s", func(context.Context) (int, error) { return 1, nil }, runtime.HeartbeatTimeout(0)); err == nil || !strings.Contains(err.Error(), "HeartbeatTimeout(0s): want more than 0") {
			t.Errorf("no time: %v", err)
		}
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
			late = ctx
			if err := runtime.Heartbeat(ctx, strings.Repeat("x", 100)); !errors.Is(err, runtime.ErrTooLarge) {
				t.Errorf("too large: %v", err)
			}
			if err := runtime.Heartbeat(ctx, func() {}); err == nil {
				t.Error("a function was encoded")
			}
			if err := runtime.Heartbeat(ctx, "text"); err != nil {
				t.Error(err)
			}
			if _, _, err := runtime.LastHeartbeat[int](ctx); err == nil || !strings.Contains(err.Error(), "want an integer") {
				t.Errorf("another type: %v", err)
			}
			return 1, nil
		})
	})
	if _, err := w.Call(serve(t, runtime.Config{Logger: quiet, MaxPayload: 50}, w), struct{}{}); err != nil {
		t.Fatal(err)
	}
	if err := runtime.Heartbeat(late, 1); err == nil {
		t.Error("an attempt that is over may still beat")
	}
}

// TestHeartbeatsOverACrash kills the process at each of its writes. The next
// one goes on where the last heartbeat was, so no item is done more than twice.
func TestHeartbeatsOverACrash(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		eff, s := &effects{}, openStore(t)
		var begun []int // where each attempt began
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "import", func(ctx context.Context) (int, error) {
				from, _, err := runtime.LastHeartbeat[int](ctx)
				if err != nil {
					return 0, err
				}
				begun = append(begun, from)
				for i := from; i < 5; i++ {
					eff.on(fmt.Sprint("item ", i))
					if err := runtime.Heartbeat(ctx, i+1); err != nil {
						return 0, err
					}
					select {
					case <-time.After(time.Minute):
					case <-ctx.Done(): // else the process that died would not drain
						return 0, context.Cause(ctx)
					}
				}
				return 5, nil
			})
		})
		crashThenEnd(t, s, kill, w, struct{}{}, 5)
		all := eff.all()
		for item, n := range all {
			if n > 2 {
				t.Errorf("%s was done %d times", item, n)
			}
		}
		if len(all) != 5 || len(begun) > 2 {
			t.Errorf("%v, attempts began at %v", all, begun)
		}
		if h, found, _ := s.LastBeat(context.Background(), 1, "0"); found {
			t.Errorf("the run has ended and has the heartbeat %+v", h)
		}
	})
}
