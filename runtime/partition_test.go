package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// startFor starts n runs of a tenant on the queue: numbers from, from+1, ….
func startFor(t *testing.T, r *served, w *runtime.Workflow[int, int], q *runtime.Queue, tenant string, from, n int) {
	t.Helper()
	for i := range n {
		id := runtime.ID(fmt.Sprint("run", from+i))
		if _, err := w.Start(r.ctx, from+i, runtime.OnQueue(q), runtime.Partition(tenant), id); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoTenantStarvesAnother: who comes after a tenant with a long line waits
// for one turn, not for the line; also when the process restarts in between.
func TestNoTenantStarvesAnother(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart=", restart), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, g := openStore(t), &gauge{}
				w, q := measured(g), runtime.NewQueue("q", runtime.QueueConfig{Concurrency: 1})
				r := serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
				startFor(t, r, w, q, "large", 100, 50)
				synctest.Wait()
				startFor(t, r, w, q, "small", 200, 2)
				startFor(t, r, w, q, "third", 300, 1)
				if restart {
					time.Sleep(1100 * time.Millisecond)
					r.stop()
					r = serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
				}
				if _, err := r.Wait(r.ctx, "run201"); err != nil {
					t.Fatal(err)
				}
				g.mu.Lock()
				defer g.mu.Unlock()
				order := slices.Compact(slices.Clone(g.order)) // the restart has one step run twice
				if d := cmp.Diff([]int{100, 200, 300, 101, 201}, order[:5]); d != "" {
					t.Errorf("the runs began in the order (-want +got):\n%s", d)
				}
			})
		})
	}
}

// TestPartitionBounds: each tenant has its places and its tokens.
func TestPartitionBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, begin := openStore(t), time.Now()
		w, q := measured(&gauge{}), runtime.NewQueue("q", runtime.QueueConfig{PartitionConcurrency: 2})
		r := serveOn(t, s, runtime.Config{}, w, q)
		startFor(t, r, w, q, "a", 0, 5)
		startFor(t, r, w, q, "b", 5, 1)
		synctest.Wait()
		if n := len(starts(t, s, begin)); n != 3 {
			t.Errorf("%d began, want 2 of one tenant and 1 of the other", n)
		}
		if _, err := r.Wait(r.ctx, "run4"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(seconds(0, 0, 0, 1, 1, 2), starts(t, s, begin)); d != "" {
			t.Errorf("with two places each the runs began at (-want +got):\n%s", d)
		}
		if err := r.SetQueue(r.ctx, "q", runtime.QueueConfig{PartitionRate: runtime.Rate{Limit: 1, Per: time.Minute}}); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		startFor(t, r, w, q, "a", 10, 2)
		startFor(t, r, w, q, "c", 20, 2)
		for _, id := range []string{"run11", "run21"} {
			if _, err := r.Wait(r.ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(seconds(0, 0, 60, 60), starts(t, s, begin)[6:]); d != "" {
			t.Errorf("at one a minute each the runs began at (-want +got):\n%s", d)
		}
	})
}

// TestCrashAtEveryWriteOfPartitions: no crash lets a tenant begin more often
// than its rate, or loses a run.
func TestCrashAtEveryWriteOfPartitions(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("persisted=%t/at=%d", persisted, at), func(t *testing.T) {
				more = false // when it fails
				synctest.Test(t, func(t *testing.T) { more = crashOfPartitions(t, at, persisted) })
			})
		}
	}
}

func crashOfPartitions(t *testing.T, at int, persisted bool) (crashed bool) {
	s, begin := openStore(t), time.Now()
	q := runtime.NewQueue("q", runtime.QueueConfig{PartitionConcurrency: 1, PartitionRate: runtime.Rate{Limit: 1, Per: 5 * time.Second}})
	w := instant()
	m := newMortal(s, at, persisted)
	r := serveOn(t, m, runtime.Config{Logger: quiet}, w, q)
	ids := []string{"a0", "b0", "a1"}
	start := func() {
		for i, id := range ids {
			w.Start(r.ctx, i, runtime.OnQueue(q), runtime.Partition(id[:1]), runtime.ID(id))
		}
	}
	start()
	ended := make(chan struct{})
	go func(ctx context.Context) {
		defer close(ended)
		for _, id := range ids {
			r.Wait(ctx, id)
		}
	}(r.ctx)
	select {
	case <-ended:
	case <-m.died:
		crashed = true
	}
	r.stop()
	<-ended
	r = serveOn(t, s, runtime.Config{Logger: quiet}, w, q)
	start()
	for _, id := range ids {
		run, err := r.Wait(r.ctx, id)
		if err != nil || run.Status != store.Succeeded || run.Partition != id[:1] {
			t.Fatalf("run %s: %+v, %v", id, run, err)
		}
	}
	if d := cmp.Diff(seconds(0, 0, 5), starts(t, s, begin)); d != "" {
		t.Errorf("the runs began at (-want +got):\n%s", d)
	}
	return crashed
}

// TestAForkStaysInItsPartition: it counts against the same tenant's bounds.
func TestAForkStaysInItsPartition(t *testing.T) {
	w, q := instant(), runtime.NewQueue("q", runtime.QueueConfig{PartitionConcurrency: 1})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w, q)
	startFor(t, r, w, q, "acme", 0, 1)
	if _, err := r.Wait(r.ctx, "run0"); err != nil {
		t.Fatal(err)
	}
	if run, err := r.Fork(r.ctx, "run0", "0"); err != nil || run.Queue != "q" || run.Partition != "acme" {
		t.Errorf("the fork is in partition %q of queue %q, %v", run.Partition, run.Queue, err)
	}
}
