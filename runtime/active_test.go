package runtime_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// TestActiveIsWhatRunsNow: of a retried step beside a branch, those attempts
// are listed that run, from their begin to their end.
func TestActiveIsWhatRunsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail, quick := make(chan error), make(chan error)
		w := once(func(ctx context.Context) (int, error) {
			side := runtime.Go(ctx, func(ctx context.Context) (int, error) {
				return runtime.Step(ctx, "side", func(context.Context) (int, error) { return 0, <-quick })
			})
			_, err := runtime.Step(ctx, "main", func(context.Context) (int, error) { return 0, <-fail },
				runtime.Retry{Max: 2, Initial: time.Hour})
			if err != nil {
				return 0, err
			}
			return side.Wait(ctx)
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("r"))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now().UTC()
		synctest.Wait()
		side := runtime.Attempt{Path: "0.0", Kind: store.KindStep, Name: "side", Number: 1, StartedAt: begin}
		first := runtime.Attempt{Path: "1", Kind: store.KindStep, Name: "main", Number: 1, StartedAt: begin}
		active := func(want ...runtime.Attempt) {
			t.Helper()
			synctest.Wait()
			got := r.Active("r")
			slices.SortFunc(got, func(a, b runtime.Attempt) int { return store.ComparePaths(a.Path, b.Path) })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("active (-want +got):\n%s", diff)
			}
		}
		active(side, first)
		fail <- errors.New("not yet")
		active(side) // main waits for its second attempt
		time.Sleep(time.Hour)
		second := first
		second.Number, second.StartedAt = 2, begin.Add(time.Hour)
		active(side, second)
		quick <- nil
		active(second)
		fail <- nil
		if _, err := h.Result(r.ctx); err != nil {
			t.Fatal(err)
		}
		active()
		if got := r.Active("another"); got != nil {
			t.Fatalf("active attempts of a run that is not here: %v", got)
		}
	})
}

// TestLastBeatFromOutside: how far a step has come, while it runs.
func TestLastBeatFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		w := once(func(ctx context.Context) (int, error) {
			return runtime.Step(ctx, "long", func(ctx context.Context) (int, error) {
				if err := runtime.Heartbeat(ctx, map[string]int{"done": 3}); err != nil {
					return 0, err
				}
				<-gate
				return 1, nil
			})
		})
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("r"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b, found, err := r.LastBeat(r.ctx, "r", "0")
		if err != nil || !found || b.Attempt != 1 || string(b.Details) != `{"done":3}` {
			t.Errorf("last beat: %+v, %t, %v", b, found, err)
		}
		close(gate)
		if _, err := h.Result(r.ctx); err != nil {
			t.Fatal(err)
		}
		if b, found, err := r.LastBeat(r.ctx, "r", "0"); err != nil || found {
			t.Errorf("after the step has ended: %+v, %t, %v", b, found, err)
		}
		if _, _, err := r.LastBeat(r.ctx, "another", "0"); !errors.Is(err, runtime.ErrNotFound) {
			t.Errorf("of no run: %v", err)
		}
	})
}
